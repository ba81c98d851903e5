"""docs/measured.md: what the kept runs of the benchmarks came to, beside their bars."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.generators.note import note
from warehouse.settings import REPOSITORY

SOURCE = "bench/measured.jsonl"
_INTRODUCTION = """
# Measured

What `make bench NAME=…` last came to, figure by figure beside the bar we set. A run is
kept here by `python -m bench NAME --keep "what else the machine did"`, newest wins.
Bars are for two cores; where one is missed it says so, and why is in the README.
"""
_THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class Bar:
    """The least or the most that a figure may be."""

    value: float
    least: bool

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {_told(self.value)}"

    def met(self, figure: float) -> bool:
        """Whether a figure is on the right side of it."""
        return figure >= self.value if self.least else figure <= self.value


def kept(lines: str) -> dict[str, dict[str, Any]]:
    """The newest run of each benchmark, by name."""
    runs = [json.loads(line) for line in lines.splitlines() if line.strip()]
    return {run["name"]: run for run in sorted(runs, key=lambda run: str(run["on"]))}


def bars(run: Mapping[str, Any]) -> dict[str, Bar]:
    """A run's bars by figure, in the ways benchmarks write them."""
    found = {}
    for key, value in run["compared_with"].items():
        if not isinstance(value, int | float):
            continue
        stem, _, ending = key.rpartition("_")
        name = stem if ending in {"least", "most"} else key.replace("_limit_", "_")
        if name in run["figures"]:
            found[name] = Bar(value, least=ending == "least")
    return found


def measured_page(lines: str | None = None) -> str:
    """The page, from the lines of the kept runs."""
    if lines is None:
        lines = (REPOSITORY / SOURCE).read_text(encoding="utf-8")
    sections = (part for run in kept(lines).values() for part in _section(run))
    made_by = note(SOURCE)
    return "\n".join([f"<!-- {made_by} -->", _INTRODUCTION.rstrip(), *sections, ""])


def _section(run: Mapping[str, Any]) -> Iterator[str]:
    machine, figures, barred = run["machine"], run["figures"], bars(run)
    yield f"\n## {run['name']}\n"
    yield (
        f"{run['on']}, commit {run['commit']}, {machine['cores']} cores,"
        f" {machine['memory_bytes'] >> 30} GiB. Beside it: {run['beside']}.\n"
    )
    if barred:
        yield "| figure | measured | bar | |"
        yield "|---|---:|---:|---|"
        for name, bar in barred.items():
            verdict = "met" if bar.met(figures[name]) else "**missed**"
            yield f"| `{name}` | {_told(figures[name])} | {bar} | {verdict} |"
    others = {
        **{name: value for name, value in figures.items() if name not in barred},
        **{
            name: value
            for name, value in run["compared_with"].items()
            if isinstance(value, int | float)
            and name not in figures
            and not name.endswith(("_least", "_most"))
            and name.replace("_limit_", "_") not in figures
        },
    }
    if others:
        yield f"\n<details><summary>{len(others)} more figures</summary>\n"
        yield ", ".join(f"`{name}` {_told(value)}" for name, value in others.items())
        yield "\n</details>"


def _told(value: float) -> str:
    if isinstance(value, int) or value >= _THOUSAND:
        return f"{value:,.0f}"
    return f"{value:.3g}"
