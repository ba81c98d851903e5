"""The pictures of a churn model's card, from its trial."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ml.cards import drawing, page, reliability
from ml.cards.drawing import Axis, Band, Bar, Chart, Dot, Dots, Line, Look, axis, bars
from ml.cards.page import percent
from ml.cards.resampling import Resampled, gains, resample
from ml.churn import effects
from ml.churn.contest import BASELINE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml.churn.contest import Trial

    Numbers = NDArray[np.float64]

_SHARES = np.linspace(0, 1, 21)
_SCORES = np.linspace(0, 1, 21)
_COLUMNS_SHOWN = 12
_WAYS: dict[int, tuple[str, Look]] = {
    1: ("↑", "rule"),
    -1: ("↓", "model"),
    0: ("↕", "reference"),
}


def shown(estimator: str) -> str:
    """An estimator's name in words."""
    return {"lightgbm": "LightGBM"}.get(estimator, estimator.replace("_", " "))


def calibration(trial: "Trial", estimator: str) -> str:
    """What was said against what happened."""
    said = trial.said[estimator]
    tenths = reliability.of_rates(trial.happened, said)
    highest = max([*(t.said for t in tenths), *(t.happened.high for t in tenths)])
    ends = [0.0, min(highest, 1.0)]
    dots = [
        Dot(x=t.said, y=t.happened.value, low=t.happened.low, high=t.happened.high)
        for t in tenths
    ]
    chart = Chart(
        title="Reliability curve",
        description=f"{len(tenths)} groups of people by their predicted chance of"
        " leaving; each dot sets the mean prediction against the share who left. "
        + "; ".join(f"{percent(d.x)} said, {percent(d.y)} left" for d in dots),
        x=axis("predicted chance of leaving", ends, form=drawing.percent),
        y=axis("share who left", ends, form=drawing.percent),
        marks=[
            Line(
                name="as said, so it happened",
                points=[(0, 0), (1, 1)] if highest >= 1 else _diagonal(highest),
                look="reference",
            ),
            Dots(name="people, by tenths (95 %)", dots=dots, look="model"),
        ],
    )
    rows = [
        (
            f"{t.people:,}",
            page.number(t.said),
            page.number(t.happened.value),
            page.between(t.happened),
        )
        for t in tenths
    ]
    return page.figure(
        "Does it happen as often as it says?",
        chart.svg("reliability"),
        "Dots on the dotted line are probabilities that can be taken at their word;"
        " above it more people left than was said. Wilson's 95 % intervals.",
        page.table(
            ("people", "said", "left", "95 %"), rows, "Tenths of people by prediction"
        ),
    )


def _diagonal(highest: float) -> list[tuple[float, float]]:
    end = axis("", [0.0, highest], form=drawing.percent).high
    return [(0, 0), (end, end)]


def captured(trial: "Trial", estimator: str) -> str:
    """Whom a list by score finds."""
    happened = trial.happened
    names = dict.fromkeys((estimator, BASELINE))
    curves = {name: gains(happened, trial.said[name], _SHARES) for name in names}
    everyone = np.ones(len(happened))
    again = resample(
        len(happened),
        lambda weights: {"": _by_place(curves[estimator](weights))},
    )
    held = {name: curve(everyone) for name, curve in curves.items()}
    marks = _gain_marks(held, _edges(again), estimator, float(happened.mean()))
    at_tenth = {name: float(found[2]) for name, found in held.items()}
    told = ", ".join(f"{shown(k)} {percent(v)}" for k, v in at_tenth.items())
    chart = Chart(
        title="Cumulative gain",
        description="Share of all leavers found among the people of the highest"
        f" scores. Among the top tenth: {told}; at random 10 %.",
        x=_whole("share of people, highest scores first"),
        y=_whole("share of leavers found"),
        marks=marks,
    )
    rows = [
        (
            percent(_SHARES[at]),
            *(page.number(float(found[at])) for found in held.values()),
            *(page.number(float(f[at] / _SHARES[at]), 2) for f in held.values()),
        )
        for at in (1, 2, 4, 6, 10)
    ]
    heads = [f"{word}, {shown(name)}" for word in ("found", "lift") for name in held]
    return page.figure(
        "Whom does a list by score find?",
        chart.svg("gain"),
        f"The top tenth of people holds this share of the leavers: {told}. Lift is that"
        " share over the share of people. The band is the pointwise 95 % interval.",
        page.table(("top of the list", *heads), rows, "Gain and lift"),
    )


def _by_place(shares: "Numbers") -> dict[str, float]:
    return {f"{at}": float(share) for at, share in enumerate(shares)}


def _gain_marks(
    held: "dict[str, Numbers]",
    edges: Sequence[tuple[float, float, float]],
    estimator: str,
    rate: float,
) -> list[Band | Line | Dots]:
    found: list[Band | Line | Dots] = [
        Line(name="at random", points=[(0, 0), (1, 1)], look="reference"),
        Line(name="at best", points=[(0, 0), (rate, 1), (1, 1)], look="other"),
        Band(name=f"95 % of {shown(estimator)}", between=edges, look="model"),
    ]
    for name, curve in reversed(held.items()):
        look: Look = "model" if name == estimator else "rule"
        line = list(zip(_SHARES.tolist(), curve.tolist(), strict=True))
        found.append(Line(name=shown(name), points=line, look=look))
    return found


def _edges(again: Resampled) -> list[tuple[float, float, float]]:
    found = [again.interval("", at) for at in again.measured[""]]
    return [
        (float(x), edge.low, edge.high) for x, edge in zip(_SHARES, found, strict=True)
    ]


def scores(trial: "Trial", estimator: str) -> str:
    """How the scores of those who left and of those who stayed are spread."""
    said, happened = trial.said[estimator], trial.happened
    kinds: list[tuple[str, Look, Numbers]] = [
        ("who stayed", "model", said[happened == 0]),
        ("who left", "rule", said[happened == 1]),
    ]
    lines = []
    for name, look, of_kind in kinds:
        heights = np.histogram(of_kind, _SCORES)[0] / max(len(of_kind), 1)
        line = [*zip(_SCORES, [*heights, heights[-1]], strict=True)]
        points = [(float(x), float(y)) for x, y in line]
        lines.append(
            Line(
                name=f"{len(of_kind):,} {name}", points=points, look=look, stepped=True
            )
        )
    highest = max(y for line in lines for _, y in line.points)
    halves = {name: np.median(of) if len(of) else np.nan for name, _, of in kinds}
    told = ", ".join(f"{name} {page.number(float(v))}" for name, v in halves.items())
    chart = Chart(
        title="Distribution of scores",
        description=f"Histogram of predicted chances of leaving. Medians: {told}.",
        x=_whole("predicted chance of leaving"),
        y=axis("share of people", [highest], form=drawing.percent),
        marks=lines,
    )
    return page.figure(
        "How are the scores spread?",
        chart.svg("scores"),
        f"The further apart the two, the better they are told apart. Medians: {told}.",
    )


def dear_columns(trial: "Trial", estimator: str) -> str:
    """What shuffling a column costs."""
    found = effects.losses(trial, estimator)[:_COLUMNS_SHOWN]
    if not found:
        return ""
    values = [end for loss in found for end in (loss.low, loss.high, loss.mean)]
    rows = [
        Bar(name=each.column, length=each.mean, low=each.low, high=each.high)
        for each in found
    ]
    drawn = bars(
        "shuffled",
        "Columns by what shuffling them costs",
        "Average precision lost, the dearest first: "
        + ", ".join(f"{row.name} {row.length:.4f}" for row in rows),
        axis("average precision lost", values, form=_short),
        rows,
    )
    people = min(len(trial.people), effects.MOST_PEOPLE)
    return page.figure(
        "What does it lose without a column?",
        drawn,
        f"Each column shuffled {effects.SHUFFLES} times among {people:,} people of the"
        " judged day; the black line runs from the least to the greatest loss. Columns"
        " that tell the same cover for each other: a short bar is no proof of no use.",
    )


def added_columns(trial: "Trial", estimator: str) -> str:
    """What columns add to log-odds; empty for a rule."""
    found = effects.shares(trial, estimator)[:_COLUMNS_SHOWN]
    if not found:
        return ""
    rows = [
        Bar(
            name=f"{share.column} {_WAYS[share.direction][0]}",
            length=share.mean_size,
            low=np.nan,
            high=np.nan,
            look=_WAYS[share.direction][1],
        )
        for share in found
    ]
    drawn = bars(
        "added",
        "Columns by what they add to a prediction",
        "Mean size of the contribution in log-odds, the largest first: "
        + ", ".join(f"{row.name} {row.length:.3f}" for row in rows),
        axis("mean size, log-odds", [share.mean_size for share in found], form=_short),
        rows,
    )
    how = "SHAP values" if estimator == "lightgbm" else "Coefficient times distance"
    return page.figure(
        "What moves a prediction?",
        drawn,
        f"{how}, mean size among the people of the judged day. ↑ more of it goes with a"
        " higher predicted chance of leaving, ↓ with a lower one, ↕ neither clearly."
        " Nothing here says what would happen if a column were changed.",
    )


def _whole(label: str) -> Axis:
    return axis(label, [0.0, 1.0], form=drawing.percent)


def _short(value: float) -> str:
    return f"{value:.3g}"
