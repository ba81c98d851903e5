"""Forward-only migrations: warehouse/ddl, one statement a file, each applied once."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.clickhouse import cluster_of, define, rows
from warehouse.errors import BadSetting, MigrationFailed, Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DDL = Path(__file__).resolve().parent / "ddl"

_ALREADY_THERE = re.compile(r"\b(?:TABLE|DATABASE)_ALREADY_EXISTS\b")
_OURS = ("raw", "ml", "activation", "ops")
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
    what came before it stays, and the same call goes on from there. Raises BadSetting
    when the client's cluster is none that Questlog can use.
    """
    if cluster := cluster_of(client):
        _require_replicas(client, cluster)
    define(client, "create database if not exists ops")
    define(client, _LEDGER)
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
        define(client, migration.statement)
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


def _require_replicas(client: "Client", cluster: str) -> None:
    """Raise BadSetting unless each server of the cluster can hold every table."""
    known = rows(
        client,
        "select cluster, uniqExact(shard_num) as shards from system.clusters"
        " group by cluster order by cluster",
    )
    shards = {row["cluster"]: row["shards"] for row in known}
    if cluster not in shards:
        raise BadSetting(
            f"CLICKHOUSE_CLUSTER: the server knows no cluster {cluster!r}, only"
            f" {', '.join(shards) or 'none'}. Name one of these, or put it into the"
            " servers' remote_servers."
        )
    if shards[cluster] != 1:
        raise BadSetting(
            f"CLICKHOUSE_CLUSTER: {cluster!r} has {shards[cluster]} shards. Questlog"
            " keeps every table whole on each server: name a cluster of one shard and"
            " as many replicas as you like."
        )
    alone = rows(
        client,
        "select concat(database, '.', name) as name from system.tables"
        f" where database in ({', '.join(map(repr, _OURS))})"
        " and engine like '%MergeTree' and engine not like 'Replicated%' order by name",
    )
    if alone:
        raise BadSetting(
            f"CLICKHOUSE_CLUSTER: {len(alone)} tables were made without a cluster, such"
            f" as {alone[0]['name']}, and lie on this server alone. How to move them:"
            " docs/cluster.md."
        )
