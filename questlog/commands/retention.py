"""Events whose time is over: `questlog retain`."""

from typing import Annotated

import typer

from questlog import doors


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command("retain")(retain)


def retain(
    as_of: Annotated[
        str, typer.Option(help="The day it is counted back from. Empty: today.")
    ] = "",
    because: Annotated[
        str, typer.Option(help="Why; kept in ops.audit.")
    ] = "keep_for of the taxonomy",
    by: Annotated[str, typer.Option(help="Who. Empty: this machine's user.")] = "",
    dry_run: Annotated[bool, typer.Option(help="Only say how much it is.")] = False,
) -> None:
    """Let events go that are older than the taxonomy's `keep_for`, by whole months.

    Rows go with all copies; ids stay, so that a late copy is no new event. The next
    build is a whole one. Safe to repeat, and to interrupt.

    Example: questlog retain --dry-run
    """
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.table import Table

    from warehouse import audit, retention
    from warehouse.taxonomy import load

    now = datetime.now(UTC)
    day = doors.day(as_of) if as_of else now.date()
    with doors.client() as client:
        overdue = retention.due(client, load(), day)
        told = Table("event", "kept from", "events that go")
        for one in overdue:
            told.add_row(one.event_name, f"{one.horizon}", f"{one.events:,}")
        Console().print(told)
        if dry_run:
            return
        done = audit.act(by=by, because=because, at=now)
        gone = retention.let_go(client, overdue, done)
    typer.echo(f"{gone:,} copies went")
