"""Commands for a world to play with: simulate it, send it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from questlog import doors
from warehouse.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("simulate")(simulate)
    app.command("send")(send)


def simulate(
    *,
    out: Annotated[Path, typer.Option(help="Folder for the world's files.")],
    end: Annotated[str, typer.Option(help="History ends where this day begins.")],
    people: Annotated[int, typer.Option(help="People with an account.")] = 2000,
    days: Annotated[int, typer.Option(help="Days of history.")] = 120,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 7,
    now: Annotated[
        str,
        typer.Option(
            help="When the live slice's last event happens, like 2026-03-02T20:00Z."
        ),
    ] = "",
    currency: Annotated[
        str, typer.Option(help="The truth adds up money in this currency.")
    ] = "EUR",
) -> None:
    """Make the events of a tabletop-RPG service, and the truth to check against.

    Writes history.jsonl.gz, live.jsonl, latent.jsonl and truth.json.

    Example: questlog simulate --people 500 --days 60 --end 2026-03-01 --out world
    """
    from questlog.world.parameters import Parameters
    from questlog.world.simulate import simulate as make

    parameters = Parameters(
        people=people,
        days=days,
        end=doors.day(end),
        seed=seed,
        now=_moment(now) if now else None,
        currency=currency,
    )
    truth = make(parameters, out)
    for part in ("history", "live"):
        counts = truth[part]
        refused = sum(counts["refused"].values())
        typer.echo(
            f"{part}: {counts['lines']:,} lines, of which the door will accept"
            f" {counts['accepted']:,} and refuse {refused:,};"
            f" {counts['duplicates_removed']:,} are duplicates"
        )
    typer.echo(f"The truth about both is in {out / 'truth.json'}")


def send(
    *,
    file: Annotated[Path, typer.Argument(help="A JSONL file of events.")],
    key: Annotated[
        str, typer.Option(help="Write key of the source.", envvar="QUESTLOG_WRITE_KEY")
    ],
    url: Annotated[str, typer.Option(help="The door; by default this machine's.")] = "",
) -> None:
    """Send a file of events to the door over HTTP, and count its verdicts.

    Example: questlog send world/live.jsonl --key "$QUESTLOG_WRITE_KEY"
    """
    from rich.progress import Progress

    from questlog.world.sending import read_lines
    from questlog.world.sending import send as post

    if not url:
        settings = doors.settings()
        url = f"http://{settings.ingest_host}:{settings.ingest_port}"
    with Progress(transient=True) as progress:
        task = progress.add_task(f"Sending {file.name}", total=len(read_lines(file)))
        outcome = post(
            file,
            url=url,
            key=key,
            advance=lambda count: progress.advance(task, count),
        )
    refused = sum(outcome.refused.values())
    typer.echo(
        f"{outcome.sent:,} events sent: {outcome.accepted:,} accepted,"
        f" {refused:,} refused"
    )
    for reason, count in sorted(outcome.refused.items()):
        typer.echo(f"  {reason}: {count:,}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"{text!r} is no moment; write it like 2026-03-02T20:00:00Z."
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
