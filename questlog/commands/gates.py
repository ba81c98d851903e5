"""Commands of the room: gates."""

from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from expectations.report import GateReport, Result

_ALL = "all"


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("gate")(gate)


def gate(  # noqa: PLR0917 - a command has as many options as it has
    name: Annotated[
        str,
        typer.Argument(
            help="staging, marts, features, churn, early_churn, lifetime_value,"
            " audiences, or all."
        ),
    ],
    as_of: Annotated[str, typer.Option(help="The day, like 2026-03-01.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    wanted: Annotated[
        list[str] | None,
        typer.Option(
            help="A finding about what was before, such as no_grave_past, that does not"
            " stop this time; needs --because."
        ),
    ] = None,
    because: Annotated[str, typer.Option(help="Why; kept in ops.audit.")] = "",
    by: Annotated[str, typer.Option(help="Who. Empty: this machine's user.")] = "",
) -> None:
    """Judge what was built by its expectations; a closed gate exits with 1.

    `all` judges every layer, each in a process of its own; JSON is a list then.
    A change of the past that is wanted, such as a mended model's, passes with
    --wanted no_grave_past --because "…"; a broken rule never does.

    Example: questlog gate staging --as-of 2026-03-01
    """
    from expectations.gates import inspect
    from expectations.layers import inspect_all, require_all_open

    if wanted and name == _ALL:
        raise BadInput("--wanted lets a finding of one gate pass; name that gate.")
    if wanted:
        _note(name, as_of, wanted, by=by, because=because)
    day, settings = doors.day(as_of), doors.settings()
    if name == _ALL:
        reports = inspect_all(day, settings)
    else:
        reports = [inspect(name, day, settings, wanted=wanted or ())]
    if json:
        told = [report.as_json() for report in reports]
        typer.echo(dumps(told if name == _ALL else told[0], indent=2))
    else:
        for report in reports:
            _print_table(report)
    require_all_open(reports)


def _note(name: str, as_of: str, wanted: list[str], *, by: str, because: str) -> None:
    """Say in ops.audit who lets a finding pass. Raises BadInput without a reason."""
    from datetime import UTC, datetime

    from warehouse import audit

    act = audit.act(by=by, because=because, at=datetime.now(UTC))
    with doors.client() as client:
        audit.note(
            client,
            act,
            action="gate.pass",
            subject=name,
            detail={"as_of": as_of, "wanted": ", ".join(wanted)},
        )


def _print_table(report: "GateReport") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Table", "Expectation", "", "Rows", "At fault", "Keys")
    for result in report.results:
        table.add_row(
            result.suite,
            result.expectation,
            _state(result),
            f"{result.checked_rows:,}",
            f"{result.unexpected_rows:,}",
            result.trouble or "\n".join(result.sample_keys[:3]),
        )
    console = Console()
    console.print(table)
    if report.open:
        console.print(f"The gate {report.gate} is open for {report.as_of}.")
        console.print(f"Data Docs: {report.data_docs / 'index.html'}", soft_wrap=True)


def _state(result: "Result") -> str:
    if result.success:
        return "[green]ok[/green]"
    return "[red]stop[/red]" if result.severity == "stop" else "[yellow]warn[/yellow]"
