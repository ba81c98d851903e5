"""Erase people everywhere: out of every audience first, then vault and warehouse."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from warehouse import audit, erasure
from warehouse.clickhouse import connect, rows
from warehouse.errors import MigrationFailed
from warehouse.settings import Settings, load
from warehouse.vault import Vault, open_vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from activation.destinations.protocol import Destination

_IS_MIGRATED = """
select 1 from system.tables where database = 'ops' and name = 'erasing'
"""
_SENT_TO = """
select distinct platform from activation.sent
where person_id in {ids:Array(String)} order by platform
"""

Told = Callable[[str], None]


def _silent(_step: str) -> None:
    """Nothing is told."""


def erase(
    settings: Settings, own_id: str, done: audit.Act, told: Told = _silent
) -> erasure.Receipt:
    """Erase a person; see warehouse.erasure.erase."""
    with _opened(settings) as (client, vault):
        return erasure.erase(
            client,
            vault,
            own_id,
            done,
            leave_audiences=_leaving(settings, client, vault),
            told=told,
        )


def reach(settings: Settings, own_id: str) -> erasure.Reach:
    """What erasing a person would remove; nothing is changed."""
    with _opened(settings) as (client, vault):
        return erasure.reach(client, vault, own_id)


def erase_again(settings: Settings, done: audit.Act) -> list[erasure.Receipt]:
    """Erase everyone again whom an older copy of warehouse or vault brought back."""
    with _opened(settings) as (client, vault):
        back = erasure.brought_back(client, vault, done.at)
        receipts: list[erasure.Receipt] = []
        for own_id in back:
            receipt = erasure.erase(
                client,
                vault,
                own_id,
                done,
                leave_audiences=_leaving(settings, client, vault),
            )
            if not receipt.was_done:
                receipts.append(receipt)
        return receipts


def erase_again_at_door(at: str) -> int:
    """The same for the settings of this process, at a moment as ISO 8601; how many."""
    because = "a restored copy, or written while it was erased"
    done = audit.act(by="dag erasures", because=because, at=datetime.fromisoformat(at))
    return len(erase_again(load(os.environ), done))


def readmit(settings: Settings, own_id: str, done: audit.Act) -> None:
    """Let an id in again that was erased: what comes from now on is kept."""
    with _opened(settings) as (client, vault):
        erasure.readmit(client, vault, own_id, done)


@contextlib.contextmanager
def _opened(settings: Settings) -> "Iterator[tuple[Client, Vault]]":
    with connect(settings) as client, open_vault(settings) as vault:
        if not rows(client, _IS_MIGRATED):
            raise MigrationFailed(
                "ops.erasing is not there yet: run `questlog migrate`."
            )
        erasure.quiet(client)
        yield client, vault


def _leaving(
    settings: Settings, client: "Client", vault: Vault
) -> erasure.LeaveAudiences:
    """Takes people out of all that was ever sent, wherever that was."""

    def leave(own_ids: Sequence[str]) -> list[str]:
        from activation.leaving import remove_everywhere
        from activation.rim import Rim

        # an SDK takes seconds to import: only where somebody was sent
        sent_to = rows(client, _SENT_TO, {"ids": list(own_ids)})
        left = remove_everywhere(
            Rim(
                client=client,
                vault=vault,
                clock=lambda: datetime.now(UTC),
            ),
            [_destination(settings, row["platform"]) for row in sent_to],
            own_ids,
            "erasure",
        )
        return [f"{one.platform}/{one.audience}" for one in left]

    return leave


def _destination(settings: Settings, platform: str) -> "Destination":
    from activation.destinations.kinds import opened

    return opened(platform, settings)
