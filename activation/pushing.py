"""Carry out the plan of a push, audience by audience, with a receipt for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from activation.definitions import Definitions, Lookalike
from activation.destination import Delivery, Destination, LookalikeOrder, Order
from activation.planning import Aim, Planned
from activation.receipts import (
    DELIVERED,
    DRY_RUN,
    FAILED,
    SKIPPED,
    Receipt,
    keep,
    remote_ids,
)
from warehouse.errors import DestinationRefused, Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Failures = dict[str, Unavailable | DestinationRefused]


def to_each(
    destinations: Sequence[Destination],
    send_to: Callable[[Destination], list[Receipt]],
) -> list[Receipt]:
    """Send to every platform; one that fails never stops another.

    Raises at the end what failed, naming the platform: Unavailable as soon as one
    of them may succeed later, else DestinationRefused.
    """
    failures: Failures = {}
    receipts: list[Receipt] = []
    for destination in destinations:
        try:
            receipts += send_to(destination)
        except (Unavailable, DestinationRefused) as error:
            failures[destination.platform] = error
    if failures:
        text = " ".join(f"{name}: {error}" for name, error in failures.items())
        if any(isinstance(error, Unavailable) for error in failures.values()):
            raise Unavailable(text)
        raise DestinationRefused(text)
    return receipts


def rehearse_plan(
    client: "Client", plan: Sequence[Planned], definitions: Definitions, aim: Aim
) -> list[Receipt]:
    """Write the receipts of a push that calls nobody."""
    sizes = {one.audience.name: len(one.people) for one in plan}
    receipts = [
        _receipt(one, aim, status=DRY_RUN, said=one.shortfall) for one in plan
    ] + [
        _lookalike_receipt(
            lookalike,
            aim,
            status=DRY_RUN,
            detail=_seed_too_small(lookalike, sizes[lookalike.of]),
        )
        for lookalike in definitions.lookalikes
    ]
    for receipt in receipts:
        keep(client, receipt)
    return receipts


def carry_out(
    client: "Client",
    destination: Destination,
    plan: Sequence[Planned],
    definitions: Definitions,
    aim: Aim,
) -> list[Receipt]:
    """Push a plan and write a receipt for each audience as it is done.

    One audience that fails keeps no other from being put right. Raises Unavailable
    or DestinationRefused at the end, naming those that failed.
    """
    failures: Failures = {}
    known = remote_ids(client, destination.platform)
    receipts: dict[str, Receipt] = {}
    for one in plan:
        name = one.audience.name
        receipts[name] = _push(destination, one, aim, known.get(name, ""), failures)
        keep(client, receipts[name])
    for lookalike in definitions.lookalikes:
        receipt = _push_lookalike(
            destination, lookalike, aim, receipts[lookalike.of], failures
        )
        keep(client, receipt)
        receipts[lookalike.name] = receipt
    if failures:
        raise _one_of(failures, len(receipts))
    return list(receipts.values())


def _push(
    destination: Destination,
    one: Planned,
    aim: Aim,
    known_id: str,
    failures: Failures,
) -> Receipt:
    if not one.was_chosen:
        return _receipt(one, aim, status=SKIPPED, said=one.shortfall)
    order = Order(
        audience=one.audience.name,
        meaning=one.audience.meaning,
        remote_id=known_id,
        people=one.people,
    )
    try:
        delivery = destination.replace(order)
    except (Unavailable, DestinationRefused) as error:
        failures[one.audience.name] = error
        return _receipt(one, aim, status=FAILED, said=str(error))
    if not one.shortfall:
        return _receipt(one, aim, status=DELIVERED, said="", delivery=delivery)
    emptied = "; the remote audience was emptied" if delivery.remote_id else ""
    said = one.shortfall + emptied
    return _receipt(one, aim, status=SKIPPED, said=said, delivery=delivery)


def _push_lookalike(
    destination: Destination,
    lookalike: Lookalike,
    aim: Aim,
    seed: Receipt,
    failures: Failures,
) -> Receipt:
    if seed.status == FAILED:
        detail = f"its seed {seed.audience} was not delivered"
        return _lookalike_receipt(lookalike, aim, status=SKIPPED, detail=detail)
    too_small = _seed_too_small(lookalike, seed.sent)
    if too_small:
        return _lookalike_receipt(lookalike, aim, status=SKIPPED, detail=too_small)
    order = LookalikeOrder(
        audience=lookalike.name,
        seed_remote_id=seed.remote_id,
        ratio=lookalike.ratio,
        country=lookalike.country,
    )
    try:
        delivery = destination.keep_lookalike(order)
    except (Unavailable, DestinationRefused) as error:
        failures[lookalike.name] = error
        return _lookalike_receipt(lookalike, aim, status=FAILED, detail=str(error))
    return _lookalike_receipt(
        lookalike,
        aim,
        status=DELIVERED,
        remote_id=delivery.remote_id,
        detail=delivery.detail,
    )


def _receipt(
    one: Planned,
    aim: Aim,
    *,
    status: str,
    said: str,
    delivery: Delivery | None = None,
) -> Receipt:
    answered = delivery or Delivery(remote_id="")
    return Receipt(
        as_of=aim.as_of,
        platform=aim.platform,
        audience=one.audience.name,
        kind="custom",
        status=status,
        remote_id=answered.remote_id,
        fitting=one.fitting,
        sendable=one.sendable,
        sent=answered.sent,
        received=answered.received,
        invalid=answered.invalid,
        detail="; ".join(part for part in (said, one.note, answered.detail) if part),
    )


def _lookalike_receipt(
    lookalike: Lookalike, aim: Aim, *, status: str, remote_id: str = "", detail: str
) -> Receipt:
    return Receipt(
        as_of=aim.as_of,
        platform=aim.platform,
        audience=lookalike.name,
        kind="lookalike",
        status=status,
        remote_id=remote_id,
        detail=detail,
    )


def _seed_too_small(lookalike: Lookalike, size: int) -> str:
    if size >= lookalike.minimum_seed:
        return ""
    return (
        f"its seed {lookalike.of} has {size} sendable people, at least"
        f" {lookalike.minimum_seed} are needed"
    )


def _one_of(
    failures: Mapping[str, Unavailable | DestinationRefused], audiences: int
) -> Unavailable | DestinationRefused:
    """One error for all: final as soon as one of them is."""
    said = " ".join(f"{name}: {error}" for name, error in failures.items())
    text = f"{len(failures)} of {audiences} audiences failed. {said}"
    if any(isinstance(error, DestinationRefused) for error in failures.values()):
        return DestinationRefused(text)
    return Unavailable(text)
