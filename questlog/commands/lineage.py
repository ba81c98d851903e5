"""Where something comes from and where it goes: `questlog lineage`."""

import json as json_text
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors

if TYPE_CHECKING:
    from questlog.lineage.asking import Answer
    from questlog.lineage.member import Trace


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("lineage")(lineage)


def lineage(
    asked: Annotated[
        str,
        typer.Argument(help="A column, a table or an audience. Empty: all tables."),
    ] = "",
    member: Annotated[
        str, typer.Option(help="A member of the audience: back to raw events.")
    ] = "",
    as_of: Annotated[str, typer.Option(help="With --member: chosen until then.")] = "",
    depth: Annotated[int, typer.Option(help="How many steps are drawn.")] = 4,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a column, table or audience comes from, and what comes from it.

    From dbt's compiled SQL and the code's own lists; the engine is asked only for
    --member. What could not be told apart is said so.

    Example: questlog lineage marts.fct_payments.reporting_amount_minor
    Example: questlog lineage at_risk --member user_12345
    """
    if member:
        from questlog.lineage.member import trace

        day = doors.day(as_of) if as_of else None
        with doors.client() as client:
            found = trace(client, asked, member, day)
        told = asdict(found)
        if json:
            typer.echo(json_text.dumps(told, default=str))
        else:
            _show_trace(found)
        return
    from questlog.lineage.asking import ask, whole_graph

    graph = whole_graph(doors.settings())
    if not asked:
        typer.echo("\n".join(sorted(graph.tables)))
        return
    answer = ask(graph, asked)
    if json:
        typer.echo(json_text.dumps(answer.as_json()))
    else:
        _show(answer, depth)


def _show(answer: "Answer", depth: int) -> None:
    from rich.console import Console

    from questlog.lineage.asking import drawn

    console = Console()
    for tree in drawn(answer, depth=depth):
        console.print(tree, highlight=False)
    origins = ", ".join(str(one) for one in answer.origins)
    if origins:
        console.print(f"[bold]it begins at[/] {origins}", highlight=False)
    reasons: dict[str, list[str]] = {}
    for column, why in answer.unread.items():
        reasons.setdefault(why, []).append(column)
    for why, columns in reasons.items():
        console.print(
            f"[yellow]not told apart:[/] {', '.join(columns)} count as made of all rows"
            f" that their model reads, for {why}",
            highlight=False,
        )


def _show_trace(found: "Trace") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    model = found.model
    console.print(
        f"[bold]{found.person_id}[/] in {found.audience}, chosen as of"
        f" {found.chosen_as_of} with value {found.value:.6g}\n"
        f"└ {found.score_table} as of {found.scored_as_of}\n"
        f"  └ model {model['model_id']}: {model.get('estimator', 'no longer known')},"
        f" learned from what was known before {model.get('as_of', '?')},"
        f" in {model.get('artifact', '?')} of the registry\n"
        f"  └ features.feat_people of that day: "
        + ", ".join(f"{name} {value}" for name, value in found.features.items())
    )
    told = Table("raw.events", "events", "copies", "first", "last", "from", "such as")
    for one in found.events:
        told.add_row(
            one.event_name,
            f"{one.events:,}",
            f"{one.copies:,}",
            f"{one.first_at:%Y-%m-%d %H:%M}",
            f"{one.last_at:%Y-%m-%d %H:%M}",
            ", ".join(one.sources),
            one.event_ids[0],
        )
    console.print(told)
