"""Commands of acceptance cases: run folders that hold a question and its answer."""

import json
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.errors import QuestlogError

if TYPE_CHECKING:
    from questlog.cases.run import Outcome

cases = typer.Typer(
    help="Acceptance cases: events, a question, its answer.", no_args_is_help=True
)

_DIFFERENCES_SHOWN = 10
_DISAGREES = 1
_NOT_COMPARED = 2


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(cases, name="case")


@cases.callback()
def _group() -> None:
    """Acceptance cases: events, a question, its answer."""


@cases.command("run")
def run(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Folders of cases.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print nothing but the answer, as JSON.")
    ] = False,
) -> None:
    """Load a case's events into a warehouse of its own, ask, and compare.

    Exit code 0: all agrees. 1: something differs. 2: it can't be read or compared.

    Example: questlog case run cases/checkout_funnel --json
    """
    # a warehouse must not outlive its command
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        outcomes = _outcomes(folders)
    except QuestlogError as error:
        typer.secho(f"questlog: {error}", fg="red", err=True)
        raise typer.Exit(_NOT_COMPARED) from error
    finally:
        signal.signal(signal.SIGTERM, before)
    answers = {str(one.case.folder): dict(one.answer) for one in outcomes}
    if len(outcomes) == 1:
        typer.echo(_written(outcomes[0].answer, indent=None if as_json else 2))
    else:
        typer.echo(_written(answers, indent=None if as_json else 2))
    raise typer.Exit(max(_verdict(one) for one in outcomes))


def _outcomes(folders: list[Path]) -> "list[Outcome]":
    from questlog.cases.folder import read
    from questlog.cases.run import require_askable
    from questlog.cases.run import run as run_cases
    from questlog.cases.scratch import scratch

    found = [read(folder) for folder in folders]
    require_askable(found)
    with scratch() as warehouse:
        return list(run_cases(found, warehouse, now=lambda: datetime.now(UTC)))


def _written(value: object, *, indent: int | None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, default=str)


def _verdict(outcome: "Outcome") -> int:
    """Tell how the answer compares, on standard error; the exit code of it."""
    name = outcome.case.folder.name
    if outcome.refused:
        lines = ", ".join(f"{reason}: {n}" for reason, n in outcome.refused.items())
        typer.secho(
            f"{name}: lines refused at the door: {lines}", fg="yellow", err=True
        )
    if outcome.ignored:
        names = ", ".join(outcome.ignored)
        typer.secho(f"{name}: no parameters, ignored: {names}", fg="yellow", err=True)
    compared = outcome.comparison
    if compared is None:
        typer.echo(f"{name}: no expected.json, nothing was compared", err=True)
        return 0
    if not compared.compared:
        text = f"{name}: expected.json holds nothing that could be compared"
        typer.secho(text, fg="red", err=True)
        return _NOT_COMPARED
    if compared.differences:
        typer.secho(f"{name}: differs", fg="red", err=True)
        for difference in compared.differences[:_DIFFERENCES_SHOWN]:
            typer.echo(f"  {difference}", err=True)
        left = len(compared.differences) - _DIFFERENCES_SHOWN
        if left > 0:
            typer.echo(f"  and {left} more", err=True)
        return _DISAGREES
    typer.secho(f"{name}: agrees ({compared.compared} values)", fg="green", err=True)
    return 0
