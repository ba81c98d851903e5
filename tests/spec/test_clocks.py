"""A clock that runs behind: set right by what its batches tell, never out of order."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.clocks_reference import NEVER, set_right
from tests.spec.reference import Copy
from tests.spec.streams import stream

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

delays = st.sampled_from([0, 1, 4_999, 5_000, 5_001, 9_000, 60_000, 3_600_000])
posts = st.lists(
    st.tuples(
        st.integers(0, 300_000),  # how long after the last post this one comes
        st.one_of(st.none(), delays),  # how late by what it says itself
        st.lists(st.integers(-400_000, 1_000), min_size=1, max_size=3),  # its events
    ),
    max_size=25,
)


def copies_of(posted: Sequence[tuple[int, int | None, list[int]]]) -> list[Copy]:
    """A device's events in the batches that brought them."""
    copies: list[Copy] = []
    received = NOON
    for waited, late, claims in posted:
        received += timedelta(milliseconds=waited)
        sent = None if late is None else received - timedelta(milliseconds=late)
        copies += [
            Copy(
                event_id=str(UUID(int=len(copies) + number)),
                event_name="rolled",
                anonymous_id="phone",
                occurred_at=(sent or received) + timedelta(milliseconds=claim),
                received_at=received,
                sent_at=sent,
            )
            for number, claim in enumerate(claims)
        ]
    return copies


def batches(*late_s: float, every: timedelta = 10 * SECOND) -> list[Copy]:
    """A device that posts one event at once, in each batch, that much too late."""
    posted = [(every // timedelta(milliseconds=1), int(s * 1000), [0]) for s in late_s]
    return copies_of(posted)


def offsets(copies: Sequence[Copy]) -> list[float]:
    """By how many seconds each event was moved, in the order of their receipt."""
    claimed = {copy.event_id: copy.occurred_at for copy in copies}
    return [
        (copy.occurred_at - claimed[copy.event_id]) / SECOND
        for copy in sorted(set_right(copies), key=lambda one: one.received_at)
    ]


def test_five_late_batches_tell_the_clock_and_the_least_delay_the_offset() -> None:
    assert offsets(batches(600, 603, 601, 620, 602, 604)) == [0, 0, 0, 0, 600, 601]


def test_one_batch_in_time_shows_that_the_others_were_slow() -> None:
    assert offsets(batches(60, 70, 3, 65, 80, 90, 75)) == [0] * 7
    assert offsets(batches(5, 5, 5, 5, 5, 5)) == [0] * 6


def test_after_a_clock_was_set_right_its_events_are_left_as_they_are() -> None:
    late = [600.0] * 6

    assert offsets(batches(*late, 0.2, 0.1, every=60 * SECOND))[-2:] == [0, 0]


def test_where_the_offset_gets_less_events_stand_still_rather_than_go_back() -> None:
    # ten seconds apart, and suddenly twenty seconds less late: by one faster post
    found = offsets(batches(*[620] * 5, 600))

    # claimed 30 s later, for the post took less: 600 s on would be 10 s later still
    assert found == [0, 0, 0, 0, 620, 600]
    assert offsets([*batches(*[620] * 5), *late_claim()])[-1] == 619


def late_claim() -> list[Copy]:
    """A sixth batch, 600 s late, whose event was claimed a second after the fifth's."""
    (*_, fifth) = batches(*[620] * 5)
    claimed = fifth.occurred_at + SECOND
    received = fifth.received_at + 10 * SECOND
    return [
        Copy(
            event_id=str(UUID(int=99)),
            event_name="rolled",
            anonymous_id="phone",
            occurred_at=claimed,
            received_at=received,
            sent_at=received - 600 * SECOND,
        )
    ]


def test_a_body_that_is_sent_again_and_again_makes_no_clock_late() -> None:
    (first,) = batches(0.1)
    again = [
        Copy(
            event_id=first.event_id,
            event_name="rolled",
            anonymous_id="phone",
            occurred_at=first.occurred_at,
            received_at=first.received_at + number * 60 * SECOND,
            sent_at=first.sent_at,
        )
        for number in range(1, 9)
    ]

    assert offsets([first, *again]) == [0] * 9


@given(posts)
def test_events_of_a_device_are_never_reordered(
    posted: Sequence[tuple[int, int | None, list[int]]],
) -> None:
    copies = copies_of(posted)
    happened = {copy.event_id: copy.occurred_at for copy in set_right(copies)}

    in_order = sorted(copies, key=lambda one: one.occurred_at)

    moments = [happened[copy.event_id] for copy in in_order]
    assert moments == sorted(moments)
    assert all(happened[copy.event_id] >= copy.occurred_at for copy in copies)


@given(posts, st.integers(0, 25))
def test_what_comes_later_changes_no_moment_known_before(
    posted: Sequence[tuple[int, int | None, list[int]]], kept: int
) -> None:
    copies = copies_of(posted)
    until = max((c.received_at for c in copies_of(posted[:kept])), default=NEVER)
    known = [copy for copy in copies if copy.received_at <= until]

    everything = {copy.event_id: copy for copy in set_right(copies)}

    assert all(everything[copy.event_id] == copy for copy in set_right(known))


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_in_the_streams_of_the_specification_some_clocks_are_set_right(
    seed: int,
) -> None:
    copies = stream(random.Random(seed), users=60)  # noqa: S311  a stream, no secret

    claimed = {(c.event_id, c.received_at, c.content_hash): c for c in copies}
    moved = [
        copy
        for copy in set_right(copies)
        if copy != claimed[copy.event_id, copy.received_at, copy.content_hash]
    ]

    assert 10 < len(moved) < len(copies) / 2
