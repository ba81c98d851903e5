"""A demo on a file of events: what it is told about, and when it is refused."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from questlog.demo.story import of_a_file
from warehouse.errors import BadInput
from warehouse.home import Home

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_file(folder: Path, *events: Any) -> Path:
    path = folder / "events.jsonl"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return path


def a_payment(timestamp: str, currency: str) -> dict[str, Any]:
    return {"timestamp": timestamp, "properties": {"currency": currency}}


def test_the_day_after_the_last_event_is_told_about_in_the_commonest_currency(
    tmp_path: Path,
) -> None:
    path = a_file(
        tmp_path,
        a_payment("2011-12-09T12:50:00Z", "GBP"),
        a_payment("2011-12-01T08:00:00Z", "GBP"),
        a_payment("2011-12-02T08:00:00Z", "USD"),
    )

    story = of_a_file(path, now=NOW, currency="EUR")

    assert (story.as_of, story.currency) == (date(2011, 12, 10), "GBP")
    assert story.open_mode


def test_a_clock_that_runs_ahead_does_not_move_the_day(tmp_path: Path) -> None:
    path = a_file(
        tmp_path,
        {"timestamp": "2026-02-20T00:00:00Z"},
        {"timestamp": "2031-01-01T00:00Z"},
    )

    assert of_a_file(path, now=NOW, currency="EUR").as_of == date(2026, 2, 21)


def test_a_file_without_an_event_is_refused_with_what_a_line_must_be(
    tmp_path: Path,
) -> None:
    path = a_file(tmp_path, "hello", {"timestamp": "yesterday"}, [1])

    with pytest.raises(BadInput, match="None of the 3 lines"):
        of_a_file(path, now=NOW, currency="EUR")


def test_empty_missing_and_torn_files_are_named(tmp_path: Path) -> None:
    empty, torn = tmp_path / "empty.jsonl", tmp_path / "torn.jsonl.gz"
    empty.touch()
    torn.write_bytes(gzip.compress(b'{"timestamp": "2026-01-01T00:00:00Z"}')[:-9])

    for path, said in (
        (empty, "is empty"),
        (torn, "cannot be read"),
        (tmp_path / "none.jsonl", "There is no file"),
    ):
        with pytest.raises(BadInput, match=said):
            of_a_file(path, now=NOW, currency="EUR")


def test_a_home_with_compiled_files_alone_holds_no_data(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.dbt_target.mkdir(parents=True)
    assert not home.holds_data

    home.vault.parent.mkdir()
    home.vault.touch()

    assert home.holds_data
