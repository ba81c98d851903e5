"""The pictures of a lifetime-value model's card, from its trial."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml.cards import drawing, page, reliability
from ml.cards.drawing import Axis, Chart, Dot, Dots, Line, Look, axis
from ml.cards.page import percent
from ml.cards.resampling import gains
from ml.lifetime_value.estimators import RULE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml.lifetime_value.contest import Trial

    Numbers = NDArray[np.float64]

_SHARES = np.linspace(0, 1, 21)
_MOST_REPEATS = 7
_BINS = 20


def shown(estimator: str) -> str:
    """An estimator's name in words."""
    names = {
        "bg_nbd": "BG/NBD",
        "mbg_nbd": "MBG/NBD",
        "pareto_nbd": "Pareto/NBD",
        "nbd": "NBD",
        "corrected": "corrected model of buying",
    }
    return names.get(estimator, estimator.replace("_", " "))


def amount(value: float) -> str:
    """An amount in minor units."""
    return f"{value:,.0f}"


def tenths(trial: "Trial", estimator: str, currency: str) -> str:
    """Predicted against actual, tenth by tenth of customers."""
    found = reliability.of_means(trial.spent, trial.expected[estimator].value)
    dots = [
        Dot(x=at, y=t.happened.value, low=t.happened.low, high=t.happened.high)
        for at, t in enumerate(found, start=1)
    ]
    said = [(float(at), t.said) for at, t in enumerate(found, start=1)]
    heights = [*(y for _, y in said), *(v for d in dots for v in (d.y, d.high))]
    chart = Chart(
        title="Predicted and actual spending by tenths of customers",
        description="From the lowest predictions up: "
        + "; ".join(
            f"{amount(t.said)} said, {amount(t.happened.value)} spent" for t in found
        ),
        x=axis("tenths of customers, by prediction", [0.0, 10.0], form=amount),
        y=axis(f"mean, minor units of {currency}", heights, form=_k),
        marks=[
            Line(name="said", points=said, look="model"),
            Dots(name="spent (95 %)", dots=dots, look="rule"),
        ],
    )
    rows = [
        (
            f"{t.people:,}",
            amount(t.said),
            amount(t.happened.value),
            page.between(t.happened, 0),
        )
        for t in found
    ]
    return page.figure(
        "Do they spend what it says?",
        chart.svg("tenths"),
        "Customers in tenths by prediction; those of equal prediction share one."
        " Squares on the line: they spent, on average, what was said. Their intervals"
        " are the bootstrap's.",
        page.table(
            ("customers", "said", "spent", "95 %"), rows, f"Minor units of {currency}"
        ),
    )


def captured(trial: "Trial", estimator: str) -> str:
    """How much of the money a list by predicted value holds."""
    names = dict.fromkeys((estimator, RULE))
    everyone = np.ones(len(trial.spent))
    held = {
        name: gains(trial.spent, trial.expected[name].value, _SHARES)(everyone)
        for name in names
    }
    best = gains(trial.spent, trial.spent, _SHARES)(everyone)
    told = ", ".join(
        f"{shown(n)} {page.number(float(f[2]), 2)}" for n, f in held.items()
    )
    shares = _known([*best, *held[estimator]])
    looks: list[tuple[str, Look, Numbers]] = [
        ("at random", "reference", _SHARES),
        ("at best", "other", best),
        *(
            (shown(n), "model" if n == estimator else "rule", f)
            for n, f in reversed(held.items())
        ),
    ]
    chart = Chart(
        title="Share of the money held by the customers of the highest predictions",
        description=f"Held by the top tenth: {told}; at random 0.10.",
        x=_whole("share of customers, highest predictions first"),
        y=axis(
            "share of the money",
            shares,
            form=drawing.percent,
        ),
        marks=[
            Line(name=name, points=_points(_SHARES, curve), look=look)
            for name, look, curve in looks
        ],
    )
    rows = [
        (percent(_SHARES[at]), *(page.number(float(f[at])) for f in held.values()))
        for at in (1, 2, 4, 6, 10)
    ]
    return page.figure(
        "Whose money does a list by prediction find?",
        chart.svg("gain"),
        f"Share of the window's money that the top tenth spent: {told}.",
        page.table(("top of the list", *map(shown, held)), rows, "Share of the money"),
    )


def by_repeats(trial: "Trial", estimator: str) -> str:
    """Purchases to come, by how many were seen: the usual test of a buying model."""
    repeats = np.minimum(trial.customers.history.frequency, _MOST_REPEATS)
    kinds: list[tuple[str, Look, Numbers]] = [
        ("bought", "reference", trial.bought),
        (shown(estimator), "model", trial.expected[estimator].purchases),
    ]
    if estimator != RULE:
        kinds.insert(1, (shown(RULE), "rule", trial.expected[RULE].purchases))
    seen = np.unique(repeats)
    means = {
        name: [float(of_kind[repeats == each].mean()) for each in seen]
        for name, _, of_kind in kinds
    }
    dots = [
        Dots(
            name=name,
            look=look,
            dots=[
                Dot(x=float(x), y=y, low=np.nan, high=np.nan)
                for x, y in zip(seen, means[name], strict=True)
            ],
        )
        for name, look, _ in kinds
    ]
    lines = [
        Line(name=each.name, points=[(d.x, d.y) for d in each.dots], look=each.look)
        for each in dots
    ]
    highest = [max(found) for found in means.values()]
    chart = Chart(
        title="Purchase days to come by purchase days seen",
        description="Mean purchase days in the window by number of repeat purchase days"
        f" before it, {_MOST_REPEATS} standing for more: "
        + "; ".join(f"{name} {_listed(found)}" for name, found in means.items()),
        x=_counts(),
        y=axis("purchase days in the window", highest, form=_short),
        marks=[*lines, *dots],
    )
    rows = [
        (
            amount(each),
            f"{int((repeats == each).sum()):,}",
            *(page.number(found[at]) for found in means.values()),
        )
        for at, each in enumerate(seen)
    ]
    return page.figure(
        "Who has bought often buys again: as often as it says?",
        chart.svg("repeats"),
        f"Means over customers; {_MOST_REPEATS} stands for that many or more.",
        page.table(
            ("repeats seen", "customers", *means), rows, "Purchase days to come"
        ),
    )


def spread(trial: "Trial", estimator: str, currency: str) -> str:
    """How predicted values are spread, on a scale of powers of ten."""
    value = trial.expected[estimator].value
    logs = np.log10(value[value >= 1])
    scale = axis(
        f"predicted, minor units of {currency}, by powers of ten",
        [0.0, float(np.ceil(logs.max())) if len(logs) else 1.0],
        form=lambda power: f"{10**power:,.0f}" if power == int(power) else "",
    )
    edges = np.linspace(scale.low, scale.high, _BINS + 1)
    below = float((value < 1).mean())
    middle = float(np.median(value))
    return page.figure(
        "How are the predictions spread?",
        _histogram("values", logs, edges, scale, len(value)),
        f"{percent(below)} of {len(value):,} customers are predicted less than one"
        f" minor unit and not drawn. Median {amount(middle)},"
        f" mean {amount(float(value.mean()))},"
        f" highest {amount(value.max())}.",
    )


def alive(trial: "Trial", estimator: str) -> str:
    """How the chances of still being a customer are spread."""
    chances = trial.expected[estimator].probability_alive
    newcomers = float((trial.customers.history.frequency == 0).mean())
    return page.figure(
        "Who is still a customer?",
        _histogram(
            "alive",
            chances,
            np.linspace(0, 1, _BINS + 1),
            _whole("chance of being alive"),
            len(chances),
        ),
        "Chance that a customer will buy again at all. BG/NBD lets nobody leave before"
        f" their first repeat purchase: {percent(newcomers)} have none and count as 1.",
    )


def _histogram(
    name: str, values: "Numbers", edges: "Numbers", scale: Axis, customers: int
) -> str:
    heights = np.histogram(values, edges)[0] / customers
    points = _points(edges, np.append(heights, heights[-1]))
    middle = f"{np.median(values):.3g}" if len(values) else "not defined"
    return Chart(
        title=f"Distribution: {scale.label}",
        description=f"Histogram of {len(values):,} customers; median {middle}.",
        x=scale,
        y=axis("share of customers", [float(heights.max())], form=drawing.percent),
        marks=[
            Line(name="customers", points=points, look="model", stepped=True),
        ],
    ).svg(name)


def _points(x: "Numbers", y: "Numbers") -> list[tuple[float, float]]:
    return [(float(one), float(other)) for one, other in zip(x, y, strict=True)]


def _known(values: Sequence[float]) -> list[float]:
    """Everything, and at least the whole: a share axis runs to 100 % or beyond."""
    return [1.0, *map(float, values)]


def _counts() -> Axis:
    return axis(
        "repeat purchase days seen",
        [0.0, float(_MOST_REPEATS)],
        form=lambda value: f"{value:.0f}" if value == int(value) else "",
    )


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _whole(label: str) -> Axis:
    return axis(label, [0.0, 1.0], form=drawing.percent)


def _short(value: float) -> str:
    return f"{value:.3g}"


def _k(value: float) -> str:
    thousand = 10_000
    return f"{value / 1000:,.0f} k" if abs(value) >= thousand else f"{value:,.0f}"
