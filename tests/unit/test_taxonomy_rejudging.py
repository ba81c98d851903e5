"""What a new taxonomy would do to events that are stored."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.rejudging import Rejudged, rejudge
from warehouse.taxonomy import Property, Taxonomy, load

TAXONOMY = load()
AT = datetime(2026, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC)


def stored(**changed: Any) -> dict[str, Any]:
    properties = {"dice": "1d20", "result": 17} | changed.pop("properties", {})
    return {
        "event_id": "3f0c7a52-8a63-4a1e-9d3c-2f1f0b6f2b11",
        "event_name": "rolled",
        "event_version": "1.0",
        "user_id": "ann",
        "anonymous_id": "",
        "session_id": "",
        "occurred_at": AT,
        "sent_at": None,
        "received_at": AT,
        "sequence": None,
        "source": "web",
        "imported": False,
        "properties": json.dumps(properties),
        "context": "{}",
        "user_properties": "{}",
    } | changed


def with_rolled(**changed: Any) -> Taxonomy:
    event = replace(TAXONOMY.events["rolled"], **changed)
    return replace(TAXONOMY, events={**TAXONOMY.events, "rolled": event})


def with_result(**changed: Any) -> Taxonomy:
    words = TAXONOMY.events["rolled"].properties
    result: Property = replace(words["result"], **changed)
    return with_rolled(properties={**words, "result": result})


def rejudged(new: Taxonomy, *rows: dict[str, Any]) -> Rejudged:
    return rejudge(rows, old=TAXONOMY, new=new)


def test_under_the_same_taxonomy_nothing_changes() -> None:
    later = AT.replace(year=2031)
    rows = [
        stored(),
        stored(event_name="flew", tags=["unplanned_event"]),
        stored(properties={"result": "many"}),
        stored(sent_at=AT, sequence=7, session_id="s", user_id="", anonymous_id="d"),
        stored(imported=True),
        stored(sent_at=later, occurred_at=later),
        stored(occurred_at=AT.replace(tzinfo=None)),
    ]

    found = rejudged(TAXONOMY, *rows)

    assert (found.events, found.refused_events, found.noted_events) == (7, 0, 0)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (with_result(max=10), "out_of_range"),
        (with_result(type="string"), "type_mismatch"),
        (with_rolled(properties={}), "additional_property"),
        (with_rolled(versions=("1.1",)), "unplanned_event"),
        (
            replace(TAXONOMY, events={"x": TAXONOMY.events["user_logged_in"]}),
            "unplanned_event",
        ),
    ],
)
def test_what_only_the_new_taxonomy_refuses_is_counted(
    new: Taxonomy, reason: str
) -> None:
    found = rejudged(new, stored(), stored())

    assert found.refused_events == 2
    assert found.refused == {("rolled", reason): 2}
    assert found.samples["rolled", reason] == [stored()["event_id"]] * 2


def test_what_the_new_taxonomy_takes_with_a_note_is_counted_apart() -> None:
    narrowed = with_result(max=10).events["rolled"]
    new = replace(
        TAXONOMY,
        events={**TAXONOMY.events, "rolled": replace(narrowed, on_violation="tag")},
    )

    found = rejudged(new, stored())

    assert (found.refused_events, found.noted_events) == (0, 1)
    assert found.noted == {("rolled", "out_of_range"): 1}


def test_a_wider_taxonomy_refuses_nothing() -> None:
    assert rejudged(with_result(type="number"), stored()).refused_events == 0
