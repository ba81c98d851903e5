"""Commands of ad accounts: what is missing, what was told, vectors."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from activation.checking import Finding

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count, and tell nobody.")]
AsOf = Annotated[str, typer.Option(help="The day, such as 2026-03-01.")]
Vectors = Annotated[Path, typer.Argument(help="A file of the platforms' vectors.")]

_COLOURS = {"fine": "green", "warning": "yellow", "missing": "red", "unset": "dim"}


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    ads = typer.Typer(
        help="Ad accounts: what is missing before people can be sent.",
        no_args_is_help=True,
    )
    ads.command("check")(check)
    ads.command("vectors")(vectors)
    app.add_typer(ads, name="ads")
    conversions = typer.Typer(
        help="Conversions: tell ad platforms who paid.", no_args_is_help=True
    )
    conversions.callback()(_conversions)
    conversions.command("send")(send)
    app.add_typer(conversions, name="conversions")


def _conversions() -> None:
    """Conversions: tell ad platforms who paid."""


def check(json_output: Json = False) -> None:
    """Ask each destination what is missing, without sending anybody.

    Exit code 1 when something is missing from one that is set, or none is.

    Example: questlog ads check
    """
    from activation.checking import check as look
    from activation.checking import is_ready

    found = look(doors.settings())
    if json_output:
        typer.echo(json.dumps([asdict(one) for one in found]))
    else:
        _print(found)
    if not is_ready(found):
        raise typer.Exit(1)


def send(as_of: AsOf, dry_run: DryRun = False, json_output: Json = False) -> None:
    """Tell Meta and Google of the payments before a day that they were not told of.

    Example: questlog conversions send --as-of 2026-03-01 --dry-run
    """
    from activation.conversions import rehearse
    from activation.conversions import send as send_conversions

    told = (rehearse if dry_run else send_conversions)(as_of)
    if json_output:
        typer.echo(json.dumps([asdict(one) for one in told]))
        return
    for one in told:
        counts = {key: value for key, value in asdict(one).items() if value}
        words = ", ".join(
            f"{value} {key.replace('_', ' ')}"
            for key, value in counts.items()
            if isinstance(value, int)
        )
        note = f" ({one.detail})" if one.detail else ""
        typer.echo(f"{one.platform} {one.kind}: {words or 'nothing due'}{note}")


def vectors(path: Vectors, json_output: Json = False) -> None:
    """Hold our normal forms and digests against vectors like those of a platform.

    The file maps `meta` and `google` to lists of objects with key, in, norm, sha256.
    Exit code 1 when one differs.

    Example: questlog ads vectors vectors.json
    """
    from activation.vectors import differences

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path.name} cannot be read as JSON.") from error
    held, found = differences(content)
    if json_output:
        typer.echo(json.dumps({"vectors": held, "differences": found}))
    else:
        typer.echo(f"{held - len(found)} of {held} vectors agree")
        for one in found:
            typer.echo(json.dumps(one, ensure_ascii=False))
    if found:
        raise typer.Exit(1)


def _print(found: "Sequence[Finding]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("destination", "what", "state", "said")
    for one in found:
        state = f"[{_COLOURS[one.state]}]{one.state}[/]"
        table.add_row(one.platform, one.what, state, one.said)
    Console().print(table)
