"""Fit the lifetime-value models as of a day, judge them, keep them, score customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ml import records, registry, spine
from ml.cards import shelf
from ml.lifetime_value import card
from ml.lifetime_value.contest import choose, enough, trial
from ml.lifetime_value.customers import (
    DAYS_A_WEEK,
    FEATURES,
    customers,
    known,
    with_outcomes,
)
from ml.lifetime_value.estimators import CANDIDATES, RULE, Fitted
from ml.registry import Card, Judgement
from ml.spine import HORIZON_DAYS
from warehouse.errors import NotEnoughData
from warehouse.home import Home
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

KIND = "lifetime_value"
SCORES = "ml.lifetime_values"


def train(client: "Client", settings: Settings, as_of: date) -> str:
    """Judge model and rule on the latest complete day, then fit on `as_of` itself.

    The histories need no outcomes, so the second fit may read all that is known.
    Returns the id of the chosen one. Raises NotEnoughData naming what lacks;
    ml.models then holds that reason and the day has no scores.
    """
    with records.refusals_told(client, kind=KIND, table=SCORES, as_of=as_of):
        judged = spine.latest(spine.complete_days(client), as_of)
        earlier = with_outcomes(client, judged, HORIZON_DAYS)
        then = customers(earlier)
        enough(then, f"the day to be judged on ({judged})")
        everyone = known(client, as_of)
        now = customers(everyone)
        enough(now, f"the day to be scored ({as_of})")
        tried = trial(
            then,
            spent=earlier["revenue_minor"].to_numpy(),
            bought=earlier["purchase_days"].to_numpy(),
            horizon_days=HORIZON_DAYS,
        )
    fitted = {name: candidate.fit(now) for name, candidate in CANDIDATES.items()}
    backtest = _Backtest(
        as_of=as_of,
        judged=judged,
        metrics=tried.metrics,
        data_hash=registry.fingerprint(earlier) + registry.fingerprint(everyone),
        trained_rows=len(now),
    )
    cards = _cards(fitted, backtest)
    root = Home(settings.home).registry
    pages = card.cards(cards, tried, fitted, settings.reporting_currency)
    for each in cards:
        name = each.judgement.estimator
        files = {**fitted[name].files(), shelf.FILE: pages[name]}
        registry.save(root, each, files)
    shelf.arrange(Home(settings.home))
    return records.write_judgements(client, [each.judgement for each in cards])


def score(client: "Client", settings: Settings, model_id: str, as_of: date) -> int:
    """Write what everyone who ever paid will spend within the horizon.

    Returns how many customers were scored. Raises BadInput when there is no such
    model, or when it was fitted on what came later; NotEnoughData when nobody paid.
    """
    kept = registry.find(Home(settings.home).registry, KIND, model_id, as_of)
    everyone = known(client, as_of)
    if everyone.empty:
        raise NotEnoughData(
            f"features.feat_people has nobody who paid before {as_of}."
            " Build and publish the features of that day first."
        )
    model = CANDIDATES[kept.estimator].read(kept.files)
    expected = model.expect(customers(everyone), kept.horizon_days / DAYS_A_WEEK)
    columns = {
        "person_id": everyone["person_id"].tolist(),
        "probability_alive": expected.probability_alive.tolist(),
        "expected_purchases": expected.purchases.tolist(),
        "expected_value_minor": expected.value.tolist(),
        "currency": [settings.reporting_currency] * len(everyone),
        "horizon_days": [kept.horizon_days] * len(everyone),
        "model_id": [model_id] * len(everyone),
    }
    return records.write_scores(client, table=SCORES, as_of=as_of, columns=columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Backtest:
    as_of: date
    judged: date
    metrics: Mapping[str, Mapping[str, float]]
    data_hash: str
    trained_rows: int


def _cards(fitted: Mapping[str, Fitted], backtest: _Backtest) -> list[Card]:
    best, why = choose(backtest.metrics)
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
                is_baseline=name == RULE,
                is_chosen=name == best,
                judged_from=backtest.judged,
                metrics={**backtest.metrics[name], **fit.figures},
                trained_rows=backtest.trained_rows,
            ),
            features=FEATURES,
            judged_after_training_on=(backtest.judged,),
            refitted_on=(backtest.as_of,),
            data_hash=backtest.data_hash,
            parameters=CANDIDATES[name].parameters,
            notes=(why, *fit.notes),
        )
        for name, fit in fitted.items()
    ]
