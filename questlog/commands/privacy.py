"""Commands of privacy: erase a person, the vault's master key, refused events."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors
from questlog.commands import refused
from warehouse import audit

if TYPE_CHECKING:
    from warehouse.erasure import Reach, Receipt

vault = typer.Typer(help="The vault of direct identifiers.", no_args_is_help=True)
_Because = Annotated[str, typer.Option(help="Why. Kept for ever; ids only.")]
_By = Annotated[str, typer.Option(help="Who decides. Empty: this machine's user.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("erase")(erase)
    app.command("readmit")(readmit)
    vault.command("rotate")(rotate)
    vault.callback()(_vault)
    app.add_typer(vault, name="vault")
    refused.register(app)


def _vault() -> None:
    """A group of commands stays one, however few there are."""


def erase(  # noqa: PLR0917 - a command has as many options as it has
    person: Annotated[
        str, typer.Argument(help="A user id, or anon: and a device's id.")
    ] = "",
    because: _Because = "",
    by: _By = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would go; change nothing.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Everyone whom a restored copy of older data brought back."
        ),
    ] = False,
    as_json: _Json = False,
) -> None:
    """Erase a person everywhere: audiences, vault, tables; and refuse them from now on.

    Killed or refused in between, the same command goes on where it was.

    Example: questlog erase user_10257 --because "request 2026-117"
    """
    from activation import erasing
    from warehouse.errors import BadInput

    settings = doors.settings()
    if again == bool(person):
        raise BadInput("Name a person, or give --again for all who were erased before.")
    if dry_run:
        _show_reach(erasing.reach(settings, person), as_json=as_json)
        return
    done = audit.act(by=by, because=because, at=datetime.now(UTC))
    if again:
        receipts = erasing.erase_again(settings, done)
        typer.echo(f"{len(receipts)} erased again")
        return
    told = (lambda _step: None) if as_json else _step
    _show_receipt(erasing.erase(settings, person, done, told), as_json=as_json)


def _step(text: str) -> None:
    typer.echo(f"… {text}", err=True)


def _show_reach(found: "Reach", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    typer.echo(f"Ids: {', '.join(found.own_ids)}")
    if found.kept_devices:
        shared = ", ".join(found.kept_devices)
        typer.echo(f"Kept, for others sign in there too: {shared}")
    typer.echo(f"In the vault: {'yes' if found.is_in_vault else 'no'}")
    _show_rows(found.rows)
    typer.echo(f"Refused events that name them: {found.refusals}")
    typer.echo("Nothing was changed.")


def _show_receipt(receipt: "Receipt", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(receipt)))
        return
    when = f"{receipt.erased_at} UTC"
    was = "Was erased before" if receipt.was_done else "Erased"
    typer.echo(f"{was}: {receipt.ids} ids, {when}. Receipt {receipt.erasure_id}")
    typer.echo(f"Audiences left: {', '.join(receipt.audiences) or 'none had them'}")
    _show_rows(receipt.rows_removed)
    for column, count in receipt.rows_redacted.items():
        typer.echo(f"  {column}: {count:,} rows of others no longer name them")
    typer.echo(
        f"Searched {receipt.searched_columns} text columns of all tables: nothing left."
    )


def _show_rows(by_table: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("table", "rows")
    table.columns[1].justify = "right"
    for name, count in by_table.items():
        table.add_row(name, f"{count:,}")
    if by_table:
        Console().print(table)


def readmit(
    person: Annotated[str, typer.Argument(help="An id that was erased.")],
    because: _Because,
    by: _By = "",
) -> None:
    """Let an erased id in again, as a new person: only what comes from now on.

    Example: questlog readmit user_10257 --because "signed up again"
    """
    from activation import erasing

    done = audit.act(by=by, because=because, at=datetime.now(UTC))
    erasing.readmit(doors.settings(), person, done)
    typer.echo("Events of this id are kept again from now on.")


def rotate(
    because: _Because,
    by: _By = "",
    to: Annotated[
        Path | None,
        typer.Option(help="A new key file, where QUESTLOG_MASTER_KEY_FILE is set."),
    ] = None,
    retire: Annotated[
        bool,
        typer.Option("--retire", help="Let no other key than the present one open it."),
    ] = False,
) -> None:
    """Put a new master key in the place of the old one; everyone's key is wrapped anew.

    Running services go on. Killed in between, the same command goes on.

    Example: questlog vault rotate --because "yearly"
    """
    from warehouse.vault import rotation

    settings = doors.settings()
    done = audit.act(by=by, because=because, at=datetime.now(UTC))
    if retire:
        rotation.retire_others(settings)
        said = "The present master key alone opens the vault now."
    elif to is not None:
        people = rotation.rotate_to(settings, to)
        said = (
            f"{people:,} keys are wrapped anew; both master keys open the vault. Put"
            " the new file in its place everywhere, then give --retire."
        )
    else:
        people = rotation.rotate_own_key(settings)
        said = f"{people:,} keys are wrapped anew; the old master key opens nothing."
    typer.echo(said)
    with doors.client() as client:
        audit.note(client, done, action="vault.rotate", subject="master key", detail={})
