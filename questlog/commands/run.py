"""The command that does a day's work: build, judge, publish, score, choose, push."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors

if TYPE_CHECKING:
    from questlog.pipeline import Outcome

_COLOURS = {"done": "green", "skipped": "yellow", "kept back": "yellow"}
_STOPPED = {"closed", "failed"}


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command("run")(run)


def run(
    as_of: Annotated[str, typer.Option(help="The day, like 2026-03-01.")],
    push: Annotated[bool, typer.Option(help="Also push audiences.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Do all that the DAGs do for a day, in order, each layer behind its gate.

    A closed gate keeps back what needs it and nothing else; readers keep what was
    published last, and the command exits with 1. Safe to repeat: after a mend the
    same command opens the gates again and goes on.

    Example: questlog run --as-of 2026-03-01
    """
    from questlog.pipeline import carry_out, of_a_day

    steps = of_a_day(doors.settings(), doors.day(as_of), push=push)
    outcomes = carry_out(steps, tell=(lambda _: None) if json else _tell)
    if json:
        import json as written

        typer.echo(written.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    if any(outcome.state in _STOPPED for outcome in outcomes):
        raise typer.Exit(1)


def _tell(outcome: "Outcome") -> None:
    colour = _COLOURS.get(outcome.state, "red")
    state = typer.style(f"{outcome.state:<9}", fg=colour)
    because = outcome.because.replace("\n", "\n  ")
    typer.echo(f"{state} {outcome.name:<18} {outcome.seconds:6.1f} s  {because}")
