"""Train the churn models as of a day, judge them, keep them, and score people."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml import drift, promises, records, registry, spine
from ml.cards import shelf
from ml.churn import card, features, hazard_rule, watching
from ml.churn.calibration import Calibration
from ml.churn.contest import (
    BASELINE,
    BASELINES,
    CANDIDATES,
    Trial,
    calibrations,
    choose,
    pooled,
    rolling,
)
from ml.churn.profit import costs_of
from ml.churn.reasons import reasons
from ml.churn.watching import KIND
from ml.registry import Card, Judgement
from ml.spine import HORIZON_DAYS, Split
from warehouse.clickhouse import rows
from warehouse.errors import NotEnoughData
from warehouse.home import Home
from warehouse.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SCORES = "ml.churn_scores"
REASONS = "ml.churn_reasons"
_EXPLAINED_SHARE = 0.1


def train(client: "Client", settings: Settings, as_of: date) -> str:
    """Train, judge and keep every candidate; return the id of the chosen one.

    Raises NotEnoughData naming what lacks; ml.models then holds that reason and the
    day has no scores.
    """
    with records.refusals_told(client, kind=KIND, table=SCORES, as_of=as_of):
        days = spine.split(spine.complete_days(client), as_of)
        people = features.labelled(client, days.complete, HORIZON_DAYS)
        trials = rolling(people, days)
    cards = _cards(people, days, trials, records.champion(client, KIND, as_of))
    pages = card.cards(cards, trials[-1], people, costs_of(settings))
    root = Home(settings.home).registry
    churned = people["churned"].to_numpy()
    mended = calibrations(trials)
    for each in cards:
        name = each.judgement.estimator
        fitted = CANDIDATES[name].fit(people, churned)
        calibrated = mended[name](trials[-1].raw[name])
        files = {
            **fitted.files(),
            **mended[name].files(),
            **watching.reference(trials[-1], calibrated).files(),
            shelf.FILE: pages[name],
        }
        registry.save(root, each, files)
    shelf.arrange(Home(settings.home))
    watching.outcomes(client, as_of)
    return records.write_judgements(client, [each.judgement for each in cards])


def score(client: "Client", settings: Settings, model_id: str, as_of: date) -> int:
    """Write the churn probability of everyone active in the 56 days before a day.

    Beside it why, for the tenth of the highest and for members of audiences.

    Returns how many people were scored. Raises BadInput when there is no such model,
    or when it was trained on what came later; NotEnoughData when nobody was active.
    """
    kept = registry.find(Home(settings.home).registry, KIND, model_id, as_of)
    people = features.current(client, as_of)
    if people.empty:
        raise NotEnoughData(
            f"features.feat_people has nobody active before {as_of}."
            " Build and publish the features of that day first."
        )
    model = CANDIDATES[kept.estimator].read(kept.files)
    chances = Calibration.read(kept.files)(model.probabilities(people))
    explained = people[_explained(client, people, chances, as_of)]
    _write_reasons(client, reasons(model, explained), model_id, as_of)
    columns = {
        "person_id": people["person_id"].tolist(),
        "churn_probability": chances.tolist(),
        "horizon_days": [kept.horizon_days] * len(people),
        "model_id": [model_id] * len(people),
    }
    if drift.FILE in kept.files:
        moved = watching.drift(
            kept.files, people, chances, as_of=as_of, model_id=model_id
        )
        records.write_watch(client, moved)
    return records.write_scores(client, table=SCORES, as_of=as_of, columns=columns)


def _explained(
    client: "Client", people: "pd.DataFrame", chances: "Numbers", as_of: date
) -> "NDArray[np.bool_]":
    """Who gets reasons: the tenth of the highest chances, and members of audiences."""
    members = rows(
        client,
        "select distinct person_id from activation.audience_members"
        " where as_of <= {day:Date} and as_of > {day:Date} - 28",
        {"day": as_of},
    )
    named = people["person_id"].isin([row["person_id"] for row in members])
    high: NDArray[np.bool_] = chances >= np.quantile(chances, 1 - _EXPLAINED_SHARE)
    return high | named.to_numpy()


def _write_reasons(
    client: "Client", told: "pd.DataFrame", model_id: str, as_of: date
) -> None:
    columns = {name: told[name].tolist() for name in told.columns}
    columns["value"] = [v if np.isfinite(v) else None for v in columns["value"]]
    columns["model_id"] = [model_id] * len(told)
    records.write_scores(client, table=REASONS, as_of=as_of, columns=columns)


def _cards(
    people: "pd.DataFrame", days: Split, trials: Sequence[Trial], champion: str | None
) -> list[Card]:
    figures = pooled(trials)
    best, why = choose(figures, champion=champion)
    metrics = {
        name: {
            **found,
            "backtest_windows": float(len(trials)),
            **{f"backtest_{k}": v for k, v in figures.measured[name].items()},
            **promises.errors(figures, name, ("average_precision",)),
        }
        for name, found in trials[-1].metrics.items()
    }
    data_hash = registry.fingerprint(people)
    return [
        Card(
            judgement=Judgement(
                model_id=registry.model_id(
                    kind=KIND,
                    estimator=name,
                    as_of=days.as_of,
                    data_hash=data_hash,
                    parameters=candidate.parameters,
                ),
                kind=KIND,
                estimator=name,
                as_of=days.as_of,
                horizon_days=days.horizon_days,
                is_baseline=name in BASELINES,
                is_chosen=name == best,
                judged_from=days.judged,
                metrics=metrics[name],
                trained_rows=len(people),
            ),
            features=_features_of(name),
            judged_after_training_on=days.training,
            refitted_on=days.complete,
            data_hash=data_hash,
            parameters=candidate.parameters,
            notes=(why,),
        )
        for name, candidate in CANDIDATES.items()
    ]


def _features_of(estimator: str) -> tuple[str, ...]:
    if estimator == BASELINE:
        return ("days_since_last_active",)
    if estimator in BASELINES:
        return hazard_rule.COLUMNS
    return (*features.MEASURED, *features.DERIVED, *features.NAMED)
