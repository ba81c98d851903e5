"""What the door decides about one event, whatever stands beside it."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.bodies import Body
from ingestion.door import judged
from ingestion.judging import (
    Accepted,
    Arrival,
    Mode,
    Refused,
    Rules,
    Source,
    Verdict,
    judge,
)
from ingestion.moments import moment
from ingestion.records import Record, accepted_row, refused_row
from warehouse.taxonomy import load

RULES = Rules.of(load())
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
EVENT_ID = "5e0f6d0c-7b1c-4c5e-9a57-0d2f6a1b3c4d"


def an_event(**changed: Any) -> dict[str, Any]:
    event = {
        "event_id": EVENT_ID,
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "payment_completed",
        "user_id": "ann",
        "properties": {"payment_id": "p1", "amount_cents": 499, "currency": "EUR"},
    }
    return {key: value for key, value in (event | changed).items() if value is not ...}


def with_properties(**changed: Any) -> dict[str, Any]:
    event = an_event()
    event["properties"] |= changed
    return event


def judgement(event: Any, mode: Mode = "planned", **arrival: Any) -> Verdict:
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return judge(
        raw,
        rules=RULES,
        source=Source("web", mode),
        arrival=Arrival(moment(NOW), **arrival),
    )


def row(verdict: Verdict) -> dict[str, Any]:
    assert isinstance(verdict, Accepted), verdict
    (found,) = Record("accepted", accepted_row(verdict)).named()
    return found


def said(verdict: Verdict) -> list[tuple[str, str]]:
    return [(one.reason, one.at) for one in verdict.objections]


def test_a_valid_event_becomes_a_row_of_raw_events() -> None:
    verdict = judgement(an_event(timestamp="2026-03-01T10:59:00.123456+01:00"))

    found = row(verdict)
    assert found["occurred_at"] == "2026-03-01 09:59:00.123"
    assert found["received_at"] == found["known_at"] == "2026-03-01 10:00:00.000"
    assert found["event_version"] == "1.0"
    assert found["tags"] == []
    assert json.loads(found["properties"])["amount_cents"] == 499


@pytest.mark.parametrize(
    ("event", "objections"),
    [
        (an_event(event_id="1"), [("envelope", "/event_id")]),
        (an_event(event_id=...), [("envelope", "/event_id")]),
        (an_event(timestamp="2026-03-01 10:00"), [("envelope", "/timestamp")]),
        (an_event(timestamp="2026-03-01T10:00:00"), [("envelope", "/timestamp")]),
        (an_event(timestamp="1815-12-10T00:00:00Z"), [("envelope", "/timestamp")]),
        (an_event(user_id=None), [("envelope", "")]),
        (an_event(user_id=""), [("envelope", "/user_id")]),
        (an_event(user_id="u" * 257), [("envelope", "/user_id")]),
        (an_event(user_id="anon:ann"), [("envelope", "/user_id")]),
        (an_event(sequence=-1), [("envelope", "/sequence")]),
        (an_event(sequence=2**64), [("envelope", "/sequence")]),
        (an_event(properties=[]), [("envelope", "/properties")]),
        (an_event(colour="red"), [("envelope", "/colour")]),
        (an_event(received_at="2026-03-01T09:00:00Z"), [("envelope", "/received_at")]),
        (an_event(event_name="flew"), [("unplanned_event", "/event_name")]),
        (
            an_event(event_name="play.payment_completed"),
            [("unplanned_event", "/event_name")],
        ),
        (an_event(event_version="9.9"), [("unplanned_event", "/event_version")]),
        (with_properties(colour=1), [("additional_property", "/properties/colour")]),
        (
            with_properties(amount_cents="1"),
            [("type_mismatch", "/properties/amount_cents")],
        ),
        (
            with_properties(amount_cents=1.5),
            [("type_mismatch", "/properties/amount_cents")],
        ),
        (
            with_properties(amount_cents=-1),
            [("out_of_range", "/properties/amount_cents")],
        ),
        (with_properties(product="castle"), [("out_of_range", "/properties/product")]),
        (
            an_event(user_properties={"company_size": 5}),
            [("type_mismatch", "/user_properties/company_size")],
        ),
        (an_event(timestamp="2026-03-02T10:00:00.001Z"), [("future", "/timestamp")]),
        ([1], [("envelope", "")]),
        (b"{", [("not_json", "")]),
        (b'{"event_id": NaN}', [("not_json", "")]),
        (b'{"event_id": "\\ud800"}', [("not_json", "")]),
        (b'{"event_id": "\xff"}', [("not_json", "")]),
        (b'{"event_id": 1e999}', [("not_json", "")]),
        (b'{"event_id": 5, "x"', [("not_json", "")]),
        (b'"a"}', [("not_json", "")]),
        (with_properties(payment_id="x" * 70_000), [("too_large", "")]),
    ],
)
def test_each_fault_has_its_reason_and_its_place(event: Any, objections: Any) -> None:
    verdict = judgement(event)

    assert isinstance(verdict, Refused)
    assert said(verdict) == objections


def test_all_objections_to_an_event_are_told_at_once() -> None:
    event = an_event(
        event_id="no", timestamp=5, user_id=..., colour="red", sequence="first"
    )

    assert sorted(said(judgement(event))) == [
        ("envelope", ""),
        ("envelope", "/colour"),
        ("envelope", "/event_id"),
        ("envelope", "/sequence"),
        ("envelope", "/timestamp"),
    ]
    assert sorted(said(judgement(with_properties(amount_cents="x", a=1, b=2)))) == [
        ("additional_property", "/properties/a"),
        ("additional_property", "/properties/b"),
        ("type_mismatch", "/properties/amount_cents"),
    ]


@given(st.text(alphabet="xyz", min_size=12))
def test_no_message_repeats_a_value(secret: str) -> None:
    event = an_event(
        event_id=secret,
        sequence=secret,
        properties={"amount_cents": secret, "currency": secret, "product": secret},
        user_properties={"signup_date": secret},
    )
    told = [
        *judgement(event).objections,
        *judgement(event | {"event_id": EVENT_ID, "sequence": 1}).objections,
    ]

    assert told
    assert not [one for one in told if secret in one.message + one.at]


def test_an_open_source_is_accepted_and_tagged() -> None:
    event = an_event(event_name="flew", colour="red", properties={"amount": 13.5})

    found = row(judgement(event, "open"))

    assert found["tags"] == ["envelope", "unplanned_event"]
    assert json.loads(found["properties"]) == {"amount": 13.5}
    assert row(judgement(with_properties(a=1), "open"))["tags"] == [
        "additional_property"
    ]


@pytest.mark.parametrize(
    "event",
    [
        an_event(event_id="1"),
        an_event(timestamp="2027-01-01T00:00:00Z"),
        with_properties(payment_id="x" * 70_000),
        b"{",
    ],
)
def test_even_an_open_source_is_refused_what_cannot_be_kept(event: Any) -> None:
    assert isinstance(judgement(event, "open"), Refused)


def test_a_name_behind_its_domain_is_the_same_event() -> None:
    plain = row(judgement(an_event()))

    assert row(judgement(an_event(event_name="billing.payment_completed"))) == plain


def test_unknown_words_of_the_context_are_tagged_and_cost_nothing() -> None:
    found = row(judgement(an_event(context={"moon": "full"})))

    assert found["tags"] == ["additional_property"]


def test_direct_identifiers_are_found_in_any_spelling_at_any_depth() -> None:
    event = an_event(
        event_name="flew",
        properties={"firstName": "Ann", "crew": [{"E-Mail": "ann@example.com"}]},
        context={"phone": 49305550100},
        user_properties={"last_name": "Example", "email": None},
    )

    verdict = judgement(event, "open")

    assert isinstance(verdict, Accepted)
    assert sorted((one.name, one.value) for one in verdict.identifiers) == [
        ("email", "ann@example.com"),
        ("first_name", "Ann"),
        ("last_name", "Example"),
        ("phone", "49305550100"),
    ]
    for one in verdict.identifiers:
        one.replace_by("tok_0")
    written = accepted_row(verdict).decode()
    assert not [word for word in ("Ann", "ann@", "Example", "4930") if word in written]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("192.168.1.77", "192.168.1.0"),
        ("2001:db8:1234:5678::1", "2001:db8:1234::"),
        ("::ffff:192.168.1.77", "192.168.1.0"),
        ("ann was here", None),
        (17, None),
    ],
)
def test_an_ip_address_is_cut(address: Any, kept: Any) -> None:
    found = row(judgement(an_event(context={"ip_address": address}), "open"))

    assert json.loads(found["context"]) == {"ip_address": kept}


def test_a_clock_that_runs_ahead_is_corrected_and_never_one_behind() -> None:
    ahead = an_event(
        timestamp="2026-03-03T10:00:00.000Z", sent_at="2026-03-03T10:00:01.000Z"
    )
    behind = an_event(sent_at="2026-02-01T00:00:00Z")
    nearly = an_event(sent_at="2026-03-01T10:00:05.000Z")

    assert row(judgement(ahead))["clock_offset_ms"] == -(48 * 3600 + 1) * 1000
    assert row(judgement(ahead))["clock_offset_source"] == "sent_at"
    assert row(judgement(behind))["clock_offset_ms"] == 0
    assert row(judgement(nearly))["clock_offset_source"] == "none"


def test_imported_history_is_known_when_it_was_received_or_happened() -> None:
    happened = "2020-01-01T00:00:00.000Z"
    received = an_event(timestamp=happened, received_at="2020-01-02T00:00:00.000Z")

    with_receipt = row(judgement(received, imported=True))
    without = row(judgement(an_event(timestamp=happened), imported=True))

    assert with_receipt["known_at"] == "2020-01-02 00:00:00.000"
    assert with_receipt["received_at"] == "2020-01-02 00:00:00.000"
    assert without["known_at"] == "2020-01-01 00:00:00.000"
    assert without["received_at"] == "2026-03-01 10:00:00.000"
    assert without["imported"] is True


def test_the_content_hash_tells_copies_from_conflicts() -> None:
    first = row(judgement(an_event(sent_at="2026-03-01T09:59:01Z", sequence=1)))
    copy = row(judgement(an_event(sent_at="2026-03-01T09:59:59Z")))
    conflict = row(judgement(with_properties(amount_cents=500)))

    assert first["content_hash"] == copy["content_hash"] != conflict["content_hash"]
    reordered = an_event(
        properties={"currency": "EUR", "amount_cents": 499, "payment_id": "p1"}
    )
    assert row(judgement(reordered))["content_hash"] == first["content_hash"]


def test_a_whole_number_of_any_size_survives() -> None:
    event = an_event(event_name="flew", properties={"n": 10**30, "m": -(2**63)})

    found = row(judgement(event, "open"))

    assert json.loads(found["properties"]) == {"n": 10**30, "m": -(2**63)}


@pytest.mark.parametrize(("levels", "admitted"), [(20, True), (21, False)])
def test_what_is_nested_beyond_twenty_levels_is_too_large(
    levels: int, admitted: Any
) -> None:
    nested: Any = 1
    for _ in range(levels):  # the event itself is the first level
        nested = {"properties": nested}

    verdict = judgement(an_event(event_name="flew", **nested), "open")

    assert isinstance(verdict, Accepted) is admitted


def test_too_many_properties_are_too_large() -> None:
    many = {f"k{number}": 1 for number in range(257)}

    verdict = judgement(an_event(event_name="flew", properties=many), "open")

    assert said(verdict) == [("too_large", "/properties")]


def test_a_refusal_keeps_its_bytes_sealed_and_names_every_reason() -> None:
    verdict = judgement(with_properties(amount_cents="x", a=1))
    assert isinstance(verdict, Refused)

    row = refused_row(verdict, refusal_id=UUID(int=1), seal=bytes.upper)

    (found,) = Record("refused", row).named()
    assert found["event_id"] == EVENT_ID
    assert found["reasons"] == ["additional_property", "type_mismatch"]
    assert found["recoverable"] is True
    assert found["expires_at"] == "2026-03-31 10:00:00"
    assert found["sealed_bytes"]


events = st.one_of(
    st.builds(
        an_event,
        event_id=st.sampled_from([EVENT_ID, "x", 5, ...]),
        user_id=st.sampled_from(["ann", None, 3]),
        event_name=st.sampled_from(["payment_completed", "flew", "user_signed_up"]),
        sent_at=st.sampled_from([..., "2026-03-01T11:00:00Z"]),
        context=st.sampled_from([{}, {"ip_address": "1.2.3.4"}, {"email": "a@b.c"}]),
    ),
    st.dictionaries(st.text(), st.integers() | st.text() | st.none()),
    st.builds(with_properties, amount_cents=st.none() | st.integers() | st.text()),
)


@given(st.lists(events, max_size=8), st.sampled_from(["planned", "open"]))
def test_whatever_the_batch_a_verdict_is_the_one_the_event_would_get_alone(
    batch: list[Any], mode: Mode
) -> None:
    raws = tuple(json.dumps(event).encode() for event in batch)
    source = Source("web", mode)

    together = judged(Body(raws), rules=RULES, source=source, received_at=NOW)

    assert list(map(repr, together)) == [
        repr(judged(Body((raw,)), rules=RULES, source=source, received_at=NOW)[0])
        for raw in raws
    ]
