"""Clocks that run behind once more, slow and plain: what the SQL is held against."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.spec.reference import Copy

BATCHES = 5
TOLERANCE = timedelta(seconds=5)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """What is claimed after `after` happened `offset` later, never before `floor`."""

    after: datetime
    offset: timedelta
    floor: datetime


def set_right(copies: Iterable[Copy]) -> list[Copy]:
    """The copies with the moment of each corrected by the clock of its device."""
    devices = defaultdict(list)
    for copy in copies:
        devices[copy.anonymous_id].append(copy)
    found = list(devices.pop("", []))
    for own in devices.values():
        changes = _changes(own)
        found += [
            dataclasses.replace(copy, occurred_at=happened(copy.occurred_at, changes))
            for copy in own
        ]
    return found


def happened(claimed: datetime, changes: Sequence[Change]) -> datetime:
    """When something happened that a device claims for a moment of its own clock."""
    followed = [change for change in changes if change.after < claimed]
    if not followed:
        return claimed
    return max(claimed + followed[-1].offset, followed[-1].floor)


def _changes(copies: Sequence[Copy]) -> list[Change]:
    """Batch by batch as they came: what was known of the clock, and from when on."""
    told: dict[datetime, timedelta] = {}
    delays: list[timedelta] = []
    latest = NEVER
    for received, posted, is_evidence, claimed in _batches(copies):
        if is_evidence:
            delays = [*delays, received - posted][-BATCHES:]
            is_behind = len(delays) == BATCHES and min(delays) > TOLERANCE
            # what was told before, after the same claim, held for no event
            told[latest] = min(delays) if is_behind else timedelta(0)
        latest = max(latest, claimed)
    changes: list[Change] = []
    before, floor = timedelta(0), NEVER
    for after, offset in told.items():
        if offset != before:
            floor = max(floor, after + before)
            changes.append(Change(after, offset, floor))
        before = offset
    return changes


def _batches(
    copies: Sequence[Copy],
) -> list[tuple[datetime, datetime, bool, datetime]]:
    """Receipt, posting, whether it tells of the clock, and the latest claim in it."""
    first: dict[datetime, datetime] = {}
    for copy in sorted(copies, key=lambda one: one.received_at):
        if copy.sent_at is not None:
            first.setdefault(copy.sent_at, copy.received_at)
    latest: dict[tuple[datetime, datetime, bool], datetime] = {}
    for copy in copies:
        sent = copy.sent_at
        is_evidence = sent is not None and first[sent] == copy.received_at
        key = copy.received_at, sent or copy.received_at, is_evidence
        latest[key] = max(latest.get(key, NEVER), copy.occurred_at)
    return [(*key, claimed) for key, claimed in sorted(latest.items())]
