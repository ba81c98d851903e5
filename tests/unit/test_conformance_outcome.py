"""The report on a client project's suite counts right and hides nothing."""

from pathlib import Path

import pytest
import yaml

from tests.conformance.outcome import (
    KNOWN,
    Outcome,
    Reason,
    outcome,
    reasons,
    told,
    unexplained,
)
from tests.conformance.suites import sources, suite
from warehouse.errors import BadInput

REPORT = """<testsuites><testsuite>
<testcase classname="a.test_x" name="good"/>
<testcase classname="a.test_x" name="bad[sync]">
<failure message="no&#10;more"/></testcase>
<testcase classname="a.test_x" name="away"><skipped/></testcase>
<testcase classname="a.test_x" name="torn"/>
<testcase classname="a.test_x" name="torn"><error message="teardown"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def run(tmp_path: Path) -> Outcome:
    (tmp_path / "report.xml").write_text(REPORT)
    return outcome(tmp_path / "report.xml")


def test_a_test_that_passed_and_was_torn_down_badly_has_failed(run: Outcome) -> None:
    assert run.passed == ("a.test_x::good",)
    assert run.skipped == ("a.test_x::away",)
    assert dict(run.failed) == {
        "a.test_x::bad[sync]": "no more",
        "a.test_x::torn": "teardown",
    }


def test_a_failure_without_a_reason_is_told_as_such(run: Outcome) -> None:
    known = [Reason(("*bad[sync]",), "engine", "it cannot")]

    lines = list(told(run, known))

    assert unexplained(run, known) == [("a.test_x::torn", "teardown")]
    assert "     UNEXPLAINED a.test_x::torn: teardown" in lines
    assert lines[-1].startswith("1 passed, 2 failed (1 of them unexplained), 1 skipped")
    assert "33.3%" in lines[-1]


def test_a_reason_for_nothing_is_told_too(run: Outcome) -> None:
    lines = list(told(run, [Reason(("*gone",), "engine", "it could not")]))

    assert any("take it out of the file" in line for line in lines)


def test_every_known_failure_says_whose_it_is_and_why() -> None:
    for name in yaml.safe_load(KNOWN.read_text()):
        assert suite(name).name == name
        for reason in reasons(name):
            assert reason.whose in {"engine", "environment", "suite", "decision"}
            assert reason.because
            assert reason.tests


def test_a_folder_without_the_suite_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="give PATH="):
        sources(suite("dbt-clickhouse"), tmp_path)
    with pytest.raises(BadInput, match="there are: clickhouse-connect"):
        suite("no-such-client")
