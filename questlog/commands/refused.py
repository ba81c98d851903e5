"""Commands of refused events: let in what a mended taxonomy admits."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors
from warehouse import audit

if TYPE_CHECKING:
    from ingestion.refused import Replay

refused = typer.Typer(
    help="Refused events: try them again, let them go.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    refused.command("replay")(replay)
    refused.command("expire")(expire)
    app.add_typer(refused, name="refused")


def replay(  # noqa: PLR0917 - a command has as many options as it has
    because: Annotated[str, typer.Option(help="Why. Kept for ever; ids only.")],
    event: Annotated[str, typer.Option(help="Only events of this name.")] = "",
    source: Annotated[str, typer.Option(help="Only of this source.")] = "",
    since: Annotated[
        str, typer.Option(help="Only received from this day on, as 2026-03-01.")
    ] = "1970-01-01",
    by: Annotated[str, typer.Option(help="Who. Empty: this machine's user.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would come of it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge refused events by the taxonomy of today, and let in what it admits.

    Each event once, however often this is called; consent counts as it is now.

    Example: questlog refused replay --event dragon_tamed --because "planned now"
    """
    from ingestion import keys
    from ingestion.consent import Standing
    from ingestion.judging import Rules
    from ingestion.refused import Again, Choice, rehearse
    from ingestion.refused import replay as let_in
    from warehouse.clickhouse import connect
    from warehouse.home import Home
    from warehouse.taxonomy import load
    from warehouse.vault import open_vault

    settings = doors.settings()
    done = audit.act(by=by, because=because, at=datetime.now(UTC))
    day = datetime.combine(doors.day(since), datetime.min.time(), UTC)
    with connect(settings) as client, open_vault(settings) as vault:
        allowed = settings.analytics_consent_default
        again = Again(
            client,
            vault,
            Rules.of(load()),
            Standing(vault, allowed_by_default=allowed),
            {
                key.source: key.mode
                for key in keys.listed(Home(settings.home).write_keys)
            },
            lambda: datetime.now(UTC),
        )
        choice = Choice(event, source, day)
        if dry_run:
            _show(rehearse(again, choice), as_json=as_json)
            return
        told = let_in(again, choice)
        audit.note(
            client,
            done,
            action="refused.replay",
            subject=event or "all events",
            detail={"read": str(told.read), "accepted": str(told.accepted)},
        )
    _show(told, as_json=as_json)


def _show(told: "Replay", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(told)))
        return
    typer.echo(f"{told.read:,} refused events tried: {told.accepted:,} accepted")
    for reason, count in sorted(told.refused.items()):
        typer.echo(f"  still refused: {reason} {count:,}")
    if told.repeated:
        typer.echo(f"  in raw.events already: {told.repeated:,}")
    if told.unreadable:
        typer.echo(f"  sealed by a key that is gone: {told.unreadable:,}")


def expire() -> None:
    """Empty refused events' bytes whose time is over, at once.

    Example: questlog refused expire
    """
    from ingestion.refused import expire as let_go

    with doors.client() as client:
        gone = let_go(client, datetime.now(UTC))
    typer.echo(f"{gone:,} refused events' bytes expired")
