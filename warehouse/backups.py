"""The embedded warehouse copied into a folder, and brought back from one."""

import re
from typing import TYPE_CHECKING

from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NAME = re.compile(r"[A-Za-z0-9_-][\w.-]*\Z", re.ASCII)
_ENGINES_OWN = ("system", "_overlay", "information_schema", "INFORMATION_SCHEMA")
_EXISTS, _NOT_FOUND = "BACKUP_ALREADY_EXISTS", "BACKUP_NOT_FOUND"
_TABLES = f"select count() from system.tables where database not in {_ENGINES_OWN}"


def backup(client: "Client", name: str) -> int:
    """Copy every database into the backup of a name; returns the number of tables.

    Each table is copied as it is at one moment, but not all at the same. Raises
    BadInput when the name is none or is taken.
    """
    tables = _tables(client)
    _run(client, f"backup all except databases {', '.join(_ENGINES_OWN)} to", name)
    return tables


def restore(client: "Client", name: str) -> int:
    """Bring a backup into an empty warehouse; returns the number of tables.

    Raises BadInput when there are tables already, or no backup of the name.
    """
    if tables := _tables(client):
        raise BadInput(
            f"The warehouse has {tables} tables, and a backup is restored into an empty"
            " one only. Stop the endpoint and move its data directory away first:"
            " docs/runbooks/restore.md."
        )
    _run(client, "restore all from", name)
    return _tables(client)


def _tables(client: "Client") -> int:
    count: int = client.query(_TABLES).result_rows[0][0]
    return count


def _run(client: "Client", statement: str, name: str) -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError

    if not _NAME.match(name):
        raise BadInput(
            f"{name!r} cannot be the name of a backup: use letters, digits, - _ and ."
        )
    try:
        client.command(f"{statement} Disk('backups', '{name}')")
    except DatabaseError as error:
        if _EXISTS in str(error):
            raise BadInput(
                f"There is a backup {name} already. Choose another name, or remove the"
                " folder."
            ) from error
        if _NOT_FOUND in str(error):
            raise BadInput(
                f"There is no backup {name}. Each is a folder of backups in the home."
            ) from error
        raise
