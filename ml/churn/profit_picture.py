"""The picture of what writing to people by score would earn."""

from typing import TYPE_CHECKING

from ml.cards import drawing, page
from ml.cards.drawing import Chart, Line, axis
from ml.cards.page import percent
from ml.churn.contest import BASELINE
from ml.churn.pictures import shown
from ml.churn.profit import Costs, Profit, curve

if TYPE_CHECKING:
    from ml.churn.contest import Trial

_EACH_TENTH = 10


def drawn(trial: "Trial", estimator: str, costs: Costs) -> str:
    """Profit over the share written to, beside the recency rule's."""
    names = list(dict.fromkeys((estimator, BASELINE)))
    found = {name: curve(trial.happened, trial.said[name], costs) for name in names}
    heights = [y for each in found.values() for y in each.minor_per_person]
    best = found[estimator]
    chart = Chart(
        title="Profit curve",
        description="Profit for each person over the share of people written to. "
        + "; ".join(f"{shown(name)}: {_top(each)}" for name, each in found.items()),
        x=axis("share written to, highest scores first", [0, 1], form=drawing.percent),
        y=axis("profit for each person, minor units", heights, form=_short),
        marks=[
            Line(
                name=shown(name),
                points=list(zip(each.shares, each.minor_per_person, strict=True)),
                look="model" if name == estimator else "rule",
            )
            for name, each in found.items()
        ],
    )
    rows = [
        (
            percent(best.shares[at]),
            *(page.number(each.minor_per_person[at], 1) for each in found.values()),
        )
        for at in range(0, len(best.shares), _EACH_TENTH)
    ]
    return page.figure(
        "What would writing to people by score earn?",
        chart.svg("profit"),
        _caption(best, costs),
        page.table(
            ("written to", *map(shown, names)), rows, "Minor units for each person"
        ),
    )


def _caption(best: Profit, costs: Costs) -> str:
    return (
        f"Where writing to one costs {costs.contact_minor:g}, one who stays is worth"
        f" {costs.kept_minor:g}, and {percent(costs.saved_share)} of leavers written to"
        f" stay for it: {_top(best)}. It pays above a chance of"
        f" {percent(costs.break_even)}. These are settings (CHURN_*), not findings:"
        " what writing does, only people left out at random can tell."
    )


def _top(found: Profit) -> str:
    if found.best_minor_per_person <= 0:
        return "writing to nobody is best"
    return (
        f"best is to write to {percent(found.best_share)}, which earns"
        f" {page.number(found.best_minor_per_person, 1)} for each person"
    )


def _short(value: float) -> str:
    return f"{value:.3g}"
