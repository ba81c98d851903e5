"""Commands of the reach: audiences, and the stand-ins of ad platforms."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from questlog import doors
from questlog.serving import serve

if TYPE_CHECKING:
    from activation.choosing import Choice
    from activation.previewing import Preview

AsOf = Annotated[str, typer.Option(help="The day, such as 2026-03-01.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write receipts, call nobody.")]

PreviewDay = Annotated[
    str, typer.Option("--as-of", help="The day, such as 2026-03-01; today without it.")
]
MayShrink = Annotated[
    list[str] | None,
    typer.Option(help="An audience that may lose most of its people, this once."),
]

Exchange = Annotated[
    list[str] | None,
    typer.Option(help="An audience to be made anew, whatever the ledger knows."),
]

_BELOW = ("detail", "skipped_because", "note")
_IN_JSON_ALONE = ("kind", "remote_id")


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    audiences = typer.Typer(
        help="Choose audiences, push them to ad accounts, look at them.",
        no_args_is_help=True,
    )
    audiences.command("choose")(choose)
    audiences.command("push")(push)
    audiences.command("list")(list_audiences)
    app.add_typer(audiences, name="audiences")
    audience = typer.Typer(help="Look at one audience.", no_args_is_help=True)
    audience.callback()(_one_audience)
    audience.command("preview")(preview)
    app.add_typer(audience, name="audience")
    serve.command("graph-standin")(graph_standin)
    serve.command("google-standin")(google_standin)


def choose(as_of: AsOf, json_output: Json = False) -> None:
    """Decide who belongs to each audience, and who of them may be sent.

    Example: questlog audiences choose --as-of 2026-03-01
    """
    from activation.audiences import choose as choose_members

    _show([_of_choice(one) for one in choose_members(as_of)], json_output=json_output)


def push(
    as_of: AsOf,
    dry_run: DryRun = False,
    may_shrink: MayShrink = None,
    exchange: Exchange = None,
    json_output: Json = False,
) -> None:
    """Make each audience in each ad account equal to who may be sent now.

    An audience whose gate is closed for the day stays as it is, but for who withdrew.

    Example: questlog audiences push --as-of 2026-03-01 --dry-run
    """
    from activation.audiences import push as push_audiences
    from activation.audiences import rehearse
    from activation.pushing import Once

    once = Once(
        may_shrink=frozenset(may_shrink or ()), exchange=frozenset(exchange or ())
    )
    receipts = (rehearse if dry_run else push_audiences)(as_of, once=once)
    told = [_of_receipt(asdict(receipt)) for receipt in receipts]
    _show(told, json_output=json_output)


def list_audiences(as_of: AsOf, json_output: Json = False) -> None:
    """Show the last receipt of each audience for a day.

    Example: questlog audiences list --as-of 2026-03-01
    """
    from activation.receipts import latest

    with doors.client() as client:
        receipts = latest(client, doors.day(as_of))
    _show([_of_receipt(receipt) for receipt in receipts], json_output=json_output)


def _one_audience() -> None:
    """Look at one audience."""


def preview(
    name: Annotated[str, typer.Argument(help="An audience of our own people.")],
    as_of: PreviewDay = "",
    json_output: Json = False,
) -> None:
    """Show an audience before anything of it is sent: sizes, overlap, what changes.

    Example: questlog audience preview high_value --as-of 2026-03-01
    """
    from activation.audiences import preview as look_at

    told = look_at(name, as_of or datetime.now(UTC).date().isoformat())
    if json_output:
        typer.echo(json.dumps(asdict(told), default=str))
    else:
        _print_preview(told)


def _print_preview(told: "Preview") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("of " + told.audience, f"as of {told.as_of}", show_lines=False)
    table.add_row("people who fit", f"{told.size:,}")
    table.add_row("consent to advertising", f"{told.consent_share:.1%}")
    table.add_row("of these: can be found", f"{told.identifier_share:.1%}")
    table.add_row("  by e-mail address", f"{told.email_share:.1%}")
    table.add_row("  by phone", f"{told.phone_share:.1%}")
    table.add_row("sendable", f"{told.sendable:,}")
    if told.nobody_because:
        table.add_row("nobody is sent", told.nobody_because)
    for other, share in told.overlap.items():
        table.add_row(f"also in {other}", f"{share:.1%}")
    for platform, change in told.changes.items():
        table.add_row(
            f"at {platform} now",
            f"{change.there:,}; {change.entering:,} would enter"
            f"{_reasons(change.entering_because)}, {change.leaving:,} would leave"
            f"{_reasons(change.leaving_because)}",
        )
    Console().print(table)


def _reasons(counts: "Mapping[str, int]") -> str:
    """Such as ` (3 left, 2 withdrew)`; empty without any."""
    if not counts:
        return ""
    told = (f"{n:,} {why.replace('_', ' ')}" for why, n in sorted(counts.items()))
    return f" ({', '.join(told)})"


def graph_standin() -> None:
    """Serve a stand-in of Meta's Graph API on this machine, until SIGTERM.

    Example: questlog serve graph-standin
    """
    from activation.standins.serving import serve as serve_standin

    serve_standin(doors.settings().graph_standin_port)


def google_standin() -> None:
    """Serve a stand-in of Google's ad APIs (gRPC) on this machine, until SIGTERM.

    Example: questlog serve google-standin
    """
    from activation.standins.google import serve as serve_standin

    settings = doors.settings()
    serve_standin(settings.google_standin_port, settings.google_standin_page_port)


def _of_choice(choice: "Choice") -> dict[str, Any]:
    return {
        "audience": choice.audience,
        "fitting": choice.fitting,
        "sendable": choice.sendable,
        **choice.withheld,
        "skipped_because": choice.skipped_because,
        "note": choice.note,
    }


def _of_receipt(receipt: Mapping[str, Any]) -> dict[str, Any]:
    counts = (
        *("fitting", "sendable", "sent", "removed", "held", "waiting"),
        *("received", "invalid"),
    )
    shown = ("audience", "platform", "kind", "status", *counts, "remote_id", "detail")
    return {key: receipt[key] for key in shown}


def _show(rows: Sequence[dict[str, Any]], *, json_output: bool) -> None:
    if json_output:
        typer.echo(json.dumps(rows))
    else:
        _print_table(rows)


def _print_table(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        typer.echo("Nothing for that day yet.")
        return
    # what is nought everywhere says nothing, and texts have no room in a column
    shown = [
        key
        for key in rows[0]
        if key not in {*_BELOW, *_IN_JSON_ALONE} and any(row[key] for row in rows)
    ]
    table = Table(box=None, pad_edge=False)
    for key in shown:
        is_text = isinstance(rows[0][key], str)
        table.add_column(
            key.replace("_", " "),
            no_wrap=is_text,
            overflow="fold",
            justify="left" if is_text else "right",
        )
    for row in rows:
        table.add_row(*(str(row[key]) for key in shown))
    Console().print(table)
    for row in rows:
        where = f" at {row['platform']}" if "platform" in row else ""
        for key in _BELOW:
            if text := row.get(key):
                typer.echo(f"{row['audience']}{where}: {text}")
