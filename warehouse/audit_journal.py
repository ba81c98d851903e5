"""Acts that must not wait for ClickHouse, on their way to `ops.audit`.

Write keys are made where the door is, which has no password of the warehouse. So an act
is written to a file of the home first, durably, and brought into the table by the next
process that can reach it.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from warehouse import audit
from warehouse.clickhouse import connect, rows
from warehouse.durable import private_folder
from warehouse.errors import BadSetting, MigrationFailed, Unavailable
from warehouse.home import Home
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_THERE = (
    "select count() as tables from system.tables"
    " where database = 'ops' and name = 'audit'"
)


def keep(
    settings: Settings,
    done: audit.Act,
    *,
    action: str,
    subject: str,
    detail: Mapping[str, str],
) -> None:
    """Write one act down, and bring what is written into ops.audit if it can be."""
    line = {
        "by": done.by,
        "because": done.because,
        "at": done.at.isoformat(),
        "action": action,
        "subject": subject,
        "detail": dict(detail),
    }
    with _held(settings) as journal:
        journal.write(json.dumps(line) + "\n")
        journal.flush()
        os.fsync(journal.fileno())
    settle(settings)


def settle(settings: Settings) -> int:
    """Bring what is written into ops.audit; how many acts are still in the file.

    A process that cannot reach the warehouse leaves them to the next that can.
    """
    with _held(settings) as journal:
        journal.seek(0)
        lines = journal.readlines()
        if not lines:
            return 0
        try:
            with _quiet_driver(), connect(settings) as client:
                if not rows(client, _THERE)[0]["tables"]:
                    return len(lines)
                for line in lines:
                    _bring(client, json.loads(line))
        except (Unavailable, MigrationFailed, BadSetting):
            return len(lines)
        journal.truncate(0)
        return 0


def _bring(client: "Client", line: Mapping[str, Any]) -> None:
    """Once: a process killed before it emptied the file has brought some already."""
    at = datetime.fromisoformat(line["at"])
    there = rows(
        client,
        "select count() as n from ops.audit where action = {action:String}"
        " and subject = {subject:String}"
        " and toUnixTimestamp64Milli(audited_at) = {at:Int64}",
        {
            "action": line["action"],
            "subject": line["subject"],
            "at": int(at.timestamp() * 1000),
        },
    )
    if not there[0]["n"]:
        done = audit.Act(by=line["by"], because=line["because"], at=at)
        detail = dict(line["detail"])
        audit.note(
            client,
            done,
            action=line["action"],
            subject=line["subject"],
            detail=detail,
        )


@contextmanager
def _quiet_driver() -> Iterator[None]:
    """A warehouse that is away is no news here; the driver would tell it twice."""
    logger = logging.getLogger("clickhouse_connect")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _held(settings: Settings) -> Iterator[IO[str]]:
    """The file, for this process alone."""
    folder = Home(settings.home.resolve()).audit
    private_folder(folder)
    with (folder / "pending.jsonl").open("a+") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        yield journal
