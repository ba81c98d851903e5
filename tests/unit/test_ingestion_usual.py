"""What is judged in one go is judged as the long way judges it, or not at all."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.judging import Accepted, Arrival, Rules, Source, Verdict, judge
from ingestion.moments import moment
from ingestion.records import accepted_row
from ingestion.shapes import Shapes
from ingestion.usual import _accepted, verdict_on
from warehouse.taxonomy import load

NOW = moment(datetime(2026, 3, 1, 10, 0, tzinfo=UTC))
RULES = Rules.of(load())
ARRIVAL = Arrival(NOW)
AN_EVENT: dict[str, Any] = {
    "event_id": "5E0F6D0C-7b1c-4c5e-9a57-0d2f6a1b3c4d",
    "timestamp": "2026-03-01T09:59:00.000Z",
    "event_name": "rolled",
    "user_id": "ann",
    "properties": {"dice": "1d20", "result": 7},
    "context": {"locale": "de-DE", "user_agent": "curl/8"},
}
_ODD: Any = st.sampled_from(
    [None, "", "x", "anon:1", "a{b", "a[b", "\x00", "é" * 300, 0, -1, 2**64, 1.5, True]
) | st.sampled_from([{}, [], {"dice": "1d20"}, {"a": {"b": [1]}}, [{"a": 1}]])
_KEYS = st.sampled_from(
    [
        *("event_id", "timestamp", "event_name", "event_version", "user_id"),
        *("anonymous_id", "session_id", "sequence", "sent_at", "source", "extra"),
        *("properties", "context", "user_properties"),
    ]
)
_VALUES: Any = st.one_of(
    _ODD,
    st.sampled_from(
        [
            *("rolled", "gaming.rolled", "user_logged_in", "flew", "1.0", "9.9"),
            *("2026-03-01T09:59:00Z", "2026-03-02T10:00:00.000Z"),
            *("2026-03-02T10:00:00.001Z", "2026-03-01T10:00:06.000Z"),
            *("1899-03-01T09:59:00.000Z", "2026-02-30T09:59:00.000Z"),
            "5e0f6d0c7b1c4c5e9a570d2f6a1b3c4d",
        ]
    ),
)
_WORDS = st.sampled_from(
    [
        *("dice", "result", "locale", "user_agent", "ip_address", "ip", "email"),
        *("First-Name", "country", "plan", "page_url", "new_word"),
    ]
)
_SECTIONS = st.dictionaries(_WORDS, _ODD, max_size=4)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """An event of ours with some of it changed, sometimes no JSON in the end."""
    event = AN_EVENT | draw(st.dictionaries(_KEYS, _VALUES, max_size=2))
    for section in draw(st.sets(st.sampled_from(["properties", "context"]))):
        if isinstance(event.get(section), dict):
            event[section] = event[section] | draw(_SECTIONS)
    if draw(st.booleans()):
        event["user_properties"] = draw(_SECTIONS)
    raw = json.dumps(event, ensure_ascii=draw(st.booleans())).encode()
    return raw[: draw(st.sampled_from([len(raw), len(raw), len(raw), len(raw) - 1]))]


def told(verdict: Verdict) -> Any:
    """A verdict but for what only says how it was come to."""
    found = msgspec.structs.asdict(verdict)
    if verdict.envelope is not None:
        found["envelope"] = msgspec.structs.replace(verdict.envelope, is_flat=False)
    # of an identifier its place is an object of this verdict
    found["identifiers"] = [
        (one.name, one.value, one.key) for one in found.get("identifiers", ())
    ]
    return found


@given(
    events(),
    st.sampled_from(["planned", "open"]),
    st.sampled_from(
        [
            ARRIVAL,
            Arrival(NOW, sent_at=NOW),
            Arrival(NOW, sent_at=moment(datetime(2026, 3, 1, 11, tzinfo=UTC))),
        ]
    ),
)
@settings(max_examples=600, deadline=None)
def test_the_short_way_says_what_the_long_way_says(
    raw: bytes, mode: Any, arrival: Arrival
) -> None:
    source = Source("web", mode)
    rules = replace(RULES, country_of=lambda address: "FR" if "2" in address else "")

    short = verdict_on(raw, rules=rules, source=source, arrival=arrival)
    long = judge(raw, rules=rules, source=source, arrival=arrival)

    assert told(short) == told(long)
    if isinstance(short, Accepted) and isinstance(long, Accepted):
        assert accepted_row(short) == accepted_row(long)


def test_a_usual_event_takes_the_short_way() -> None:
    raw = json.dumps(AN_EVENT).encode()

    assert _accepted(raw, RULES, Source("web"), ARRIVAL) is not None


def test_shapes_without_end_are_not_remembered_without_end() -> None:
    shapes = Shapes(RULES.schemas, RULES.personal)

    for number in range(25_000):
        assert shapes.of(f"flew-{number}", None, (), (), ()) is None

    assert len(shapes._known) <= 10_000
