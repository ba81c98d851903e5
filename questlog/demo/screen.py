"""The demo's last screen: what went in, what came out, and where to look next."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.table import Table

from questlog.demo import inquiry
from questlog.demo.inquiry import Row
from questlog.demo.story import Story
from warehouse.home import Home

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NEXT = "Look around with `make up`: it serves what this demo made."
_WEEKS_SHOWN = 9
_COHORTS_SHOWN = 10
_FIGURES = {
    "churn": ("average_precision", "auc", "brier", "ece"),
    "lifetime_value": ("mae", "rmse", "bias", "spearman"),
}


def show(console: Console, client: "Client", *, story: Story, home: Home) -> None:
    """Print the screen."""
    truth = json.loads(story.truth.read_text())["all"] if story.truth else {}
    console.rule(f"[bold]Questlog[/], as of {story.as_of}")
    beside(
        console,
        door=_door(inquiry.door(client), truth),
        warehouse=_warehouse(inquiry.warehouse(client), truth),
        gates=_gates(inquiry.gates(client)),
    )
    beside(
        console,
        activation_in_30_days=_funnel(inquiry.funnel(client)),
        weekly_cohorts_percent_back=_triangle(inquiry.cohorts(client)),
    )
    beside(console, models=_models(inquiry.models(client, story.as_of)))
    beside(console, audiences=_audiences(inquiry.audiences(client, story.as_of)))
    console.print(f"[dim]Everything lies in {home.root}[/]")


def beside(console: Console, **panels: RenderableType) -> None:
    """Print panels side by side as far as the terminal is wide."""
    console.print(
        Columns(
            Panel(inside, title=name.replace("_", " "), title_align="left")
            for name, inside in panels.items()
        )
    )


def _grid(*headings: str) -> Table:
    table = Table(box=None, show_header=any(headings), pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right")
    return table


def _checked(figure: int, truth: Mapping[str, Any], name: str) -> str:
    """A figure, and whether the simulated truth says the same."""
    if name not in truth:
        return f"{figure:,}"
    if truth[name] == figure:
        return f"{figure:,} [green]= truth[/]"
    return f"{figure:,} [red]truth {truth[name]:,}[/]"


def _door(door: Row, truth: Mapping[str, Any]) -> Table:
    table = _grid("", "")
    table.add_row("events sent", _checked(door["sent"], truth, "lines"))
    table.add_row("accepted", _checked(door["accepted"], truth, "accepted"))
    refused = truth.get("refused", {})
    for reason, events in door["reasons"].items():
        table.add_row(f"refused: {reason}", _checked(events, refused, reason))
    table.add_row(
        "duplicates removed",
        _checked(door["duplicates_removed"], truth, "duplicates_removed"),
    )
    table.add_row("id conflicts", _checked(door["conflicts"], truth, "conflicts"))
    table.add_row(
        "events, once each", _checked(door["events_once"], truth, "events_once")
    )
    return table


def _warehouse(warehouse: Row, truth: Mapping[str, Any]) -> Table:
    table = _grid("", "")
    table.add_row("people", _checked(warehouse["people"], truth, "people"))
    table.add_row("sessions", _checked(warehouse["sessions"], truth, "sessions"))
    for money in warehouse["money"]:
        currency = money["currency"]
        table.add_row(f"payments, {currency}", f"{money['payments']:,}")
        table.add_row(f"payers, {currency}", f"{money['payers']:,}")
        table.add_row(f"refunds, {currency}", f"{money['refunds']:,}")
        amount = Decimal(money["revenue_minor"]).scaleb(-money["minor_digits"])
        table.add_row(f"revenue, {currency}", f"{amount:,}")
    return table


def _gates(gates: Sequence[Row]) -> Table:
    table = _grid("", "expectations", "")
    for gate in gates:
        state = "[red]closed[/]" if gate["stops"] else "[green]open[/]"
        if gate["warnings"]:
            state += f" [yellow]{gate['warnings']} warnings[/]"
        table.add_row(gate["gate"], str(gate["expectations"]), state)
    return table


def _funnel(steps: Sequence[Row]) -> Table:
    table = _grid("", "people", "of all", "")
    everyone = steps[0]["people"] if steps else 0
    for step in steps:
        share = step["people"] / everyone if everyone else 0.0
        bar = "█" * round(share * 20)
        table.add_row(step["step_name"], f"{step['people']:,}", f"{share:.0%}", bar)
        table.columns[-1].justify = "left"
    return table


def _triangle(cells: Sequence[Row]) -> Table:
    weeks = [str(week) for week in range(_WEEKS_SHOWN)]
    table = _grid("week of", "people", *weeks)
    cohorts: dict[Any, list[Row]] = {}
    for cell in cells:
        cohorts.setdefault(cell["cohort_week"], []).append(cell)
    for week, row in list(cohorts.items())[:_COHORTS_SHOWN]:
        people = row[0]["people"]
        table.add_row(
            f"{week:%Y-%m-%d}",
            f"{people:,}",
            *(_cell(cell) for cell in row[:_WEEKS_SHOWN]),
        )
    return table


def _cell(cell: Row) -> str:
    share = cell["returned"] / cell["people"] if cell["people"] else 0.0
    return f"{share:.0%}" if cell["is_complete"] else f"[dim]{share:.0%}+[/]"


def _models(models: Sequence[Row]) -> RenderableType:
    table = _grid("judged on a later window", "", "", "", "", "")
    if not models:
        return "No model was trained."
    for model in models:
        if model["refused_because"]:
            table.add_row(model["kind"], f"not trained: {model['refused_because']}")
            continue
        figures = [
            f"{name} {model['metrics'][name]:.3f}"
            for name in _FIGURES[model["kind"]]
            if name in model["metrics"]
        ]
        role = "baseline" if model["is_baseline"] else ""
        role = "[green]chosen[/]" if model["is_chosen"] else role
        table.add_row(f"{model['kind']}: {model['estimator']}", role, *figures)
    return table


def _audiences(receipts: Sequence[Row]) -> RenderableType:
    if not receipts:
        return "No audience was pushed."
    table = _grid("", "platform", "fit", "sendable", "sent", "received", "receipt")
    for receipt in receipts:
        said = receipt["detail"] or f"{receipt['status']}, {receipt['remote_id']}"
        table.add_row(
            receipt["audience"],
            receipt["platform"],
            *(
                f"{receipt[name]:,}"
                for name in ("fitting", "sendable", "sent", "received")
            ),
            said,
        )
    return table
