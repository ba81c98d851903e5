"""The card of a lifetime-value model: what it is, how it was judged, its limits."""

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING

from ml.cards import page, words
from ml.cards.page import Cell, Noted
from ml.cards.resampling import Interval, Measured, Resampled, of_amounts, resample
from ml.lifetime_value import pictures
from ml.lifetime_value.contest import leader
from ml.lifetime_value.estimators import RULE, Fitted
from ml.lifetime_value.subscription_share import (
    SINGLE,
    SUBSCRIPTION,
    TREES,
    told_apart,
)
from ml.registry import Card

if TYPE_CHECKING:
    from ml.lifetime_value.contest import Trial

_FIGURES = {
    "rmse": ("RMSE, lower is better", 0),
    "mae": ("MAE, lower is better", 0),
    "bias": ("bias of the total, as a share; nearest 0 is best", 3),
    "spearman": ("rank correlation, higher is better", 3),
}
_FITS = {
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "nbd": "NBD",
    "gamma_gamma": "Gamma-Gamma",
}

_USE = """
To rank customers by what they will spend, so that those of high value can be looked
after and others like them found: the audience high_value reads it.

To expect a total for all customers, with its bias below in mind.
"""
_NOT_FOR = """
Prices, credit or service made for one person, or any decision of legal or similar
weight about them.

Accounts and forecasts to the cent: one customer's figure is an expectation, and most
spend nothing or much more.

People who never paid: it never saw any.

Telling what a campaign would add. Who will spend much may spend it anyway.
"""
_LIMITS = """
Spending is net of refunds, in the horizon alone: this is no value for a whole
lifetime.

Models of buying take purchases for a matter of chance at a steady rate, and leaving
for final. Subscriptions, seasons and campaigns break that. The trees of the two-part
model take the coming horizon to be like those they learned from.

Gamma-Gamma takes the worth of a purchase to have nothing to do with how often someone
buys.

Intervals tell the luck of who was judged, in this one window. How much the next
window differs they can't tell; a few large payments carry much of RMSE.

The figures are of models fitted to histories before the judged day. The model kept
here is fitted again to all histories before its own day; nothing has judged it yet.
Its parameters are the ones below.

If the events were simulated, the figures speak of the simulation, not of people.
"""
_ETHICS = """
Personal data used: when someone paid and how much, under a pseudonym. No name,
address, message, age, gender or country.

Who denied analytics is in no table it learned from. Who has not consented to
advertising may be scored but is never sent to a platform.

A low prediction is no verdict on a person; those who spend little are not to be
served worse for it.

This card holds sums over customers; means of a few customers can stand in the table
of purchases seen, so keep the card within the house.
"""


def cards(
    kept: Sequence[Card],
    trials: "Sequence[Trial]",
    fitted: Mapping[str, Fitted],
    *,
    currency: str,
    share: str,
) -> dict[str, str]:
    """The page of each model, by its estimator; `share` told the two sums apart."""
    trial = trials[-1]
    measures = {
        name: of_amounts(trial.spent, expected.value)
        for name, expected in trial.expected.items()
    }
    figures = resample(
        len(trial.spent),
        lambda weights: {name: measure(weights) for name, measure in measures.items()},
    )
    return {
        card.judgement.estimator: _page(
            card,
            trial,
            figures,
            currency=currency,
            closing={
                "Subscriptions and single payments": _apart(
                    trials, card.judgement.estimator, share, currency
                ),
                "Parameters": _parameters(fitted[card.judgement.estimator]),
            },
        )
        for card in kept
    }


def _page(
    card: Card,
    trial: "Trial",
    figures: Resampled,
    *,
    currency: str,
    closing: Mapping[str, str],
) -> str:
    judged = card.judgement
    name = judged.estimator
    title = f"What customers will spend: {pictures.shown(name)}, as of {judged.as_of}"
    drawn = [
        pictures.tenths(trial, name, currency),
        pictures.captured(trial, name),
        pictures.by_repeats(trial, name),
        pictures.spread(trial, name, currency),
    ]
    if name != RULE:
        drawn.append(pictures.alive(trial, name))
    return page.document(
        title,
        [
            f"<h1>{title}</h1>",
            page.paragraph(_what(card, currency), "lead"),
            page.paragraph(card.notes[0]),
            words.identity(card),
            page.section(
                "What it is for",
                page.points(words.each(_USE)),
                page.paragraph("What it is not for:"),
                page.points(words.each(_NOT_FOR)),
            ),
            page.section("The data, and the windows", _windows(card, trial, currency)),
            page.section("How good it is", _how_good(name, trial, figures, currency)),
            page.section("Pictures of the judged day", page.figures(*drawn)),
            *(page.section(head, text) for head, text in closing.items()),
            page.section(
                "Limits", page.points([*card.notes[1:], *words.each(_LIMITS)])
            ),
            page.section("People and their data", page.points(words.each(_ETHICS))),
            words.making(card),
        ],
    )


def _what(card: Card, currency: str) -> str:
    judged = card.judgement
    return (
        "Gives everyone who ever paid the money they will spend in the"
        f" {judged.horizon_days} days from a day, in minor units of {currency}. For"
        " those who choose audiences and those who answer for it."
        f" {words.standing(judged)}"
    )


def _windows(card: Card, trial: "Trial", currency: str) -> str:
    judged = card.judgement
    purchases = float(trial.customers.purchases.sum())
    return page.facts(
        {
            f"judged as of {judged.judged_from}": f"{len(trial.customers):,} people who"
            f" had paid, on {purchases:,.0f} purchase days; fitted to these histories",
            f"outcomes of {words.window(judged.judged_from, judged.horizon_days)}": (
                f"{trial.bought.sum():,.0f} purchase days of"
                f" {(trial.bought > 0).sum():,} people, {trial.spent.sum():,.0f} minor"
                f" units of {currency}"
            ),
            f"fitted again as of {judged.as_of}": f"{judged.trained_rows:,} people who"
            " had paid; no outcomes are needed, and none were read",
        }
    )


def _how_good(name: str, trial: "Trial", figures: Resampled, currency: str) -> str:
    shown = list(dict.fromkeys([name, RULE]))
    if name == RULE:
        shown.extend(each for each in trial.expected if each != RULE)
    heads = ["", *map(pictures.shown, shown)]
    if name != RULE:
        heads.insert(2, "this less the rule")
    rows = []
    for figure, (words_of, digits) in _FIGURES.items():
        row: list[Cell] = [
            words_of,
            *(_noted(figures.interval(each, figure), digits) for each in shown),
        ]
        if name != RULE:
            gap = figures.difference(name, RULE, figure)
            row.insert(2, _noted(gap, digits))
        rows.append(row)
    table = page.table(
        heads,
        rows,
        f"{len(trial.spent):,} customers; RMSE and MAE in minor units of {currency}."
        f" Below each figure its 95 % interval: percentiles of {len(figures.again)}"
        " bootstrap samples of customers. Differences are of the same customers.",
    )
    return table + "".join(map(page.paragraph, _readings(name, figures)))


def _apart(trials: "Sequence[Trial]", name: str, share: str, currency: str) -> str:
    """The two sums that the value is made of, beside what they came to."""
    found = told_apart(trials, name, share)
    rows = [
        (
            words_of,
            page.number(found[kind]["total_predicted"], 0),
            page.number(found[kind]["total_actual"], 0),
            page.number(found[kind]["bias"], 3),
            page.number(found[kind]["rmse"], 0),
        )
        for kind, words_of in (
            (SUBSCRIPTION, "for subscriptions"),
            (SINGLE, "for single things"),
        )
    ]
    told_by = (
        "trees that read what was bought of late, visits and the history"
        if share == TREES
        else "everyone's own payments of the last 56 days, drawn to the usual share"
        " (trees were no better beyond luck, or there were too few payers of a kind)"
    )
    table = page.table(
        ("", "expected", "came", "bias", "RMSE"),
        rows,
        f"All {len(trials)} windows together, minor units of {currency}. A refund is of"
        " what its payment was for.",
    )
    return table + page.paragraph(
        "Each value is the sum of two: what is expected for subscriptions, and the"
        f" rest. How much is for subscriptions is told by {told_by}. Who bought one"
        " kind alone is still expected to buy some of the other, as far as people like"
        " them do."
    )


def _readings(name: str, figures: Resampled) -> list[str]:
    said = []
    if name != RULE:
        gap = figures.difference(name, RULE, "rmse")
        said.append(
            "The lead over the rate rule in RMSE is larger than the luck of who was"
            " judged."
            if gap.high < 0
            else "A lead over the rate rule in RMSE could be the luck of who was"
            " judged: its interval holds 0 or what lies above."
        )
    gain = -figures.flattery(_winner, "rmse")
    said.append(
        "The windows that judge also chose between models and rules, which flatters the"
        " one chosen. By how much, was measured: over the bootstrap samples, the RMSE"
        f" of a sample's winner is there {page.number(gain, 1)} lower than among all."
        " Add that to the winner's figure."
    )
    return said


def _winner(measured: Measured) -> str:
    return leader(measured)


def _noted(interval: Interval, digits: int) -> Noted:
    return Noted(page.number(interval.value, digits), page.between(interval, digits))


def _parameters(fitted: Fitted) -> str:
    fits: dict[str, dict[str, float]] = {}
    for name, value in fitted.figures.items():
        fit, _, parameter = name.rpartition(".")
        if parameter != "standard_error":
            fits.setdefault(fit, {})[parameter] = value
    if not fits:
        return page.paragraph("None: the rule is fixed.")
    if "" in fits:
        words_of = (f"{name} = {value:.5g}" for name, value in fits[""].items())
        return page.paragraph(", ".join(words_of))
    told = {_FITS.get(fit, fit): _told(parameters) for fit, parameters in fits.items()}
    return (
        page.paragraph(
            "By maximum likelihood from several starts; times in weeks, v of"
            " Gamma-Gamma in minor units.",
            "aside",
        )
        + page.facts(told)
        + page.points([f"Told by the fit: {note}." for note in fitted.notes])
    )


def _told(found: Mapping[str, float]) -> str:
    ended = (
        "converged: the likelihood is flat there"
        if found.get("converged")
        else "not converged: the search ended before the likelihood was flat"
    )
    if found.get("at_boundary"):
        ended += "; a parameter ran to its bound"
    state = {"converged", "at_boundary", "log_likelihood"}
    values = (f"{name} = {v:.5g}" for name, v in found.items() if name not in state)
    likelihood = page.number(found.get("log_likelihood", nan), 1)
    return f"{', '.join(values)}; log-likelihood {likelihood}; {ended}"
