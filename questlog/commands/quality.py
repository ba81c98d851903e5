"""Commands about what producers send: how well each keeps the taxonomy."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors

if TYPE_CHECKING:
    from expectations.quality import Quality

_SHOWN = ("refused", "violations", "late", "copies", "missing")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    quality = typer.Typer(help="What producers send.", no_args_is_help=True)
    quality.command("report")(report)
    quality.callback()(_quality)
    app.add_typer(quality, name="quality")


def _quality() -> None:
    """What producers send, and how well they keep the taxonomy."""


def report(
    as_of: Annotated[str, typer.Option(help="The day, like 2026-03-01.")],
    days: Annotated[int, typer.Option(min=1, help="Days before it.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell of each event type, source and tracker what it sent in the last days.

    Refused, with a tag, late, sent again, lost on the way; which property drifted
    furthest from the four weeks before, which came new and which are gone. Kept in
    ops.quality.

    Example: questlog quality report --as-of 2026-03-01
    """
    from expectations import quality

    with doors.client() as client:
        told = quality.report(client, doors.day(as_of), days)
    if json:
        import json as written

        typer.echo(written.dumps([asdict(one) for one in told], indent=1))
    else:
        _print_table(told)


def _print_table(told: "list[Quality]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("event", "source", "tracker", "events", *_SHOWN, "drift", "changes")
    for one in told:
        changes = [f"+{name}" for name in one.first_seen]
        changes += [f"-{name}" for name in one.gone_missing]
        drift = f"{one.drift:.2f} {one.drifted_property}" if one.drift else ""
        arrived = max(one.events + one.refused, 1)
        shares = (f"{getattr(one, name) / arrived:.1%}" for name in _SHOWN[:-1])
        table.add_row(
            *(one.event_name, one.source, one.tracker, f"{one.events:,}"),
            *(*shares, f"{one.missing:,}", drift, " ".join(changes)),
        )
    Console().print(table)
