"""What an event type does on a violation: quarantine, tag or strip it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.judging import Accepted, Arrival, Refused, Rules, Source, Verdict
from ingestion.moments import moment
from ingestion.records import Record, accepted_row
from ingestion.usual import verdict_on
from warehouse.taxonomy import load

TAXONOMY = load()
ARRIVAL = Arrival(moment(datetime(2026, 3, 1, 10, 0, tzinfo=UTC)))


def enforcing(mode: Any) -> Rules:
    """The taxonomy with a roll of dice that is judged in a mode."""
    rolled = replace(TAXONOMY.events["rolled"], on_violation=mode)
    return Rules.of(replace(TAXONOMY, events={**TAXONOMY.events, "rolled": rolled}))


RULES = {mode: enforcing(mode) for mode in ("quarantine", "tag", "strip")}


def a_roll(properties: dict[str, Any], **changed: Any) -> bytes:
    event = {
        "event_id": "5e0f6d0c-7b1c-4c5e-9a57-0d2f6a1b3c4d",
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "rolled",
        "user_id": "ann",
        "properties": properties,
    }
    return json.dumps(event | changed).encode()


def judgement(raw: bytes, mode: str) -> Verdict:
    return verdict_on(raw, rules=RULES[mode], source=Source("web"), arrival=ARRIVAL)


def came_of(verdict: Verdict) -> Any:
    """What is stored of an event: its tags and properties, or why it was refused."""
    if isinstance(verdict, Refused):
        return [one.reason for one in verdict.objections]
    (row,) = Record("accepted", accepted_row(verdict)).named()
    return row["tags"], json.loads(row["properties"])


GOOD = {"dice": "1d20", "result": 7}
MORE = GOOD | {"table": 4}
WRONG_IN_PASSING = GOOD | {"game_session_id": 5}
WRONG_AT_HEART = {"dice": "1d20", "result": "seven"}
LACKING = {"dice": "1d20"}


@pytest.mark.parametrize(
    ("properties", "quarantined", "tagged", "stripped"),
    [
        (GOOD, ([], GOOD), ([], GOOD), ([], GOOD)),
        (
            MORE,
            ["additional_property"],
            (["additional_property"], MORE),
            (["additional_property"], GOOD),
        ),
        (
            WRONG_IN_PASSING,
            ["type_mismatch"],
            (["type_mismatch"], WRONG_IN_PASSING),
            (["type_mismatch"], GOOD),
        ),
        (
            WRONG_AT_HEART,
            ["type_mismatch"],
            (["type_mismatch"], WRONG_AT_HEART),
            ["type_mismatch"],
        ),
        (
            LACKING,
            ["required_missing"],
            (["required_missing"], LACKING),
            ["required_missing"],
        ),
    ],
)
def test_what_comes_of_a_violation_is_as_the_event_type_says(
    properties: dict[str, Any], quarantined: Any, tagged: Any, stripped: Any
) -> None:
    raw = a_roll(properties)

    assert came_of(judgement(raw, "quarantine")) == quarantined
    assert came_of(judgement(raw, "tag")) == tagged
    assert came_of(judgement(raw, "strip")) == stripped


@pytest.mark.parametrize("mode", ["quarantine", "tag", "strip"])
def test_no_mode_lets_in_a_version_that_there_is_not_or_the_far_future(
    mode: str,
) -> None:
    unknown = judgement(a_roll(GOOD, event_version="9.9"), mode)
    ahead = judgement(a_roll(GOOD, timestamp="2026-04-01T09:59:00.000Z"), mode)

    assert came_of(unknown) == ["unplanned_event"]
    assert came_of(ahead) == ["future"]


_VALUES: Any = st.sampled_from(["x", "", 5, -1, None, True, 1.5, [], {"a": 1}])
_PROPERTIES = st.dictionaries(
    st.sampled_from(["dice", "result", "game_session_id", "table", "e-mail"]), _VALUES
)


@given(_PROPERTIES)
@settings(deadline=None)
def test_what_was_stripped_is_without_fault_when_it_is_judged_again(
    properties: dict[str, Any],
) -> None:
    verdict = judgement(a_roll(GOOD | properties), "strip")
    if not isinstance(verdict, Accepted):
        return

    left = verdict.envelope.properties
    again = judgement(a_roll(left), "quarantine")

    assert isinstance(again, Accepted)
    assert again.tags == ()
    assert left.items() <= (GOOD | properties).items()


@given(_PROPERTIES)
@settings(deadline=None)
def test_quarantine_refuses_what_tag_would_have_noted_and_nothing_else(
    properties: dict[str, Any],
) -> None:
    raw = a_roll(GOOD | properties)

    refused = isinstance(judgement(raw, "quarantine"), Refused)
    noted = judgement(raw, "tag")

    assert isinstance(noted, Accepted)
    assert refused == bool(noted.tags)
