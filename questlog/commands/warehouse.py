"""Commands for the floor: the embedded ClickHouse endpoint and migrations."""

import typer

from questlog import doors
from questlog.serving import serve


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("migrate")(migrate)
    serve.command("clickhouse")(clickhouse)


def migrate() -> None:
    """Create or extend the tables that Python writes.

    Example: questlog migrate
    """
    from warehouse.migrations import migrate as apply

    with doors.client() as client:
        done = apply(client)
    typer.echo(f"{len(done)} applied" + "".join(f"\n  {name}" for name in done))


def clickhouse() -> None:
    """Serve ClickHouse's HTTP interface over the embedded engine, on loopback.

    Example: questlog serve clickhouse
    """
    from warehouse.embedded.service import serve as run

    run(doors.settings())
