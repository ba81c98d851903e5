"""Commands for the floor: the embedded ClickHouse endpoint and migrations."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from questlog import doors
from questlog.serving import serve
from warehouse.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("migrate")(migrate)
    app.command("backup")(backup)
    app.command("restore")(restore)
    serve.command("clickhouse")(clickhouse)


def migrate() -> None:
    """Create or extend the tables that Python writes.

    Example: questlog migrate
    """
    from warehouse.migrations import migrate as apply

    with doors.client() as client:
        done = apply(client)
    typer.echo(f"{len(done)} applied" + "".join(f"\n  {name}" for name in done))


def backup(
    name: Annotated[str, typer.Argument(help="Its folder in backups of the home.")],
) -> None:
    """Copy the embedded warehouse into a folder of its backups; never over another.

    Example: questlog backup 2026-03-01
    """
    from warehouse.backups import backup as copy

    _only_embedded()
    with doors.client() as client:
        tables = copy(client, name)
    typer.echo(f"{tables} tables are in the backup {name}")


def restore(
    name: Annotated[str, typer.Argument(help="Its folder in backups of the home.")],
) -> None:
    """Bring a backup into an empty embedded warehouse.

    Example: questlog restore 2026-03-01
    """
    from activation.erasing import erase_again
    from warehouse import audit
    from warehouse.backups import restore as bring

    _only_embedded()
    with doors.client() as client:
        tables = bring(client, name)
    typer.echo(f"{tables} tables are restored from the backup {name}")
    done = audit.act(by="", because=f"backup {name} restored", at=datetime.now(UTC))
    if erased := erase_again(doors.settings(), done):
        typer.echo(f"{len(erased)} people whom it brought back are erased again")


def _only_embedded() -> None:
    if not doors.settings().embedded:
        raise BadInput(
            "The warehouse is a ClickHouse server (CLICKHOUSE_HOST); its backups are"
            " made there: docs/deploy.md."
        )


def clickhouse() -> None:
    """Serve ClickHouse's HTTP interface over the embedded engine, on loopback.

    Example: questlog serve clickhouse
    """
    from warehouse.embedded.service import serve as run

    run(doors.settings())
