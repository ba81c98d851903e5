"""A plan, cut into batches and written down before the first call of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from activation.differing import LEFT, SHARES, Standing, decide, sharing
from activation.ledger import (
    ADD,
    NO_MARK,
    REMOVE,
    Batch,
    Plan,
    write_batches,
    write_plan,
)
from activation.rim import Rim
from warehouse.clickhouse import insert_columns

_ROWS_AN_INSERT = 100_000


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is to be done with one person; `rows` is what it takes up in a call.

    `part_of`: so many were in a batch that the platform carried out in part only.
    """

    action: str
    person_id: str
    because: str
    rows: int = 1
    mark: bytes = NO_MARK
    value: float | None = None
    is_early: bool = False
    part_of: int = 0


@dataclass(slots=True)
class Changes:
    """All that a plan does, and whom it leaves alone because they wait."""

    removals: list[Entry] = field(default_factory=list)
    additions: list[Entry] = field(default_factory=list)
    waiting: int = 0
    refused: int = 0
    entering: int = 0
    """Additions of people who are not known to be in."""

    @property
    def leaving(self) -> int:
        """People taken out although they may still be sent: they fit no longer."""
        return sum(one.because == LEFT for one in self.removals)


def changes_of(standings: Iterable[Standing]) -> Changes:
    """The decisions on all of whom something is open."""
    changes = Changes()
    for one in standings:
        decided = decide(one)
        changes.waiting += decided.waits and one.is_desired
        changes.refused += one.is_refused and one.is_desired
        if decided.remove_because:
            changes.removals.append(
                Entry(
                    action=REMOVE,
                    person_id=one.person_id,
                    because=decided.remove_because,
                    rows=one.ever_sent,
                    is_early=decided.is_early,
                    part_of=one.part_of,
                )
            )
        if decided.add_because:
            changes.entering += not (one.is_sure and one.is_same)
            changes.additions.append(
                Entry(
                    action=ADD,
                    person_id=one.person_id,
                    because=decided.add_because,
                    mark=one.mark,
                    value=one.value,
                    part_of=one.part_of,
                )
            )
    return changes


def batched(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    """Entries in order, as many in a batch as fit into one call, at least one.

    Those of a batch that was carried out in part come last, in batches half as big:
    so whom the platform refuses is found in a few rounds.
    """
    whole = [one for one in entries if one.action == REMOVE or not one.part_of]
    yield from _cut(whole, size)
    for part_of in sorted({one.part_of for one in entries} - {0}):
        again = [o for o in entries if o.action == ADD and o.part_of == part_of]
        yield from _cut(again, min(size, -(-part_of // 2)))


def _cut(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    first, room = 0, size
    for number, entry in enumerate(entries):
        if number > first and entry.rows > room:
            yield entries[first:number]
            first, room = number, size
        room -= entry.rows
    if entries[first:]:
        yield entries[first:]


def write_outbox(rim: Rim, plan: Plan, changes: Changes, size: int) -> list[Batch]:
    """Write down who is in which batch of a plan, removals before additions.

    Who shares an identifier with somebody that leaves is added once more.
    """
    batches = _written(rim, plan, changes.removals, size, after=0)
    additions = changes.additions
    if changes.removals:
        additions = additions + [
            Entry(action=ADD, person_id=who, because=SHARES, mark=mark, value=value)
            for who, mark, value in sharing(rim, plan.shelf, plan.plan)
        ]
    return batches + _written(rim, plan, additions, size, after=len(batches))


def commit(rim: Rim, plan: Plan, batches: Sequence[Batch]) -> Plan:
    """Write the batches of a plan down, and then the plan: its own row commits it."""
    write_batches(rim, [replace(one, version=plan.plan) for one in batches])
    committed = replace(
        plan,
        additions=sum(one.people for one in batches if one.action == ADD),
        removals=sum(one.people for one in batches if one.action == REMOVE),
        batches=len(batches),
    )
    return write_plan(rim, committed)


def _written(
    rim: Rim, plan: Plan, entries: Sequence[Entry], size: int, *, after: int
) -> list[Batch]:
    """Entries in the outbox, numbered on from a batch."""
    made: list[Batch] = []
    waiting: list[tuple[int, Entry]] = []
    for some in batched(entries, size):
        batch = Batch(
            shelf=plan.shelf,
            plan=plan.plan,
            batch=after + len(made) + 1,
            action=some[0].action,
            people=len(some),
        )
        made.append(batch)
        waiting += [(batch.batch, one) for one in some]
        if len(waiting) >= _ROWS_AN_INSERT:
            _insert(rim, plan, waiting)
            waiting = []
    if waiting:
        _insert(rim, plan, waiting)
    return made


def _insert(rim: Rim, plan: Plan, numbered: Sequence[tuple[int, Entry]]) -> None:
    entries = [one for _, one in numbered]
    insert_columns(
        rim.client,
        "activation.outbox",
        plan.shelf.bound
        | {
            "plan": plan.plan,
            "batch": [batch for batch, _ in numbered],
            "action": [one.action for one in entries],
            "person_id": [one.person_id for one in entries],
            "mark": [one.mark for one in entries],
            "value": [one.value for one in entries],
            "because": [one.because for one in entries],
            "is_early": [one.is_early for one in entries],
            "is_again": [one.part_of > 0 for one in entries],
        },
    )
