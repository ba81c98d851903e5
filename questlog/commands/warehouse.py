"""Commands for the floor: migrations."""

import typer

from questlog import doors


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("migrate")(migrate)


def migrate() -> None:
    """Create or extend the tables that Python writes.

    Example: questlog migrate
    """
    from warehouse.migrations import migrate as apply

    with doors.client() as client:
        done = apply(client)
    typer.echo(f"{len(done)} applied" + "".join(f"\n  {name}" for name in done))
