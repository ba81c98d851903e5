"""Data Docs that can be read offline: their styles and index are made local."""

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from expectations.report import RUNBOOK, GateReport

_STYLE = Path(__file__).with_name("pages.css")
_REMOTE = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*https?://[^>]*>|<img\b[^>]*https?://[^>]*>"
    r"|url\(\W*https?://[^)]*\)",
    re.DOTALL,
)


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A new folder for a gate's pages, which takes the old one's place at the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as aside:
        fresh = Path(aside) / folder.name
        fresh.mkdir()
        yield fresh
        _make_local(fresh)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _make_local(folder: Path) -> None:
    """Take out what pages would load from elsewhere and put our styles in."""
    style = f"<style>{_STYLE.read_text()}</style></head>"
    for page in folder.rglob("*.html"):
        text = _REMOTE.sub("", page.read_text())
        page.write_text(text.replace("</head>", style, 1))


def write_index(report: GateReport) -> None:
    """The page of one gate's last run, and the page of all gates above it."""
    folder = report.data_docs
    (folder / "report.json").write_text(json.dumps(report.as_json(), indent=1))
    (folder / "index.html").write_text(_gate_page(folder, report.as_json()))
    gates = []
    for path in sorted(folder.parent.glob("[!.]*/report.json")):
        # another gate may be putting its new folder in place at this moment
        with contextlib.suppress(FileNotFoundError):
            gates.append(json.loads(path.read_text()))
    (folder.parent / "index.html").write_text(_all_gates_page(gates))


def _all_gates_page(gates: list[dict[str, Any]]) -> str:
    lines = [
        f'<tr><td><a href="{gate["gate"]}/index.html">{gate["gate"]}</a></td>'
        f"<td>{gate['as_of']}</td>{_state(passed=gate['open'])}"
        f"<td>{len(gate['results'])}</td><td>{len(_broken(gate, 'stop'))}</td>"
        f"<td>{len(_broken(gate, 'warn'))}</td></tr>"
        for gate in sorted(gates, key=lambda one: one["open"])
    ]
    heads = ("Gate", "As of", "", "Expectations", "Stop", "Warn")
    return _page(
        "Gates", "The last run of each, those that are closed first.", heads, lines
    )


def _broken(gate: dict[str, Any], severity: str) -> list[dict[str, Any]]:
    """The results of a severity that were not met."""
    return [
        result
        for result in gate["results"]
        if result["severity"] == severity and not result["success"]
    ]


def _gate_page(folder: Path, gate: dict[str, Any]) -> str:
    lines = [
        f"<tr><td>{_linked(folder, result['suite'])}</td>"
        f"<td>{escape(result['meaning'])}<br><code>{result['expectation']}</code></td>"
        f"{_state(passed=result['success'])}<td>{result['severity']}</td>"
        f"<td>{result['checked_rows']:,}</td><td>{result['unexpected_rows']:,}</td>"
        f"<td>{_found(result)}</td></tr>"
        # whoever comes here comes for what is broken
        for result in sorted(
            gate["results"], key=lambda one: (one["success"], one["severity"])
        )
    ]
    state = (
        '<span class="good">open</span>'
        if gate["open"]
        else f'<span class="bad">closed</span>: follow {RUNBOOK}'
    )
    return _page(
        f"Gate {gate['gate']}",
        f"As of {gate['as_of']}: {state}. {len(_broken(gate, 'stop'))} expectations"
        f" that stop were not met, {len(_broken(gate, 'warn'))} that warn, of"
        f" {len(gate['results'])}. Run {gate['run_id']}.",
        ("Table", "Expectation", "", "Severity", "Rows", "At fault", "Keys"),
        lines,
    )


def _found(result: dict[str, Any]) -> str:
    """Why a rule could not be judged, else what it keeps back and some keys."""
    if "trouble" in result:
        return escape(str(result["trouble"]))
    parts = f"{escape(', '.join(result.get('parts', ())))}<br>"
    keys = "<br>".join(escape(key) for key in result["sample_keys"])
    return (parts if result.get("parts") else "") + f"<code>{keys}</code>"


def _linked(folder: Path, suite: str) -> str:
    """The name of a suite, leading to its page of Great Expectations' own."""
    database, _, table = suite.partition(".")
    found = sorted(folder.glob(f"validations/{database}/{table}/**/*.html"))
    if not found:
        return suite
    return f'<a href="{found[-1].relative_to(folder)}">{suite}</a>'


def _state(*, passed: bool) -> str:
    return '<td class="good">✓</td>' if passed else '<td class="bad">✗</td>'


def _page(title: str, lead: str, heads: tuple[str, ...], lines: list[str]) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE.read_text()}</style></head><body>"
        f'<main class="container"><h1>{title}</h1><p>{lead}</p><table class="table">'
        f"<thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></main></body></html>\n"
    )
