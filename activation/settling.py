"""Find out what became of what was begun: before anything new is planned."""

from collections.abc import Sequence
from datetime import timedelta

from activation.ledger import (
    COMMITTED,
    DROPPED,
    LOST,
    OF_AUDIENCE,
    PLANNED,
    REMOVE,
    SENDING,
    SUPERSEDED,
    Batch,
    Plan,
    Shelf,
    changed,
    open_batches,
    write_plan,
)
from activation.preparing import Entry
from activation.sending import Sender, concluded, doubted
from warehouse.clickhouse import rows
from warehouse.errors import DestinationRefused


def settle(sender: Sender, shelf: Shelf) -> None:
    """Bring every open batch of an audience to its end, as far as it can be known.

    What was never sent is dropped, for it is planned anew. What was being sent when a
    push ended is a doubt. Of what the platform took it is asked, when it is due.
    """
    for batch in open_batches(sender.rim, shelf):
        if batch.state == PLANNED:
            changed(sender.rim, batch, state=DROPPED)
        elif batch.state == SENDING:
            _give_up(sender, batch)
        else:
            ask(sender, batch)
    _supersede(sender, shelf)


def ask(sender: Sender, batch: Batch, entries: Sequence[Entry] | None = None) -> Batch:
    """How a batch stands that was taken; the platform is not asked before it is due.

    `entries` are whom it held, where somebody still knows.
    """
    if not is_due(sender, batch):
        return batch
    try:
        outcome = sender.destination.outcome(batch.request_id)
    except DestinationRefused:
        # it knows nothing of the request any more
        return _give_up(sender, batch)
    return concluded(sender, batch, outcome, entries)


def is_due(sender: Sender, batch: Batch) -> bool:
    """Whether a platform may be asked what became of a batch."""
    age = int(sender.rim.clock().timestamp() * 1_000_000) - batch.turn
    wait = sender.destination.limits.settles_after // timedelta(microseconds=1)
    return age >= wait


def _give_up(sender: Sender, batch: Batch) -> Batch:
    if batch.action == REMOVE:
        doubted(sender.rim, batch)
    return changed(sender.rim, batch, state=LOST)


def _supersede(sender: Sender, shelf: Shelf) -> None:
    found = rows(
        sender.rim.client,
        f"select * from activation.plans final where {OF_AUDIENCE}"
        " and state = {state:String}",
        shelf.bound | {"state": COMMITTED},
    )
    for row in found:
        plan = Plan(
            shelf=Shelf(
                platform=row["platform"],
                audience=row["audience"],
                remote_id=row["remote_id"],
            ),
            plan=row["plan"],
            as_of=row["as_of"],
            desired=row["desired"],
            additions=row["additions"],
            removals=row["removals"],
            batches=row["batches"],
            state=SUPERSEDED,
            version=row["version"],
        )
        write_plan(sender.rim, plan)
