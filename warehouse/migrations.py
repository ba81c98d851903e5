"""Forward-only migrations: warehouse/ddl, one statement a file, each applied once."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows
from warehouse.errors import MigrationFailed, Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DDL = Path(__file__).resolve().parent / "ddl"

_ALREADY_THERE = re.compile(r"\b(?:TABLE|DATABASE)_ALREADY_EXISTS\b")
_LEDGER = """
create table if not exists ops.migrations (
    number UInt16,
    name String,
    sha256 FixedString(64),
    applied_at DateTime64(3, 'UTC') default now64(3)
) engine = MergeTree order by number
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One released statement."""

    number: int
    name: str
    statement: str

    @property
    def sha256(self) -> str:
        """The fingerprint that tells a released file from a changed one."""
        return hashlib.sha256(self.statement.encode()).hexdigest()


def released(folder: Path = DDL) -> list[Migration]:
    """The migrations of a folder, in order.

    Raises MigrationFailed when two files carry one number.
    """
    found = [
        Migration(int(path.stem.split("_", 1)[0]), path.stem, path.read_text())
        for path in sorted(folder.glob("[0-9]*_*.sql"))
    ]
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise MigrationFailed(f"Two files in {folder.name}/ carry the same number.")
    return found


def migrate(client: "Client", migrations: list[Migration] | None = None) -> list[str]:
    """Apply what is not applied yet and return its names.

    Raises MigrationFailed when a released file was changed, or a statement fails:
    what came before it stays, and the same call goes on from there.
    """
    client.command("create database if not exists ops")
    client.command(_LEDGER)
    applied = {
        row["number"]: row["sha256"]
        for row in rows(client, "select number, sha256 from ops.migrations")
    }
    done = []
    for migration in migrations if migrations is not None else released():
        if migration.number not in applied:
            _apply(client, migration)
            done.append(migration.name)
        elif _text(applied[migration.number]) != migration.sha256:
            raise MigrationFailed(
                f"{migration.name} was changed after it was applied."
                " Restore the file and put the change into a new one."
            )
    return done


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _apply(client: "Client", migration: Migration) -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    try:
        client.command(migration.statement)
    except OperationalError as error:
        raise Unavailable(f"ClickHouse went away during {migration.name}.") from error
    except DatabaseError as error:
        # made by a run that was killed before it could note so: nobody else makes it
        if not _ALREADY_THERE.search(str(error)):
            raise MigrationFailed(f"{migration.name} failed: {error}") from error
    client.insert(
        "ops.migrations",
        [[migration.number, migration.name, migration.sha256]],
        column_names=["number", "name", "sha256"],
    )
