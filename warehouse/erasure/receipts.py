"""The receipts of erasures: in ops.erasures and ops.audit, without personal data."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from warehouse import audit
from warehouse.clickhouse import rows
from warehouse.erasure.person import subject_of
from warehouse.erasure.plan import Plan, Receipt
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.vault import Vault


def receipt_of(plan: Plan, at: datetime, columns: int) -> Receipt:
    """What an erasure did, by its plan."""
    return Receipt(
        erasure_id=plan.erasure_id,
        erased_at=_stored(at),
        ids=len(plan.own_ids),
        kept_devices=plan.shared,
        rows_removed=dict(sorted(plan.removed.items())),
        rows_redacted=dict(sorted(plan.redacted.items())),
        audiences=plan.audiences or (),
        searched_columns=columns,
    )


def _stored(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(sep=" ", timespec="milliseconds")[:23]


def write_down(
    client: "Client", vault: "Vault", plan: Plan, receipt: Receipt, done: audit.Act
) -> None:
    """The receipt in ops.erasures and the act in ops.audit; once, also after a kill."""
    known = {"id": plan.erasure_id}
    subject = f"erasure {plan.erasure_id}"
    if not rows(
        client, "select 1 from ops.audit where subject = {id:String}", {"id": subject}
    ):
        audit.note(
            client,
            audit.Act(plan.by or done.by, plan.because, done.at),
            action="person.erase",
            subject=subject,
            detail={"ids": str(receipt.ids)},
        )
    if rows(client, "select 1 from ops.erasures where erasure_id = {id:UUID}", known):
        return
    row = {
        "erasure_id": plan.erasure_id,
        "erased_at": done.at,
        "tombstones": [
            vault.index(subject_of(one)).hex().encode() for one in plan.alone
        ],
        "kept_devices": plan.shared,
        "rows_removed": receipt.rows_removed,
        "rows_redacted": receipt.rows_redacted,
        "audiences": list(receipt.audiences),
        "searched_columns": receipt.searched_columns,
        "done_by": plan.by,
        "because": plan.because,
    }
    client.insert("ops.erasures", [list(row.values())], list(row))


def earlier(client: "Client", vault: "Vault", own_id: str) -> Receipt:
    """The receipt of an erasure that was done before."""
    index = vault.index(subject_of(own_id)).hex()
    found = rows(
        client,
        "select toString(erasure_id) as erasure_id, toString(erased_at) as erased_at,"
        " length(tombstones) as ids, kept_devices, rows_removed, rows_redacted,"
        " audiences, searched_columns from ops.erasures"
        " where has(tombstones, toFixedString({index:String}, 64))"
        " order by ops.erasures.erased_at desc limit 1",
        {"index": index},
    )
    if not found:
        raise BadInput(
            "This id was erased, and its receipt is in no table of this warehouse: an"
            " older copy was restored. `questlog erase --again` erases everyone again"
            " who was erased before."
        )
    (row,) = found
    return Receipt(**{**row, "audiences": tuple(row["audiences"])}, was_done=True)
