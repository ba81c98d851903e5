"""The card of a churn model: what it is, how it was judged, what it is not for."""

from collections.abc import Mapping, Sequence
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
from ml.churn.profit import Costs
from ml.churn.wording import OF_EVERYONE, Wording
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


def cards(
    kept: Sequence[Card],
    trial: "Trial",
    people: "pd.DataFrame",
    costs: Costs,
    wording: Wording = OF_EVERYONE,
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
        card.judgement.estimator: _page(
            card,
            trial,
            figures,
            wording=wording,
            shown={
                "profit": profit_picture.drawn(trial, card.judgement.estimator, costs),
                "windows": wording.windows(card, people),
            },
        )
        for card in kept
    }


def _page(
    card: Card,
    trial: "Trial",
    figures: Resampled,
    *,
    wording: Wording,
    shown: Mapping[str, str],
) -> str:
    judged = card.judgement
    name = judged.estimator
    title = f"{wording.title}: {pictures.shown(name)}, as of {judged.as_of}"
    return page.document(
        title,
        [
            f"<h1>{title}</h1>",
            page.paragraph(f"{wording.gives(card)} {words.standing(judged)}", "lead"),
            _headline(trial, name, figures),
            page.paragraph(card.notes[0]),
            words.identity(card),
            page.section(
                "What it is for",
                page.points(words.each(wording.use)),
                page.paragraph("What it is not for:"),
                page.points(words.each(wording.not_for)),
            ),
            page.section("The data, and the windows", shown["windows"]),
            page.section("How good it is", _how_good(card, trial, figures)),
            page.section(
                "Pictures of the judged day",
                page.figures(
                    pictures.calibration(trial, name),
                    pictures.captured(trial, name),
                    shown["profit"],
                    pictures.scores(trial, name),
                    pictures.dear_columns(trial, name),
                    pictures.added_columns(trial, name),
                ),
            ),
            page.section("Groups of people", _groups(trial, name, wording.named)),
            page.section(
                "Limits", page.points([*words.each(wording.limits), *card.notes[1:]])
            ),
            page.section(
                "People and their data", page.points(words.each(wording.ethics))
            ),
            words.making(card),
        ],
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


def _groups(trial: "Trial", name: str, named: Sequence[str]) -> str:
    said = trial.said[name]
    rows: list[Sequence[Cell]] = []
    for column in named:
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
