"""The ledger of conversions: what each platform was told, written before it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from activation.conversions.values import Payment, Topic
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SENDING, TAKEN, SENT = "sending", "taken", "sent"
REFUSED, FAILED, RETRACTED = "refused", "failed", "retracted"
_COLUMNS = (
    *("platform", "kind", "payment_id", "event_id", "person_id", "occurred_at"),
    *("amount_minor", "currency", "state", "request_id", "detail", "version"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How conversions stand from a moment on; `details` by their places."""

    state: str
    at: datetime
    request_id: str = ""
    details: Mapping[int, str] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The moment, as the ledger counts."""
        return round(self.at.timestamp() * 1_000_000)


def note(
    client: "Client", topic: Topic, payments: Sequence[Payment], standing: Standing
) -> None:
    """Write how conversions stand; a later note of one counts instead."""
    if not payments:
        return
    client.insert(
        "activation.conversions",
        [
            (
                topic.platform,
                topic.kind,
                payment.payment_id,
                payment.event_id,
                payment.person_id,
                payment.occurred_at,
                payment.amount_minor,
                payment.currency,
                standing.state,
                standing.request_id,
                standing.details.get(place, ""),
                standing.version,
            )
            for place, payment in enumerate(payments)
        ],
        column_names=_COLUMNS,
    )


def open_requests(client: "Client", topic: Topic) -> list[str]:
    """The requests of which a platform has not told yet how they ended."""
    found = rows(
        client,
        "select distinct request_id from activation.conversions final"
        " where platform = {platform:String} and kind = {kind:String}"
        " and state = 'taken' order by request_id",
        {"platform": topic.platform, "kind": topic.kind},
    )
    return [row["request_id"] for row in found]


def close(client: "Client", topic: Topic, standing: Standing, detail: str = "") -> None:
    """Write how a request ended, for all that was in it."""
    client.command(
        "insert into activation.conversions"
        " select * replace ({state:String} as state, {detail:String} as detail,"
        " {version:UInt64} as version) from ("
        " select * from activation.conversions final"
        " where platform = {platform:String} and request_id = {request_id:String}"
        " and state = 'taken')",
        parameters={
            "state": standing.state,
            "detail": detail,
            "version": standing.version,
            "platform": topic.platform,
            "request_id": standing.request_id,
        },
    )
