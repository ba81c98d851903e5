"""Commands of the room: settings, and the files generated from what is written once."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from warehouse.setting_values import default_of
from warehouse.settings import load, table


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("settings")(settings)
    app.command("generate")(generate)


def settings(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON list instead of a table.")
    ] = False,
) -> None:
    """Show every setting with the value in force; secrets stay hidden.

    Example: questlog settings --json
    """
    rows = in_force(os.environ)
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table("Setting", "Value", "From", "Meaning")
    for row in rows:
        shown.add_row(*map(Text, (row.name, row.value, row.origin, row.meaning)))
    Console().print(shown)


@dataclass(frozen=True, slots=True)
class InForce:
    """One setting as this process would use it, fit to be shown."""

    name: str
    value: str
    default: str
    origin: str
    secret: bool
    meaning: str


def in_force(environ: Mapping[str, str]) -> list[InForce]:
    """Every setting with its value, where it came from, and secrets hidden.

    Raises BadSetting like any other door.
    """
    values = load(environ)
    return [
        InForce(
            name=row.metadata["name"],
            value=_shown(getattr(values, row.name), secret=row.metadata["secret"]),
            default=default_of(row),
            origin="environment"
            if environ.get(row.metadata["name"], "").strip()
            else "default",
            secret=row.metadata["secret"],
            meaning=row.metadata["meaning"],
        )
        for row in table()
    ]


def _shown(value: object, *, secret: bool) -> str:
    if secret:
        return "(hidden)" if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; name each stale file.")
    ] = False,
) -> None:
    """Bring all generated files up to date.

    Made from taxonomy/, warehouse/ddl and warehouse/settings.py.

    Example: questlog generate --check
    """
    from warehouse.generators import from_everything
    from warehouse.taxonomy import load as load_taxonomy

    refresh(from_everything(load_taxonomy()), check=check, command="questlog generate")


def refresh(files: dict[str, str], *, check: bool, command: str) -> None:
    """Write the files, or with `check` exit 1 naming those that are stale."""
    from warehouse.generators import stale, write

    if not check:
        changed = write(files)
        summary = f"{len(changed)} of {len(files)} generated files changed"
        typer.echo(summary + "".join(f"\n  {path}" for path in changed))
        return
    if found := stale(files):
        listed = "".join(f"\n  {path}" for path in found)
        typer.echo(f"Stale; run `{command}` and commit:{listed}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(files)} generated files are up to date")
