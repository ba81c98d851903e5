"""The ledger's tables: plans, batches, what was sent, what was acknowledged.

Only rows are added; the highest version or turn counts. A turn is a moment in
microseconds that no other batch of the audience has: it orders what was sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import msgspec

from activation.rim import Rim
from warehouse.clickhouse import insert_columns, rows

PLANNED, SENDING, TAKEN = "planned", "sending", "taken"
DONE, PARTLY, FAILED, LOST, DROPPED = "done", "partly", "failed", "lost", "dropped"
ADD, REMOVE, REPLACE = "add", "remove", "replace"
COMMITTED, FINISHED, SUPERSEDED = "committed", "finished", "superseded"
EMPTIED, GONE = "emptied", "gone"
NO_MARK = bytes(16)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where an audience stands: at a platform, under an id that it has there."""

    platform: str
    audience: str
    remote_id: str = ""

    @property
    def bound(self) -> dict[str, Any]:
        """The parameters of its queries."""
        return asdict(self)


OF_SHELF = (
    "platform = {platform:String} and audience = {audience:String}"
    " and remote_id = {remote_id:String}"
)
OF_AUDIENCE = "platform = {platform:String} and audience = {audience:String}"
OF_BATCH = f"{OF_SHELF} and plan = {{plan:UInt64}} and batch = {{batch:UInt32}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A row of activation.batches: what goes into one call, and how it stands.

    `version` is that of the row it was read from or written to.
    """

    shelf: Shelf
    plan: int
    batch: int
    action: str
    people: int
    turn: int = 0
    state: str = PLANNED
    request_id: str = ""
    received: int = 0
    invalid: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    match_rate: str = ""
    version: int = 0

    @property
    def bound(self) -> dict[str, Any]:
        """The parameters of queries for what it holds."""
        return self.shelf.bound | {"plan": self.plan, "batch": self.batch}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A row of activation.plans; `plan` is its turn."""

    shelf: Shelf
    plan: int
    as_of: date
    desired: int = 0
    additions: int = 0
    removals: int = 0
    batches: int = 0
    state: str = COMMITTED
    version: int = 0


class Said(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a platform said of one person: a row of activation.acknowledged.

    `because` is the plan's reason for an addition or a removal.
    """

    person_id: str
    action: str
    because: str = ""
    mark: bytes = NO_MARK
    value: float | None = None
    detail: str = ""


def next_turn(rim: Rim, shelf: Shelf) -> int:
    """A turn later than all of the audience, whatever the clock says."""
    now = int(rim.clock().timestamp() * 1_000_000)
    last = rows(
        rim.client,
        f"""
        select greatest(
            (select max(greatest(turn, plan)) from activation.batches
                where {OF_AUDIENCE}),
            (select max(plan) from activation.plans where {OF_AUDIENCE})
        ) as turn
        """,
        shelf.bound,
    )[0]["turn"]
    return int(max(now, last + 1))


def next_plan(rim: Rim, shelf: Shelf) -> int:
    """A turn for a plan: later than any that people were ever written down for.

    A push may have died before its plan was committed. By a clock that was set back the
    next one would take up what that had left in the outbox.
    """
    found = rows(
        rim.client,
        f"select max(plan) as plan from activation.outbox where {OF_AUDIENCE}",
        shelf.bound,
    )
    return max(next_turn(rim, shelf), int(found[0]["plan"]) + 1)


def last_remote_id(rim: Rim, shelf: Shelf) -> str:
    """The id that an audience was last known by at a platform; empty for none."""
    found = rows(
        rim.client,
        f"select remote_id from activation.plans where {OF_AUDIENCE}"
        " order by plan desc limit 1",
        shelf.bound,
    )
    if found:
        return str(found[0]["remote_id"])
    # pushes of before the ledger left receipts alone
    found = rows(
        rim.client,
        f"select remote_id from ops.audience_receipts where {OF_AUDIENCE}"
        " and remote_id != '' order by pushed_at desc limit 1",
        shelf.bound,
    )
    return str(found[0]["remote_id"]) if found else ""


def is_filled_by_us(rim: Rim, shelf: Shelf) -> bool:
    """Whether all that is in a set came by this ledger, as far as it can be known.

    It does from the first batch that was sent on: one that somebody else made is
    exchanged before.
    """
    found = rows(
        rim.client,
        f"""
        select count() as batches from activation.batches final
        where {OF_SHELF} and turn > 0
            and (action != 'replace' or state in ('done', 'partly'))
        """,
        shelf.bound,
    )
    return bool(found[0]["batches"])


def platforms_of(rim: Rim, audience: str) -> list[str]:
    """Every platform that an audience was ever planned for."""
    found = rows(
        rim.client,
        "select distinct platform from activation.plans"
        " where audience = {audience:String} order by platform",
        {"audience": audience},
    )
    return [row["platform"] for row in found]


def ever_planned(rim: Rim) -> set[str]:
    """Every audience that was ever planned, anywhere."""
    found = rows(rim.client, "select distinct audience from activation.plans")
    return {row["audience"] for row in found}


def audiences_at(rim: Rim, platform: str) -> set[str]:
    """Every audience that was ever planned for a platform."""
    found = rows(
        rim.client,
        "select distinct audience from activation.plans"
        " where platform = {platform:String}",
        {"platform": platform},
    )
    return {row["audience"] for row in found}


def write_plan(rim: Rim, plan: Plan) -> Plan:
    """Write how a plan stands; its first row commits it."""
    plan = replace(plan, version=_version(rim, plan.version))
    row = plan.shelf.bound | {
        "plan": plan.plan,
        "as_of": plan.as_of,
        "desired": plan.desired,
        "additions": plan.additions,
        "removals": plan.removals,
        "batches": plan.batches,
        "state": plan.state,
        "version": plan.version,
    }
    rim.client.insert("activation.plans", [list(row.values())], column_names=list(row))
    return plan


def write_batches(rim: Rim, batches: Sequence[Batch]) -> None:
    """Write how batches stand, each as its version."""
    if not batches:
        return
    written = [
        one.shelf.bound
        | {
            "plan": one.plan,
            "batch": one.batch,
            "action": one.action,
            "people": one.people,
            "turn": one.turn,
            "state": one.state,
            "request_id": one.request_id,
            "received": one.received,
            "invalid": one.invalid,
            "reasons": dict(one.reasons),
            "match_rate": one.match_rate,
            "version": one.version,
        }
        for one in batches
    ]
    rim.client.insert(
        "activation.batches",
        [list(row.values()) for row in written],
        column_names=list(written[0]),
    )


def changed(rim: Rim, batch: Batch, **stands: Any) -> Batch:
    """A batch as it stands now, written down."""
    # one that was planned has its plan's number for a version
    before = max(batch.version, batch.plan)
    now = replace(batch, **stands, version=_version(rim, before))
    write_batches(rim, [now])
    return now


def open_batches(rim: Rim, shelf: Shelf) -> list[Batch]:
    """Batches of an audience, at whatever remote id, of which the end is not known."""
    found = rows(
        rim.client,
        f"select * from activation.batches final where {OF_AUDIENCE}"
        " and state in ('planned', 'sending', 'taken') order by plan, batch",
        shelf.bound,
    )
    return [
        Batch(
            shelf=replace(shelf, remote_id=row["remote_id"]),
            **{
                name: row[name]
                for name in Batch.__dataclass_fields__
                if name != "shelf"
            },
        )
        for row in found
    ]


def write_said(rim: Rim, batch: Batch, said: Iterable[Said]) -> None:
    """Write what a platform said of people, as of the batch's turn.

    Moves first: what a crash keeps from being acknowledged is sent and told again, and
    to be told twice of a move is harmless.
    """
    said = list(said)
    _write_moves(rim, batch, said)
    if said:
        insert_columns(
            rim.client,
            "activation.acknowledged",
            batch.shelf.bound
            | {
                "person_id": [one.person_id for one in said],
                "action": [one.action for one in said],
                "turn": batch.turn,
                "mark": [one.mark for one in said],
                "value": [one.value for one in said],
                "detail": [one.detail for one in said],
            },
        )


def write_removed(rim: Rim, batch: Batch) -> None:
    """Write that a platform has carried out a whole batch of removals.

    The outbox knows of whom that is. Who shall go while an addition is open is in doubt
    until they are taken out once more. Moves first, as in `write_said`.
    """
    for insert in (_MOVES_OF_REMOVED, _REMOVED):
        bound = batch.bound | {"turn": batch.turn}
        rim.client.command(insert, parameters=bound)


def write_emptied(rim: Rim, shelf: Shelf, turn: int) -> None:
    """Write down that a set was empty as of a turn, whoever had been sent to it."""
    _write_all_left(rim, shelf, turn, EMPTIED)
    rim.client.command(
        f"""
        insert into activation.acknowledged
            (platform, audience, remote_id, person_id, action, turn, mark)
        select distinct platform, audience, remote_id, person_id,
            'remove', {{turn:UInt64}}, toFixedString('', 16)
        from activation.sent where {OF_SHELF}
        """,
        parameters=shelf.bound | {"turn": turn},
    )


def write_gone(rim: Rim, shelf: Shelf) -> None:
    """Write down that a set is no more: nobody is in it any longer. Again is harmless.

    The ledger keeps what was sent to it.
    """
    _write_all_left(rim, shelf, next_turn(rim, shelf), GONE)


def _write_moves(rim: Rim, batch: Batch, said: Iterable[Said]) -> None:
    moves = [one for one in said if one.action in {ADD, REMOVE}]
    if moves:
        insert_columns(
            rim.client,
            "activation.moves",
            batch.shelf.bound
            | {
                "person_id": [one.person_id for one in moves],
                "action": [one.action for one in moves],
                "turn": batch.turn,
                "because": [one.because for one in moves],
            },
        )


def _write_all_left(rim: Rim, shelf: Shelf, turn: int, because: str) -> None:
    """Everybody who was in before a turn left at it."""
    rim.client.command(
        f"""
        insert into activation.moves
            (platform, audience, remote_id, person_id, action, turn, because)
        select platform, audience, remote_id, person_id,
            'remove', {{turn:UInt64}}, {{because:String}}
        from activation.moves where {OF_SHELF} and moves.turn < {{turn:UInt64}}
        group by platform, audience, remote_id, person_id
        having argMax(moves.action, moves.turn) = 'add'
        """,
        parameters=shelf.bound | {"turn": turn, "because": because},
    )


def _version(rim: Rim, before: int) -> int:
    """A later version of a row, whatever the clock says."""
    return max(int(rim.clock().timestamp() * 1_000_000), before + 1)


_MOVES_OF_REMOVED = f"""
insert into activation.moves
    (platform, audience, remote_id, person_id, action, turn, because)
select platform, audience, remote_id, person_id, 'remove', {{turn:UInt64}}, because
from activation.outbox where {OF_BATCH} and not is_early
"""
_REMOVED = f"""
insert into activation.acknowledged
    (platform, audience, remote_id, person_id, action, turn)
select
    platform, audience, remote_id, person_id,
    if(is_early, 'doubt', 'remove'), {{turn:UInt64}}
from activation.outbox where {OF_BATCH}
"""
