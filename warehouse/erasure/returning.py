"""Who was erased and is there again: by an older copy of the data, or let in anew."""

from datetime import datetime
from typing import TYPE_CHECKING

from warehouse import audit
from warehouse.clickhouse import rows
from warehouse.erasure.person import checked, subject_of
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.vault import Vault

_IDS = """
select distinct if(user_id != '', user_id, concat('anon:', anonymous_id)) as own_id
from raw.events
union distinct select id from raw.identity_links
union distinct select person_id from raw.identity_links
"""
_TOMBSTONES = """
select distinct arrayJoin(tombstones) as tombstone from ops.erasures
"""


def brought_back(client: "Client", vault: "Vault", at: datetime) -> list[str]:
    """The ids in the tables that were erased once, and those of erasures under way.

    Vault and warehouse each know who was erased; whichever is the older copy learns it
    from the other. Keys that came back with an older vault are destroyed again.
    """
    noted = [
        bytes.fromhex(_text(row["tombstone"])) for row in rows(client, _TOMBSTONES)
    ]
    vault.bury_indexes(noted, at)
    vault.forget_buried()
    erased = vault.tombstones()
    found: list[str] = []
    with client.query_row_block_stream(_IDS) as blocks:
        for block in blocks:
            found += [
                own_id
                for (own_id,) in block
                if vault.index(subject_of(own_id)) in erased
            ]
    return sorted(found)


def readmit(client: "Client", vault: "Vault", own_id: str, done: audit.Act) -> None:
    """Let an erased id in again. Raises BadInput where it was not erased.

    The tombstone goes from the vault and from the receipts, where an older vault
    would learn it again.
    """
    subject = subject_of(checked(own_id))
    if not vault.buried([subject]):
        raise BadInput("This id was not erased, so nothing keeps it out.")
    audit.note(
        client,
        done,
        action="person.readmit",
        subject="an erased id",
        detail={"tombstone": vault.index(subject).hex()},
    )
    client.command(
        "alter table ops.erasures update tombstones ="
        " arrayFilter(one -> one != toFixedString({gone:String}, 64), tombstones)"
        " where has(tombstones, toFixedString({gone:String}, 64))"
        " settings mutations_sync = 2",
        parameters={"gone": vault.index(subject).hex()},
    )
    vault.unbury([subject])


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
