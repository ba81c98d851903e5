"""What a gate's report says, and when it stops."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from expectations.gates import check_at_door, inspect
from expectations.report import GateReport, Result
from warehouse.errors import BadInput, GateClosed
from warehouse.settings import Settings


def a_result(**changed: Any) -> Result:
    fields = {
        "suite": "staging.stg_events",
        "expectation": "person_is_present",
        "meaning": "Every event belongs to somebody.",
        "columns": ("user_id",),
        "severity": "stop",
        "success": True,
        "checked_rows": 100,
        "unexpected_rows": 0,
        "sample_keys": (),
    }
    return Result(**(fields | changed))


BROKEN = a_result(success=False, unexpected_rows=1200, sample_keys=tuple("abcd"))


def a_report(*results: Result) -> GateReport:
    return GateReport(
        gate="staging",
        as_of=date(2026, 3, 1),
        run_id=UUID(int=7),
        results=results,
        data_docs=Path("/docs/staging"),
    )


def test_a_gate_is_open_while_no_rule_that_stops_is_broken() -> None:
    report = a_report(a_result(), a_result(success=False, severity="warn"))

    report.require_open()

    assert report.open
    assert len(report.warnings) == 1


def test_a_closed_gate_says_which_expectation_how_many_rows_and_where_to_read() -> None:
    with pytest.raises(GateClosed) as closed:
        a_report(a_result(), BROKEN).require_open()

    assert str(closed.value) == (
        "The gate staging is closed for 2026-03-01: 1 of 2 expectations failed.\n"
        "  staging.stg_events person_is_present: 1,200 rows, such as a, b, c\n"
        "Nothing was published. Look at /docs/staging/index.html,"
        " then follow docs/runbooks/gate-closed.md."
    )


def test_a_gate_that_is_closed_for_parts_alone_names_them() -> None:
    broken = a_result(success=False, sample_keys=("a",), unexpected_rows=1)

    parted = a_report(
        replace(broken, parts=("high_value", "at_risk")),
        replace(broken, parts=("at_risk",)),
    )
    whole = a_report(replace(broken, parts=("at_risk",)), broken)

    assert "\nKept back: at_risk, high_value; nothing else." in parted.closed_because
    assert "\nNothing was published." in whole.closed_because


def test_a_rule_that_could_not_be_judged_says_why() -> None:
    result = a_result(success=False, trouble="could not be judged (UNKNOWN_IDENTIFIER)")

    assert result.sentence.endswith("could not be judged (UNKNOWN_IDENTIFIER)")


def test_the_report_in_json_holds_what_the_table_shows() -> None:
    shown = a_report(BROKEN).as_json()

    assert shown["open"] is False
    assert shown["as_of"] == "2026-03-01"
    assert shown["results"][0]["unexpected_rows"] == 1200


def test_a_gate_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(BadInput, match="choose one of staging, marts, features"):
        inspect("garden", date(2026, 3, 1), Settings())


def test_a_day_that_is_no_day_is_refused_at_the_door() -> None:
    with pytest.raises(BadInput, match="'yesterday' is no date"):
        check_at_door("staging", "yesterday")


def test_the_runbook_a_closed_gate_leads_to_exists() -> None:
    from expectations.report import RUNBOOK
    from warehouse.settings import REPOSITORY

    assert (REPOSITORY / RUNBOOK).is_file()
