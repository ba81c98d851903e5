"""The card of a churn model: what it is, how it was judged, what it is not for."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from ml.cards import page, reliability, words
from ml.cards.page import Cell, Noted
from ml.cards.resampling import (
    Interval,
    Resampled,
    of_probabilities,
    resample,
)
from ml.churn import pictures, profit_picture
from ml.churn.contest import BASELINE, leader
from ml.churn.features import NAMED
from ml.churn.profit import Costs
from ml.measures import calibration_error
from ml.registry import Card

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from ml.churn.contest import Trial

    Numbers = NDArray[np.float64]

_FIGURES = {
    "average_precision": "average precision, higher is better",
    "auc": "AUC, higher is better",
    "brier": "Brier score, lower is better",
    "log_loss": "log loss, lower is better",
    "lift_at_10_percent": "lift in the top tenth, higher is better",
}
_LEAST_IN_A_GROUP = 100
_LEAST_OF_EACH = 20

_USE = """
To rank players by the risk that they leave, so that those at risk can be written to:
the audience at_risk reads these scores.

To watch, day by day, how many are expected to leave.
"""
_NOT_FOR = """
Decisions about a person with legal or similar weight, prices made for one person, or
anything but whom to look after.

People not active in the 56 days before the day: it never saw any.

Another horizon than the one above, or another service than the one it learned from.

Telling whether a message would keep somebody. A high risk is not a high effect:
measure that against people left out at random.
"""
_LIMITS = """
To churn is to do nothing counted as engagement in the window. Who comes back later
counts as gone all the same.

Intervals tell the luck of who was judged, in this one window. How much the next
window differs from this one they can't tell. People who play together leave together,
which makes the intervals too narrow.

The figures are of models trained on the earlier days alone. The model kept here is of
the same kind, trained again with the judged day too; nothing has judged it yet, as
its first outcomes lie ahead.

Some people are in several of the days it learned from, at another age each.

If the events were simulated, the figures speak of the simulation, not of people.
"""
_ETHICS = """
Personal data used: behaviour (when someone was active, played, paid, asked for help),
plan, country, kind of device, the campaign they came by and their way of signing up,
under a pseudonym. No name, address, message, age or gender;
direct identifiers stay in the vault and never reach a model.

Country can stand for origin or language. The table of groups shows whether the model
errs more for some; judge it before you act on it.

Who denied analytics is in no table it learned from. Who has not consented to
advertising may be scored but is never sent to a platform.

This card holds sums over people: the table of groups lists none of fewer than 100, and
what moves a score names no value that fewer than 30 people have.
"""


def cards(
    kept: Sequence[Card], trial: "Trial", people: "pd.DataFrame", costs: Costs
) -> dict[str, str]:
    """The page of each model, by its estimator."""
    measures = {
        name: of_probabilities(trial.happened, said)
        for name, said in trial.said.items()
    }
    figures = resample(
        len(trial.happened),
        lambda weights: {name: measure(weights) for name, measure in measures.items()},
    )
    return {
        card.judgement.estimator: _page(card, trial, people, figures, costs)
        for card in kept
    }


def _page(
    card: Card,
    trial: "Trial",
    people: "pd.DataFrame",
    figures: Resampled,
    costs: Costs,
) -> str:
    judged = card.judgement
    name = judged.estimator
    title = f"Who will leave: {pictures.shown(name)}, as of {judged.as_of}"
    return page.document(
        title,
        [
            f"<h1>{title}</h1>",
            page.paragraph(_what(card), "lead"),
            _headline(trial, name, figures),
            page.paragraph(card.notes[0]),
            words.identity(card),
            page.section(
                "What it is for",
                page.points(words.each(_USE)),
                page.paragraph("What it is not for:"),
                page.points(words.each(_NOT_FOR)),
            ),
            page.section("The data, and the windows", _windows(card, people)),
            page.section("How good it is", _how_good(card, trial, figures)),
            page.section(
                "Pictures of the judged day",
                page.figures(
                    pictures.calibration(trial, name),
                    pictures.captured(trial, name),
                    profit_picture.drawn(trial, name, costs),
                    pictures.scores(trial, name),
                    pictures.dear_columns(trial, name),
                    pictures.added_columns(trial, name),
                ),
            ),
            page.section("Groups of people", _groups(trial, name)),
            page.section(
                "Limits", page.points([*words.each(_LIMITS), *card.notes[1:]])
            ),
            page.section("People and their data", page.points(words.each(_ETHICS))),
            words.making(card),
        ],
    )


def _what(card: Card) -> str:
    judged = card.judgement
    return (
        f"Gives each person active in the 56 days before a day the chance, from 0 to"
        f" 1, that they do nothing in the {judged.horizon_days} days from it. For those"
        f" who choose audiences and those who answer for it. {words.standing(judged)}"
    )


def _headline(trial: "Trial", name: str, figures: Resampled) -> str:
    """What a reader in a hurry should take along, of the judged window."""
    lift = figures.measured[name]["lift_at_10_percent"]
    off = calibration_error(trial.happened, trial.said[name])
    said = [
        (
            f"{page.number(lift, 1)} \N{MULTIPLICATION SIGN}",
            "as many leavers in the tenth of the highest scores as among all",
        ),
        (
            f"{page.number(100 * off, 1)} points",
            "is how far a chance lies from what happened, on average",
        ),
    ]
    if name != BASELINE:
        gap = figures.difference(name, BASELINE, "average_precision")
        sign = "+" if gap.value > 0 else ""
        said.append(
            (
                f"{sign}{page.number(gap.value)}",
                f"average precision beside the recency rule ({page.between(gap)})",
            )
        )
    return page.headline(*said)


def _windows(card: Card, people: "pd.DataFrame") -> str:
    judged = card.judgement
    rows = []
    for day in card.refitted_on:
        of_day = people[people["day"] == day.isoformat()]
        left = float(of_day["churned"].sum())
        is_judged = day == judged.judged_from
        rows.append(
            (
                str(day),
                "judged, then learned from too" if is_judged else "learned from",
                words.window(day, judged.horizon_days),
                f"{len(of_day):,}",
                f"{left:,.0f}",
                f"{of_day['events_28'].sum():,.0f}",
            )
        )
    return page.table(
        ("as of", "role", "outcomes", "people", "left", "events, 28 days before"),
        rows,
        f"{len(people):,} rows of {people['person_id'].nunique():,} people. Each row is"
        " what was known of one person before the day; outcomes end before the next"
        " day begins.",
    )


def _how_good(card: Card, trial: "Trial", figures: Resampled) -> str:
    name = card.judgement.estimator
    others = [each for each in trial.said if each not in {name, BASELINE}]
    shown = list(dict.fromkeys([name, BASELINE, *others]))
    rate = reliability.wilson(float(trial.happened.sum()), len(trial.happened))
    heads = ["", *map(pictures.shown, shown)]
    if name != BASELINE:
        heads.insert(2, "this less the rule")
    table = page.table(
        heads,
        [
            *(_row(figures, name, shown, figure) for figure in _FIGURES),
            _calibration_row(trial, name, shown),
        ],
        f"{len(trial.happened):,} people of {card.judgement.judged_from}, of whom"
        f" {page.number(100 * rate.value, 1)} % left. Below each figure its 95 %"
        f" interval: percentiles of {len(figures.again)} bootstrap samples of people."
        " Differences are of the same people. ECE has no such interval: below it"
        " stands how large it gets, at 95 %, where every probability is exactly right.",
    )
    return table + "".join(map(page.paragraph, _readings(name, figures)))


def _row(
    figures: Resampled, name: str, shown: Sequence[str], figure: str
) -> list[Cell]:
    row: list[Cell] = [
        _FIGURES[figure],
        *(figures.interval(each, figure) for each in shown),
    ]
    if name != BASELINE:
        row.insert(2, figures.difference(name, BASELINE, figure))
    return row


def _calibration_row(trial: "Trial", name: str, shown: Sequence[str]) -> list[Cell]:
    row: list[Cell] = ["ECE, lower is better"]
    for each in shown:
        found = calibration_error(trial.happened, trial.said[each])
        luck = reliability.by_luck(trial.said[each])
        row.append(Noted(page.number(found), f"luck: up to {page.number(luck.high)}"))
    if name != BASELINE:
        row.insert(2, "")
    return row


def _readings(name: str, figures: Resampled) -> list[str]:
    said = []
    if name != BASELINE:
        gap = figures.difference(name, BASELINE, "average_precision")
        beyond = isfinite(gap.low) and gap.low > 0
        said.append(
            "The lead over the recency rule in average precision is larger than the"
            " luck of who was judged."
            if beyond
            else "The lead over the recency rule in average precision could be the luck"
            " of who was judged: its interval holds 0 or what lies below."
        )
    flattery = figures.flattery(leader, "average_precision")
    said.append(
        "The window that judges also chose the winner, which flatters the winner. By"
        " how much, was measured: over the bootstrap samples, the winner of a sample"
        f" has there {page.number(flattery, 4)} more average precision than among all."
        " Take that off the winner's figure."
        if isfinite(flattery)
        else "The window that judges also chose the winner, which flatters the winner;"
        " by how much could not be measured here."
    )
    return said


def _groups(trial: "Trial", name: str) -> str:
    said = trial.said[name]
    rows: list[Sequence[Cell]] = []
    for column in NAMED:
        levels = trial.people[column].to_numpy()
        for level in sorted(set(levels)):
            here = levels == level
            happened = trial.happened[here]
            if here.sum() < _LEAST_IN_A_GROUP:
                continue
            left = float(happened.sum())
            enough = min(left, len(happened) - left) >= _LEAST_OF_EACH
            rows.append(
                (
                    f"{column}: {level or 'not known'}",
                    f"{here.sum():,}",
                    page.number(float(said[here].mean())),
                    reliability.wilson(left, int(here.sum())),
                    _auc(happened, said[here]) if enough else "too few",
                )
            )
    return page.table(
        ("group", "people", "said", "left", "AUC"),
        rows,
        f"Groups of at least {_LEAST_IN_A_GROUP} people on the judged day: the mean"
        " prediction beside the share who left, and how well the model tells leavers"
        " from others within the group. With many groups some intervals miss by luck.",
    )


def _auc(happened: "Numbers", said: "Numbers") -> Interval:
    measure = of_probabilities(happened, said)
    figures = resample(len(happened), lambda weights: {"": measure(weights)})
    return figures.interval("", "auc")
