"""Tell a platform of conversions: each once, by consent, and what was refunded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from activation.conversions import ledger
from activation.conversions.due import Span, due, refunded_since
from activation.conversions.ledger import Standing
from activation.conversions.values import (
    Conversion,
    Corrects,
    Payment,
    Target,
    Told,
    Topic,
)
from activation.destinations.kinds import identity_for
from activation.identifiers import is_usable
from activation.people import OpensIdentifiers, Person, identifiers_of

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


_MISSED = timedelta(days=7)

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: of payments before `until`, at a moment that `clock` tells.

    `key` makes the external ids.
    """

    client: "Client"
    vault: OpensIdentifiers
    key: bytes = field(repr=False)
    until: datetime
    clock: Callable[[], datetime]


def tell(run: Run, target: Target, kind: str) -> Told:
    """Tell a platform what is due of a kind, and what became of it.

    What is to be told is written down before the call, so that a run that breaks off is
    made good by the next. Raises Unavailable or DestinationRefused.
    """
    settle(run, target, kind)
    told = planned(run, target, kind)
    for some in _chunks(_conversions(run, target, kind), target.events_a_batch):
        refused = _told_of(run, target, kind, some)
        told = replace(
            told,
            sent=told.sent + len(some) - refused,
            refused=told.refused + refused,
        )
    settle(run, target, kind)
    return replace(told, corrected=_corrected(run, target, kind))


def _told_of(run: Run, target: Target, kind: str, some: Sequence[Conversion]) -> int:
    """Tell of one batch, written before and after; how many were refused."""
    topic, payments = Topic(target.platform, kind), [one.payment for one in some]
    before = Standing(state=ledger.SENDING, at=run.clock())
    ledger.note(run.client, topic, payments, before)
    answer = target.send(kind, some)
    places = sorted(answer.refused)
    fine = [one for place, one in enumerate(payments) if place not in answer.refused]
    taken = Standing(
        state=ledger.TAKEN if answer.request_id else ledger.SENT,
        at=run.clock(),
        request_id=answer.request_id,
    )
    refused = Standing(
        state=ledger.REFUSED,
        at=run.clock(),
        details=dict(enumerate(answer.refused[place] for place in places)),
    )
    ledger.note(run.client, topic, fine, taken)
    ledger.note(run.client, topic, [payments[place] for place in places], refused)
    return len(places)


def planned(run: Run, target: Target, kind: str) -> Told:
    """What is due, counted and told to nobody: `sent` is 0."""
    payments = _due(run, target, kind)
    return Told(
        platform=target.platform,
        kind=kind,
        nameless=len(payments) - sum(1 for _ in _named(run, target, payments)),
        too_late=len(_late(run, target, kind)),
    )


def count_due(run: Run, target: Target, kind: str) -> int:
    """How many would be told now."""
    return sum(1 for _ in _conversions(run, target, kind))


def settle(run: Run, target: Target, kind: str) -> None:
    """Ask after what was taken, and write how it ended.

    Of a request done in part nobody says which part: it counts as sent, with the
    reasons kept. One that failed as a whole is due again.
    """
    topic = Topic(target.platform, kind)
    for request_id in ledger.open_requests(run.client, topic):
        found = target.outcome(request_id)
        if found.state == "pending":
            continue
        reasons = ", ".join(f"{n} {why}" for why, n in sorted(found.reasons.items()))
        ended = Standing(
            state=ledger.FAILED if found.state == "failed" else ledger.SENT,
            at=run.clock(),
            request_id=request_id,
        )
        ledger.close(run.client, topic, ended, reasons)


def _due(run: Run, target: Target, kind: str) -> list[Payment]:
    now = run.clock()
    span = Span(
        since=now - target.reach,
        until=run.until,
        forgotten=now - target.counts_once_for,
    )
    return due(run.client, Topic(target.platform, kind), span)


def _late(run: Run, target: Target, kind: str) -> list[Payment]:
    """What was missed: a week of payments before those that can still be told."""
    now = run.clock()
    until = min(run.until, now - target.reach)
    span = Span(
        since=until - _MISSED,
        until=until,
        forgotten=now - target.counts_once_for,
    )
    return due(run.client, Topic(target.platform, kind), span)


def _conversions(run: Run, target: Target, kind: str) -> Iterator[Conversion]:
    return _named(run, target, _due(run, target, kind))


def _named(
    run: Run, target: Target, payments: Sequence[Payment]
) -> Iterator[Conversion]:
    """Those whose person a platform could find."""
    people = [Person(one.person_id, one.country) for one in payments]
    for payment, person in zip(
        payments, identifiers_of(run.vault, people), strict=True
    ):
        if is_usable(person):
            identity = identity_for(target.platform, person, run.key)
            yield Conversion(payment=payment, identity=identity)


def _corrected(run: Run, target: Target, kind: str) -> int:
    """Say what was refunded after it was told, where the platform takes that."""
    if not isinstance(target, Corrects):
        return 0
    topic, now = Topic(target.platform, kind), run.clock()
    payments = refunded_since(run.client, topic, now - target.corrects_after)
    count = 0
    for some in _chunks(payments, target.events_a_batch):
        refused = target.correct(kind, some, now)
        fine = [one for place, one in enumerate(some) if place not in refused]
        left = [one for one in fine if one.amount_minor]
        gone = [one for one in fine if not one.amount_minor]
        for state, those in ((ledger.SENT, left), (ledger.RETRACTED, gone)):
            ledger.note(run.client, topic, those, Standing(state=state, at=run.clock()))
        count += len(fine)
    return count


def _chunks(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    waiting: list[Thing] = []
    for thing in things:
        waiting.append(thing)
        if len(waiting) == size:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
