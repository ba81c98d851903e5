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

NEXT = (
    "Look around with `make up`: it serves what this demo made, with dbt docs, Data"
    " Docs and model cards among its pages."
)
_WEEKS_SHOWN = 9
_COHORTS_SHOWN = 10
_CAMPAIGNS_SHOWN = 7
_FIGURES = {
    "churn": {"AP": "average_precision", "AUC": "auc", "Brier": "brier", "ECE": "ece"},
    "lifetime_value": {
        "MAE": "mae",
        "RMSE": "rmse",
        "bias": "bias",
        "Spearman": "spearman",
    },
}


def show(console: Console, client: "Client", *, story: Story, home: Home) -> None:
    """Print the screen."""
    truth = json.loads(story.truth.read_text())["all"] if story.truth else {}
    console.rule(f"[bold]Questlog[/], as of {story.as_of}")
    panels = {
        "The door": _door(inquiry.door(client), truth),
        "The warehouse": _warehouse(inquiry.warehouse(client), truth),
        "Devices and second thoughts": _concerns(
            inquiry.concerns(client), inquiry.withdrawals(client), truth
        ),
        "Sessions by campaign": _campaigns(inquiry.campaigns(client), truth),
        "The gates": _gates(inquiry.gates(client)),
        "Activation within 30 days": _funnel(inquiry.funnel(client), truth),
        "Weekly cohorts, percent back": _triangle(inquiry.cohorts(client)),
        "Models, judged on a later window": _models(
            inquiry.models(client, story.as_of)
        ),
        "Audiences": _audiences(inquiry.audiences(client, story.as_of)),
    }
    console.print(
        Columns(
            Panel(inside, title=name, title_align="left")
            for name, inside in panels.items()
        )
    )
    if truth:
        console.print("[dim]= truth: the simulated world counted the same itself.[/]")
    cards = home.cards / "index.html"
    if cards.exists():
        console.print(f"[dim]Model cards: {cards}[/]", soft_wrap=True)
    console.print(f"[dim]Everything lies in {home.root}[/]")


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
    if warehouse["money"]:
        _money(table, warehouse["money"], warehouse["reported"], truth)
    return table


def _concerns(
    found: Row, withdrawals: Mapping[str, int], truth: Mapping[str, Any]
) -> Table:
    table = _grid("", "")
    told = (
        {
            "people_on_several_devices": truth["devices"]["people_on_several_devices"],
            "clocks_corrected": truth["clocks"]["corrected"],
            "events_of_crawlers": truth["bots"]["events_by_agent"],
        }
        if truth
        else {}
    )
    for name, figure in found.items():
        table.add_row(name.replace("_", " "), _checked(figure, told, name))
    withdrawn = {p: said["withdrawn"] for p, said in truth.get("consents", {}).items()}
    for purpose, people in withdrawals.items():
        shown = _checked(people, withdrawn, purpose)
        table.add_row(f"withdrew their consent to {purpose}", shown)
    return table


def _campaigns(campaigns: Sequence[Row], truth: Mapping[str, Any]) -> Table:
    table = _grid("", "")
    told = truth.get("campaigns", {}).get("sessions", {})
    for row in campaigns[:_CAMPAIGNS_SHOWN]:
        table.add_row(row["campaign"], _checked(row["sessions"], told, row["campaign"]))
    return table


def _money(
    table: Table, by_currency: Sequence[Row], reported: Row, truth: Mapping[str, Any]
) -> None:
    """Revenue of each currency, and of all in the reporting currency."""
    table.add_row("payments", _checked(reported["payments"], truth, "payments"))
    table.add_row("payers", f"{reported['payers']:,}")
    table.add_row("refunds", _checked(reported["refunds"], truth, "refunds"))
    for money in by_currency:
        revenue = _major(money)
        told = truth.get("money_by_currency", {}).get(money["currency"], {})
        table.add_row(f"revenue, {money['currency']}", revenue + _agrees(money, told))
    if {money["currency"] for money in by_currency} != {reported["currency"]}:
        total = _major(reported) + _agrees(reported, truth)
        table.add_row(f"all, in {reported['currency']}", total)
    if reported["not_counted"]:
        table.add_row("no amount or rate", f"{reported['not_counted']:,}")


def _agrees(money: Row, truth: Mapping[str, Any]) -> str:
    if "revenue_minor" not in truth:
        return ""
    agrees = truth["revenue_minor"] == money["revenue_minor"]
    return " [green]= truth[/]" if agrees else " [red]not the truth[/]"


def _major(money: Row) -> str:
    """Revenue in major units, with all digits of its currency."""
    return f"{Decimal(money['revenue_minor']).scaleb(-money['minor_digits']):,}"


def _gates(gates: Sequence[Row]) -> Table:
    table = _grid("", "expectations", "")
    for gate in gates:
        state = "[red]closed[/]" if gate["stops"] else "[green]open[/]"
        if gate["warnings"]:
            state += f" [yellow]{gate['warnings']} warnings[/]"
        table.add_row(gate["gate"], str(gate["expectations"]), state)
    return table


def _funnel(steps: Sequence[Row], truth: Mapping[str, Any]) -> RenderableType:
    if not any(step["people"] for step in steps):
        first = steps[0]["step_name"] if steps else "first step"
        return f"Nobody entered: these events hold no {first}."
    table = _grid("", "people", "of all", "")
    table.columns[-1].justify = "left"
    told = {step["step"]: step["people"] for step in truth.get("funnel", [])}
    everyone = steps[0]["people"] if steps else 0
    for step in steps:
        share = step["people"] / everyone if everyone else 0.0
        people = _checked(step["people"], told, step["step_name"])
        bar = "█" * round(share * 16)
        table.add_row(step["step_name"], people, f"{share:.0%}", bar)
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
    table = _grid("", "", "")
    table.columns[-1].justify = "left"
    if not models:
        return "No model was trained."
    for model in models:
        if model["refused_because"]:
            table.add_row(model["kind"], "not trained", model["refused_because"])
            continue
        figures = " ".join(
            f"{shown} {model['metrics'][name]:.3g}"
            for shown, name in _FIGURES[model["kind"]].items()
            if name in model["metrics"]
        )
        role = "baseline" if model["is_baseline"] else ""
        role = "[green]chosen[/]" if model["is_chosen"] else role
        name = f"{model['kind']}: {model['estimator']}".replace("_", " ")
        table.add_row(name, role, figures)
    return table


def _audiences(receipts: Sequence[Row]) -> RenderableType:
    if not receipts:
        return "No audience was pushed."
    table = _grid("", "fit", "sendable", "sent", "received", "receipt")
    table.columns[-1].justify = "left"
    for receipt in receipts:
        said = f"{receipt['platform']}: {receipt['status']}"
        said += f", id {receipt['remote_id']}" if receipt["remote_id"] else ""
        table.add_row(
            receipt["audience"],
            *(
                f"{receipt[name]:,}"
                for name in ("fitting", "sendable", "sent", "received")
            ),
            f"{said}; {receipt['detail']}" if receipt["detail"] else said,
        )
    return table
