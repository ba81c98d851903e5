"""The gate of audiences closes for the audience that is bad, and for no other."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from expectations.gates import inspect
from expectations.report import GateReport
from tests.integration.gates.warehouse import MEMBERS, insert
from warehouse.audience_gate import audience_gate, strict_audience_gate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Great Expectations reads a module that Python 3.11 calls old
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")

DAY = date(2026, 3, 1)
NEXT_DAY, THIRD_DAY, FOURTH_DAY = (DAY + timedelta(days=n) for n in (1, 2, 3))


@pytest.fixture
def members(sound: "Client") -> "Client":
    """People who all consent and are scored, and nobody in an audience yet."""
    sound.command(f"truncate table {MEMBERS}")
    sound.command("truncate table ops.gate_results")
    names = [f"p{place:03}" for place in range(60)]
    people = [{"person_id": name, "advertising_consent": True} for name in names]
    insert(sound, "marts.dim_people", *people)
    for day in (DAY, NEXT_DAY, THIRD_DAY, FOURTH_DAY):
        scores = [{"person_id": name, "as_of": str(day)} for name in names]
        insert(sound, "ml.lifetime_values", *scores)
    return sound


def an_audience(
    client: "Client", name: str, people: range, *, day: date = DAY, **changed: Any
) -> None:
    rows = [
        {"audience": name, "as_of": str(day), "person_id": f"p{place:03}"} | changed
        for place in people
    ]
    insert(client, MEMBERS, *rows)


def judged(
    settings: Settings, day: date = DAY, wanted: Sequence[str] = ()
) -> GateReport:
    return inspect("audiences", day, settings, wanted=wanted)


def test_one_bad_audience_is_named_and_kept_back_alone(
    members: "Client", settings: Settings
) -> None:
    an_audience(members, "at_risk", range(30), value=0.125)
    an_audience(members, "high_value", range(30))

    report = judged(settings)

    (stop,) = report.stops
    assert (stop.expectation, stop.parts) == ("value_is_a_score", ("at_risk",))
    assert "\nKept back: at_risk; nothing else. Look at " in report.closed_because
    assert report.as_json()["results"][0]["parts"] == ()
    for gate in (audience_gate(members, DAY), strict_audience_gate(members, DAY)):
        assert gate.why_not("high_value") == ""
        assert gate.why_not("at_risk") == (
            "The gate audiences is closed for at_risk on 2026-03-01:"
            " value_is_a_score. `questlog gate audiences --as-of 2026-03-01` shows"
            " the rows."
        )


def test_what_moved_in_one_audience_keeps_back_no_other(
    members: "Client", settings: Settings
) -> None:
    an_audience(members, "high_value", range(30))
    finding = {"gate": "audiences", "as_of": str(NEXT_DAY), "judge": "shape"}
    an_audience(members, "high_value", range(30), day=NEXT_DAY)
    # more than half a hundred of other values than the day before
    for day, value in ((DAY, 499), (NEXT_DAY, -499)):
        an_audience(members, "at_risk", range(60), day=day, value=value)
    insert(members, "ops.anomalies", finding)

    report = judged(settings, NEXT_DAY)

    shape = next(one for one in report.results if one.expectation == "no_grave_shape")
    assert shape.parts == ("at_risk",)
    assert audience_gate(members, NEXT_DAY).why_not("high_value") == ""


def test_what_could_not_be_judged_keeps_every_audience_back(
    members: "Client", settings: Settings
) -> None:
    an_audience(members, "at_risk", range(30))
    members.command("rename table marts.dim_people to marts.gone")
    try:
        report = judged(settings)
    finally:
        members.command("rename table marts.gone to marts.dim_people")

    assert "Nothing was published." in report.closed_because
    assert "closed for 2026-03-01: " in audience_gate(members, DAY).why_not("at_risk")


def test_a_mended_audience_is_sent_after_the_next_judging(
    members: "Client", settings: Settings
) -> None:
    an_audience(members, "at_risk", range(30), value=0.125)
    judged(settings)
    members.command(f"truncate table {MEMBERS}")
    an_audience(members, "at_risk", range(30))

    chosen_again = strict_audience_gate(members, DAY)
    judged(settings)

    assert "chosen again after their gate" in chosen_again.why_not("at_risk")
    assert strict_audience_gate(members, DAY).why_not("at_risk") == ""


def test_nobody_is_sent_by_schedule_whom_nobody_judged(members: "Client") -> None:
    an_audience(members, "at_risk", range(30))

    assert "Nobody has judged" in strict_audience_gate(members, DAY).why_not("at_risk")
    # who pushes by hand may do so without
    assert audience_gate(members, DAY).why_not("at_risk") == ""


def test_an_audience_that_was_kept_back_is_nothing_to_be_alike_the_day_after(
    members: "Client", settings: Settings
) -> None:
    def shrunk(day: date) -> bool:
        return "gravely_shrunk" in audience_gate(members, day).why_not("at_risk")

    an_audience(members, "at_risk", range(40))
    judged(settings)
    for day in (NEXT_DAY, THIRD_DAY, FOURTH_DAY):
        an_audience(members, "at_risk", range(10), day=day)
    judged(settings, NEXT_DAY)

    # still a quarter of what was sent last
    judged(settings, THIRD_DAY)
    stays_closed = shrunk(NEXT_DAY), shrunk(THIRD_DAY)
    # somebody says that it is meant
    judged(settings, THIRD_DAY, wanted=["audience_has_not_gravely_shrunk"])
    judged(settings, FOURTH_DAY)

    assert stays_closed == (True, True)
    assert (shrunk(THIRD_DAY), shrunk(FOURTH_DAY)) == (False, False)
