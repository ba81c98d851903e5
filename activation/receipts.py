"""Receipts: one row for every audience that was, or was not, given to a platform."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DELIVERED = "delivered"
DRY_RUN = "dry_run"
FAILED = "failed"
SKIPPED = "skipped"
STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A row of ops.audience_receipts; `detail` never holds personal data."""

    as_of: date
    platform: str
    audience: str
    kind: str
    status: str
    remote_id: str = ""
    fitting: int = 0
    sendable: int = 0
    sent: int = 0
    removed: int = 0
    held: int = 0
    waiting: int = 0
    received: int = 0
    invalid: int = 0
    match_rate: str = ""
    detail: str = ""


def keep(client: "Client", receipt: Receipt) -> None:
    """Write one receipt."""
    row = asdict(receipt)
    client.insert("ops.audience_receipts", [list(row.values())], column_names=list(row))


def latest(client: "Client", as_of: date) -> list[dict[str, object]]:
    """The last receipt of each platform and audience for an as-of day."""
    return rows(
        client,
        "select * from ops.audience_receipts where as_of = {as_of:Date}"
        " order by pushed_at desc limit 1 by platform, audience",
        {"as_of": as_of},
    )


def in_a_line(receipt: Mapping[str, object]) -> str:
    """A receipt as people read it, with nobody in it."""
    counts = ("sent", "removed", "held", "waiting")
    numbers = ", ".join(f"{receipt[name]} {name}" for name in counts if receipt[name])
    parts = (
        f"{receipt['audience']} at {receipt['platform']}: {receipt['status']}",
        numbers,
        receipt["detail"],
    )
    return "; ".join(str(part) for part in parts if part)
