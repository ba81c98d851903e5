"""Fit the lifetime-value models as of a day, judge them, keep them, score customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from ml import drift, promises, records, registry, spine
from ml.cards import shelf
from ml.lifetime_value import card, intervals, subscription_share, watching
from ml.lifetime_value.contest import (
    MOST_ORIGINS,
    Trial,
    choose,
    enough,
    fits,
    pooled,
    rolling,
)
from ml.lifetime_value.customers import (
    ACTIVITY,
    DAYS_A_WEEK,
    FEATURES,
    Seen,
    customers,
    known,
    seen,
    with_outcomes,
)
from ml.lifetime_value.estimators import (
    BASELINES,
    CANDIDATES,
    CORRECTED,
    TREES,
    Fitted,
)
from ml.lifetime_value.intervals import Range
from ml.lifetime_value.subscription_share import Share, leaning, told_apart
from ml.lifetime_value.uncertainty import standard_errors
from ml.lifetime_value.watching import KIND
from ml.registry import Card, Judgement
from ml.spine import HORIZON_DAYS
from warehouse.errors import BadInput, NotEnoughData
from warehouse.home import Home
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SCORES = "ml.lifetime_values"


def train(client: "Client", settings: Settings, as_of: date) -> str:
    """Judge models and rules on the latest complete days, then fit on `as_of` itself.

    The histories need no outcomes, so the second fit may read all that is known.
    Returns the id of the chosen one. Raises NotEnoughData naming what lacks;
    ml.models then holds that reason and the day has no scores.
    """
    with records.refusals_told(client, kind=KIND, table=SCORES, as_of=as_of):
        days = _seen(client, as_of)
        everyone = known(client, as_of)
        now = customers(everyone)
        enough(now, f"the day to be scored ({as_of})")
    trials = rolling(days, horizon_days=HORIZON_DAYS)
    fitted = {
        name: fit
        for name, fit in fits(now, days).items()
        if name in trials[-1].expected
    }
    backtest = _Backtest(
        as_of=as_of,
        days=tuple(day.day for day in days),
        trials=trials,
        share=subscription_share.chosen(trials),
        champion=records.champion(client, KIND, as_of),
        data_hash=registry.hash_of(
            {"days": [day.hash for day in days], "now": registry.fingerprint(everyone)}
        ),
        trained_rows=len(now),
    )
    cards = _cards(fitted, backtest)
    root = Home(settings.home).registry
    share, shares = backtest.share, subscription_share.shares(now, days)
    pages = card.cards(
        cards, trials, fitted, currency=settings.reporting_currency, share=share
    )
    for each in cards:
        name = each.judgement.estimator
        files = {
            **fitted[name].files(),
            **replace(shares[share], lean=leaning(trials, name, share)).files(),
            **Range.learn(trials, name).files(),
            **watching.reference(trials[-1], name).files(),
            shelf.FILE: pages[name],
        }
        registry.save(root, each, files)
    shelf.arrange(Home(settings.home))
    watching.outcomes(client, as_of)
    return records.write_judgements(client, [each.judgement for each in cards])


def _seen(client: "Client", as_of: date) -> list[Seen]:
    """The last days with known outcomes, in order; each has enough to learn from."""
    complete = spine.complete_days(client)
    judged = spine.latest(complete, as_of)
    found = []
    for day in spine.own_days(complete, as_of)[-MOST_ORIGINS - 1 :]:
        here = seen(day, with_outcomes(client, day, HORIZON_DAYS))
        try:
            enough(here.customers, f"the day to be judged on ({day})")
        except NotEnoughData:
            if day == judged:
                raise
            continue
        found.append(here)
    return found


def score(client: "Client", settings: Settings, model_id: str, as_of: date) -> int:
    """Write what everyone who ever paid will spend within the horizon.

    Returns how many customers were scored. Raises BadInput when there is no such
    model, when it was fitted on what came later or by an earlier release;
    NotEnoughData when nobody paid.
    """
    kept = registry.find(Home(settings.home).registry, KIND, model_id, as_of)
    needed = {intervals.FILE, drift.FILE, subscription_share.FILE}
    if not needed <= set(kept.files):
        raise BadInput(
            f"{model_id} is of an earlier release, without a range for its values or"
            " without what of them is for subscriptions. Train again with"
            f" `questlog lifetime-value train --as-of {as_of}`."
        )
    everyone = known(client, as_of)
    if everyone.empty:
        raise NotEnoughData(
            f"features.feat_people has nobody who paid before {as_of}."
            " Build and publish the features of that day first."
        )
    model = CANDIDATES[kept.estimator].read(kept.files)
    of_day, weeks = customers(everyone), kept.horizon_days / DAYS_A_WEEK
    expected = model.expect(of_day, weeks)
    errors = standard_errors(model, of_day, weeks)
    low, high = Range.read(kept.files).around(expected.value)
    subscribed = expected.value * Share.read(kept.files).of(of_day)
    columns = {
        "person_id": everyone["person_id"].tolist(),
        "probability_alive": expected.probability_alive.tolist(),
        "expected_purchases": expected.purchases.tolist(),
        "expected_value_minor": expected.value.tolist(),
        "subscription_value_minor": subscribed.tolist(),
        "single_value_minor": (expected.value - subscribed).tolist(),
        "standard_error_minor": [None] * len(everyone)
        if errors is None
        else errors.tolist(),
        "low_minor": low.tolist(),
        "high_minor": high.tolist(),
        "currency": [settings.reporting_currency] * len(everyone),
        "horizon_days": [kept.horizon_days] * len(everyone),
        "model_id": [model_id] * len(everyone),
    }
    moved = watching.drift(
        kept.files, of_day, expected.value, as_of=as_of, model_id=model_id
    )
    records.write_watch(client, moved)
    return records.write_scores(client, table=SCORES, as_of=as_of, columns=columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backtest:
    as_of: date
    days: tuple[date, ...]
    trials: list[Trial]
    share: str
    champion: str | None
    data_hash: str
    trained_rows: int


def _cards(fitted: Mapping[str, Fitted], backtest: _Backtest) -> list[Card]:
    figures = pooled(backtest.trials)
    unsound = frozenset(n for n, fit in fitted.items() if not fit.is_sound)
    unsound |= backtest.trials[-1].unsound
    best, why = choose(figures, unsound=unsound, champion=backtest.champion)
    latest = backtest.trials[-1].metrics
    windows = {
        name: {
            **{f"backtest_{figure}": value for figure, value in measured.items()},
            **promises.errors(figures, name, ("bias", "spearman")),
        }
        for name, measured in figures.measured.items()
    }
    return [
        Card(
            judgement=Judgement(
                model_id=registry.model_id(
                    kind=KIND,
                    estimator=name,
                    as_of=backtest.as_of,
                    data_hash=backtest.data_hash,
                    parameters=CANDIDATES[name].parameters,
                ),
                kind=KIND,
                estimator=name,
                as_of=backtest.as_of,
                horizon_days=HORIZON_DAYS,
                is_baseline=name in BASELINES,
                is_chosen=name == best,
                judged_from=backtest.days[-1],
                metrics={
                    **latest[name],
                    **windows[name],
                    "backtest_windows": float(len(backtest.trials)),
                    **_by_kind(backtest.trials, name, backtest.share),
                    **fit.figures,
                },
                trained_rows=backtest.trained_rows,
            ),
            features=(*FEATURES, *ACTIVITY) if name in {TREES, CORRECTED} else FEATURES,
            judged_after_training_on=backtest.days,
            refitted_on=(backtest.as_of,),
            data_hash=backtest.data_hash,
            parameters=CANDIDATES[name].parameters,
            notes=(why, *fit.notes),
        )
        for name, fit in fitted.items()
    ]


def _by_kind(trials: Sequence[Trial], name: str, share: str) -> dict[str, float]:
    """How each of the two sums was told, over all windows together."""
    return {
        f"backtest_{kind}_{figure}": measured[figure]
        for kind, measured in told_apart(trials, name, share).items()
        for figure in ("rmse", "bias", "total_actual", "total_predicted")
    }
