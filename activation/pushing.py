"""Push audiences to one destination, with a receipt for each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from activation.definitions import Custom, Definitions, Lookalike
from activation.destinations.protocol import (
    Destination,
    LookalikeOrder,
    MakesLookalikes,
)
from activation.ledger import audiences_at
from activation.ordering import Ordered, ordered, retired, shortfall
from activation.receipts import (
    DELIVERED,
    DRY_RUN,
    FAILED,
    SKIPPED,
    STOPPED,
    Receipt,
    keep,
)
from activation.rim import Rim
from activation.sending import Sender
from activation.syncing import Synced, rehearse, sync
from warehouse.audience_gate import OPEN, AudienceGate
from warehouse.errors import DestinationRefused, GateClosed, Unavailable

Failure = Unavailable | DestinationRefused | GateClosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Audiences with which something is done in one push, by name.

    `may_shrink` may lose more people than they are guarded against; `exchange` are made
    anew whatever the ledger knows of them.
    """

    may_shrink: frozenset[str] = frozenset()
    exchange: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What is pushed: all audiences of a day, or one with its lookalikes.

    Of audiences that the gate keeps back only those leave who withdrew.
    """

    definitions: Definitions
    as_of: date
    audience: str = ""
    once: Once = Once()
    gate: AudienceGate = OPEN

    def customs(self, platform: str) -> list[Custom]:
        """The audiences of our own people that go to a platform."""
        return [
            one
            for one in self.definitions.custom
            if self.audience in {"", one.name} and one.goes_to(platform)
        ]

    def ordered(self, rim: Rim, audience: Custom) -> Ordered:
        """What shall be of an audience."""
        may_shrink = audience.name in self.once.may_shrink
        one = ordered(rim, audience, self.as_of, may_shrink=may_shrink)
        exchanges_all = audience.name in self.once.exchange
        return replace(one, order=replace(one.order, exchanges_all=exchanges_all))

    def lookalikes_of(self, seed: str) -> list[Lookalike]:
        """Those that start from a seed."""
        return [one for one in self.definitions.lookalikes if one.of == seed]

    def retired(self, rim: Rim, platform: str) -> list[str]:
        """Audiences that the platform still has and no definition sends there."""
        kept = {one.name for one in self.definitions.custom if one.goes_to(platform)}
        every = audiences_of(rim, self.definitions, platform)
        return [one for one in every if one not in kept and self.audience in {"", one}]


def audiences_of(rim: Rim, definitions: Definitions, platform: str) -> list[str]:
    """The audiences that go to a platform, and those that went there once."""
    kept = [one.name for one in definitions.custom if one.goes_to(platform)]
    return kept + sorted(audiences_at(rim, platform) - set(kept))


@dataclass(slots=True)
class _Pushed:
    """Receipts and failures so far."""

    rim: Rim
    receipts: list[Receipt] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)

    def keep(self, receipt: Receipt) -> Receipt:
        keep(self.rim.client, receipt)
        self.receipts.append(receipt)
        return receipt


def to_each(
    destinations: Sequence[Destination],
    send_to: Callable[[Destination], list[Receipt]],
) -> list[Receipt]:
    """Send to every platform; one that fails never stops another.

    Raises at the end what failed, naming the platform: Unavailable as soon as one
    of them may succeed later, else what was final.
    """
    failures: dict[str, Failure] = {}
    receipts: list[Receipt] = []
    for destination in destinations:
        try:
            receipts += send_to(destination)
        except (Unavailable, DestinationRefused, GateClosed) as error:
            failures[destination.platform] = error
    if failures:
        text = " ".join(f"{name}: {error}" for name, error in failures.items())
        raise _later_or_never(failures.values(), text)
    return receipts


def push(sender: Sender, wanted: Push) -> list[Receipt]:
    """Push what is wanted to one destination and keep a receipt of each.

    One audience that fails keeps no other from being put right. Raises Unavailable,
    DestinationRefused or GateClosed at the end, naming those that failed.
    """
    rim, platform = sender.rim, sender.destination.platform
    pushed = _Pushed(rim)
    every = [wanted.ordered(rim, one) for one in wanted.customs(platform)] + [
        retired(name, wanted.as_of, may_shrink=name in wanted.once.may_shrink)
        for name in wanted.retired(rim, platform)
    ]
    for one in every:
        seed = pushed.keep(_let_through(sender, one, wanted.gate, pushed.failures))
        for lookalike in wanted.lookalikes_of(seed.audience):
            if isinstance(sender.destination, MakesLookalikes):
                kept = _lookalike(sender, lookalike, seed, pushed.failures)
                pushed.keep(kept)
    if pushed.failures:
        raise _one_of(pushed.failures, len(pushed.receipts))
    return pushed.receipts


def rehearsed(rim: Rim, platform: str, wanted: Push) -> list[Receipt]:
    """Keep the receipts that a push would, and call nobody."""
    pushed = _Pushed(rim)
    for audience in wanted.customs(platform):
        one = wanted.ordered(rim, audience)
        would = rehearse(rim, platform, one.order)
        pushed.keep(_receipt(one, platform, DRY_RUN, would))
        for lookalike in wanted.lookalikes_of(audience.name):
            small = _seed_too_small(lookalike, would.desired)
            pushed.keep(
                _of_lookalike(lookalike, wanted.as_of, platform, DRY_RUN, detail=small)
            )
    return pushed.receipts


def _let_through(
    sender: Sender, one: Ordered, gate: AudienceGate, failures: dict[str, Failure]
) -> Receipt:
    """Push an audience; where its gate is closed, who withdrew leaves all the same."""
    name = one.order.audience
    why_not = gate.why_not(name)
    if not why_not:
        return _pushed(sender, one, failures)
    left = _pushed(sender, one.withdrawals, failures)
    if left.status == FAILED:
        return left
    failures[name] = GateClosed(why_not)
    detail = f"{why_not} Who withdrew has left; nothing else was changed."
    return replace(left, status=STOPPED, detail=detail)


def _pushed(sender: Sender, one: Ordered, failures: dict[str, Failure]) -> Receipt:
    platform, name = sender.destination.platform, one.order.audience
    try:
        synced = sync(sender, one.order)
    except (Unavailable, DestinationRefused) as error:
        failures[name] = error
        return _receipt(one, platform, FAILED, Synced(), said=str(error))
    if synced.held_back:
        failures[name] = GateClosed(_held_back(one, synced))
        return _receipt(one, platform, STOPPED, synced)
    status = DELIVERED if synced.desired else SKIPPED
    return _receipt(one, platform, status, synced)


def _held_back(one: Ordered, synced: Synced) -> str:
    return (
        f"{synced.held_back} of {synced.held} people would leave who may still be"
        f" sent, over the share of {one.order.most_leaving:g} that is let go at once."
        " Who withdrew has left; nothing else was changed. If it is right, push with"
        f" --may-shrink {one.order.audience}"
    )


def _receipt(
    one: Ordered, platform: str, status: str, synced: Synced, *, said: str = ""
) -> Receipt:
    parts = [said or shortfall(one, synced)] if status != STOPPED else []
    if synced.held_back:
        parts.append(_held_back(one, synced))
    elif not said and not synced.desired and synced.removed and status != DRY_RUN:
        parts.append("the remote audience was emptied")
    if one.was_chosen:
        parts.append(one.note)
    if synced.was_made_anew:
        parts.append("somebody had deleted or remade it: it was filled anew")
    if synced.is_strange:
        parts.append(
            "its set had not been filled by Questlog: all who were in it were exchanged"
            if synced.desired
            else "there is a set of its name that was not filled by Questlog: it stays"
            " until somebody shall be in it"
        )
    if synced.waiting:
        parts.append(
            f"{synced.waiting} wait for the platform to carry out what it has taken"
        )
    parts += [f"{n} {why.lower()}" for why, n in sorted(synced.reasons.items())]
    return Receipt(
        as_of=one.order.as_of,
        platform=platform,
        audience=one.order.audience,
        kind="custom",
        status=status,
        remote_id=synced.remote_id,
        fitting=one.fitting,
        sendable=synced.sendable,
        sent=synced.sent,
        removed=synced.removed,
        held=synced.held,
        waiting=synced.waiting,
        received=synced.received,
        invalid=synced.invalid,
        match_rate=synced.match_rate,
        detail="; ".join(part for part in parts if part),
    )


def _lookalike(
    sender: Sender, lookalike: Lookalike, seed: Receipt, failures: dict[str, Failure]
) -> Receipt:
    destination = sender.destination

    def kept(status: str, **more: Any) -> Receipt:
        return _of_lookalike(
            lookalike, seed.as_of, destination.platform, status, **more
        )

    if seed.status in {FAILED, STOPPED}:
        return kept(SKIPPED, detail=f"its seed {seed.audience} was not delivered")
    too_small = _seed_too_small(lookalike, seed.held)
    if too_small:
        return kept(SKIPPED, detail=too_small)
    order = LookalikeOrder(
        audience=lookalike.name,
        seed_remote_id=seed.remote_id,
        ratio=lookalike.ratio,
        country=lookalike.country,
    )
    try:
        found = destination.keep_lookalike(order)  # type: ignore[attr-defined]  # its caller asked
    except (Unavailable, DestinationRefused) as error:
        failures[lookalike.name] = error
        return kept(FAILED, detail=str(error))
    return kept(DELIVERED, remote_id=found.remote_id, detail=found.detail)


def _of_lookalike(
    lookalike: Lookalike, as_of: date, platform: str, status: str, **more: Any
) -> Receipt:
    return Receipt(
        as_of=as_of,
        platform=platform,
        audience=lookalike.name,
        kind="lookalike",
        status=status,
        **more,
    )


def _seed_too_small(lookalike: Lookalike, size: int) -> str:
    if size >= lookalike.minimum_seed:
        return ""
    return (
        f"its seed {lookalike.of} has {size} sendable people, at least"
        f" {lookalike.minimum_seed} are needed"
    )


def _one_of(failures: Mapping[str, Failure], audiences: int) -> Failure:
    """One error for all: to be tried again as soon as one of them may be."""
    said = " ".join(f"{name}: {error}" for name, error in failures.items())
    text = f"{len(failures)} of {audiences} audiences failed. {said}"
    return _later_or_never(failures.values(), text)


def _later_or_never(failures: Iterable[Failure], text: str) -> Failure:
    every = list(failures)
    waits = [error.wait_s for error in every if isinstance(error, Unavailable)]
    if waits:
        return Unavailable(text, wait_s=max(waits))
    if any(isinstance(error, DestinationRefused) for error in every):
        return DestinationRefused(text)
    return GateClosed(text)
