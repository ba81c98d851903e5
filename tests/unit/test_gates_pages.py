"""Data Docs that can be read without a network."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from expectations.pages import replaced, write_index
from expectations.report import GateReport, Result

REMOTE_PAGE = """<html><head>
<link rel="stylesheet" href="https://cdn.example/bootstrap.css"/>
<link rel="icon" href="static/favicon.ico">
<style>a { background: url("https://assets.example/dark.png") }</style>
<script src="https://cdn.example/vega.js"></script><script>
$(function () { start(); });
</script></head>
<body><img
  src="https://assets.example/logo.png"
/><img src="static/logo.png"><p>Kept</p></body></html>"""


def a_report(folder: Path, *, success: bool = True) -> GateReport:
    result = Result(
        suite="marts_build.fct_sessions",
        expectation="start_is_not_after_end",
        meaning="start <= end.",
        columns=("started_at",),
        severity="stop",
        success=success,
        checked_rows=5,
        unexpected_rows=0 if success else 1,
        sample_keys=() if success else ("a key",),
    )
    return GateReport(
        gate="marts",
        as_of=date(2026, 3, 1),
        run_id=UUID(int=1),
        results=(result,),
        data_docs=folder,
    )


def test_a_page_loads_nothing_from_elsewhere_and_keeps_its_words(
    tmp_path: Path,
) -> None:
    with replaced(tmp_path / "marts") as folder:
        (folder / "page.html").write_text(REMOTE_PAGE)

    page = (tmp_path / "marts" / "page.html").read_text()
    assert "https://" not in page
    assert "<script" not in page
    assert "<style>" in page
    assert "<p>Kept</p>" in page
    assert 'href="static/favicon.ico"' in page


def test_pages_take_the_place_of_the_last_run_whole(tmp_path: Path) -> None:
    for name in ("first.html", "second.html"):
        with replaced(tmp_path / "marts") as folder:
            (folder / name).write_text("<head></head>")

    assert [path.name for path in tmp_path.iterdir()] == ["marts"]
    assert [path.name for path in (tmp_path / "marts").iterdir()] == ["second.html"]


def test_pages_of_a_run_that_broke_off_leave_the_last_ones(tmp_path: Path) -> None:
    with replaced(tmp_path / "marts") as folder:
        (folder / "good.html").write_text("<head></head>")

    with pytest.raises(RuntimeError), replaced(tmp_path / "marts"):
        raise RuntimeError

    assert (tmp_path / "marts" / "good.html").exists()


def test_the_index_tells_each_gate_and_each_expectation(tmp_path: Path) -> None:
    folder = tmp_path / "marts"
    folder.mkdir()

    write_index(a_report(folder, success=False))

    page = (folder / "index.html").read_text()
    assert "start &lt;= end." in page
    assert "closed</span>: follow docs/runbooks/gate-closed.md" in page
    assert "a key" in page
    assert 'href="marts/index.html"' in (tmp_path / "index.html").read_text()


def test_what_is_broken_comes_first_and_what_stops_before_what_warns(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "marts"
    folder.mkdir()
    (result,) = a_report(folder).results
    names = ("met", "warns", "stops", "troubled")
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"success": False, "severity": "warn"},
        {"success": False, "parts": ("at_risk",)},
        {"success": False, "trouble": "could not be judged (UNKNOWN_TABLE)"},
    )
    results = tuple(
        replace(result, expectation=name, **change)
        for name, change in zip(names, changes, strict=True)
    )

    write_index(replace(a_report(folder), results=results))

    page = (folder / "index.html").read_text()
    places = [page.index(f"<code>{name}") for name in names]
    assert places[2] < places[3] < places[1] < places[0]
    assert "2 expectations that stop were not met, 1 that warn, of 4." in page
    assert "at_risk<br>" in page
    assert "could not be judged (UNKNOWN_TABLE)" in page


def test_a_suite_leads_to_its_page_of_great_expectations(tmp_path: Path) -> None:
    folder = tmp_path / "marts"
    page = folder / "validations/marts_build/fct_sessions/run/x.html"
    page.parent.mkdir(parents=True)
    page.touch()

    write_index(a_report(folder))

    link = 'href="validations/marts_build/fct_sessions/run/x.html"'
    assert link in (folder / "index.html").read_text()
