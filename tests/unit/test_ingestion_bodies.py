"""How a request's body becomes events, or is refused as a whole."""

import json

import pytest

from ingestion.bodies import TooMany, split
from warehouse.errors import BadInput


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"event_id": 1}', (b'{"event_id": 1}',)),
        (b' [ {"a":1} , {"b":2}]\n', (b'{"a":1}', b'{"b":2}')),
        (b'{"events": [{"a":1}]}', (b'{"a":1}',)),
        (b"[]", ()),
        (b'[{"a":1}, 5]', (b'{"a":1}', b"5")),
    ],
)
def test_one_event_a_bare_array_and_a_batch_are_read(
    body: bytes, events: tuple[bytes, ...]
) -> None:
    assert split(body).events == events


def test_a_batch_may_say_when_it_was_posted() -> None:
    body = split(b'{"events": [], "sent_at": "2026-03-01T10:00:00.000Z"}')

    assert body.sent_at is not None
    assert body.sent_at.stored == "2026-03-01 10:00:00.000"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5",
        b'"text"',
        b"[1, 2]",
        b'{"events": {}}',
        b'{"events": [], "sent_at": "noon"}',
        b'{"events": [], "colour": "red"}',
        b'{"a": 1',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_holds_no_events_is_refused_with_what_to_do(body: bytes) -> None:
    with pytest.raises(BadInput, match=r"Send one event|write it like"):
        split(body)


def test_more_than_a_thousand_events_are_too_many() -> None:
    assert len(split(json.dumps([{}] * 1000).encode()).events) == 1000
    with pytest.raises(TooMany, match="1001"):
        split(json.dumps([{}] * 1001).encode())


def test_half_a_surrogate_pair_spoils_its_own_event_alone() -> None:
    body = split(b'{"events": [{"a": "\\ud800"}, {"b": "\\u00e9"}]}')

    assert body.events == (b'{"a": "\\ud800"}', b'{"b": "\\u00e9"}')
