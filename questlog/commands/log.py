"""Commands of the durable log: look into it, and put stretches of it in again."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from questlog import doors
from warehouse.home import Home

log = typer.Typer(help="The durable log between door and loader.", no_args_is_help=True)

_FROM = "A position, or the moment of a receipt such as 2026-03-01T10:00:00Z."


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(log, name="log")


@log.command("inspect")
def inspect() -> None:
    """Read every record of the log, compare its checksum, and tell of each segment.

    Example: questlog log inspect
    """
    from rich.console import Console
    from rich.table import Table

    from ingestion.inspection import inspected
    from ingestion.logs import logs
    from ingestion.sealing import sealing_of

    settings = doors.settings()
    columns = ("from", "to", "accepted", "refused", "first receipt", "last", "state")
    table = Table("worker", *columns)
    damaged = False
    everything = (
        (worker, told)
        for worker, folder in logs(Home(settings.home).log).items()
        for told in inspected(folder, sealing_of(settings))
    )
    for worker, told in everything:
        damaged = damaged or not told.is_whole
        table.add_row(
            str(worker),
            str(told.start),
            str(told.end),
            f"{told.rows['accepted']:,}",
            f"{told.rows['refused']:,}",
            told.first_received,
            told.last_received,
            "loaded"
            if told.is_loaded
            else "not loaded yet"
            if told.is_whole
            else f"unreadable from {told.end}",
        )
    Console().print(table)
    if damaged:
        raise typer.Exit(1)


@log.command("replay")
def replay(
    since: Annotated[str, typer.Option("--from", help=_FROM)],
    because: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    until: Annotated[
        str, typer.Option("--to", help=f"{_FROM} Default: what is loaded.")
    ] = "",
    by: Annotated[str, typer.Option(help="Who. Default: this machine's user.")] = "",
    worker: Annotated[
        int, typer.Option(help="Whose log, where there are several.")
    ] = 0,
) -> None:
    """Put a stretch of the log into ClickHouse again, where rows of it are missing.

    Example: questlog log replay --from 2026-03-01T10:00:00Z --because "restored"
    """
    from ingestion.inspection import position
    from ingestion.loader import ledger_of
    from ingestion.logs import logs
    from ingestion.replaying import replay as put_again
    from ingestion.sealing import sealing_of
    from ingestion.segments import open_for_reading
    from ingestion.sieve import SievedLog
    from warehouse import audit
    from warehouse.clickhouse import connect
    from warehouse.errors import BadInput
    from warehouse.vault import open_vault

    settings = doors.settings()
    folder = logs(Home(settings.home).log).get(worker)
    if folder is None:
        raise BadInput(f"Worker {worker} has no log; `questlog log inspect` shows all.")
    act = audit.act(by=by, because=because, at=datetime.now(UTC))
    with (
        closing(open_for_reading(folder, sealing_of(settings))) as found,
        open_vault(settings) as vault,
        connect(settings) as client,
    ):
        loaded = ledger_of(folder).read(found.identity).position
        first = position(found, since)
        last = min(position(found, until), loaded) if until else loaded
        if first > loaded:
            raise BadInput(
                f"What lies from {first} on is not loaded yet: `questlog load` does it."
            )
        # who was erased since is not brought back
        done = put_again(
            SievedLog(found, vault),
            client,
            first=first,
            last=last,
            now=lambda: datetime.now(UTC),
        )
        audit.note(
            client,
            act,
            action="log.replay",
            subject=f"{first} to {last}",
            detail={"rows": str(done.rows), "missing": str(done.missing)},
        )
    typer.echo(f"{done.rows:,} rows read; {done.missing:,} were missing and are in now")
