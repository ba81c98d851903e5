"""Train the models of early churn as of a day, judge and keep them, score newcomers."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from ml import drift, promises, records, registry
from ml.cards import shelf
from ml.churn import card
from ml.churn.calibration import Calibration
from ml.churn.contest import BASELINES, Trial, calibrations, choose, pooled
from ml.churn.profit import costs_of
from ml.early_churn import features, watching
from ml.early_churn.contest import CANDIDATES, JUDGED_DAYS, origins, rolling
from ml.early_churn.watching import KIND, SCORES
from ml.early_churn.wording import OF_NEWCOMERS
from ml.registry import Card, Judgement
from warehouse.errors import NotEnoughData
from warehouse.home import Home
from warehouse.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client


def train(client: "Client", settings: Settings, as_of: date) -> str:
    """Train, judge and keep every candidate; return the id of the chosen one.

    Raises NotEnoughData naming what lacks; ml.models then holds that reason and the
    day has no scores.
    """
    with records.refusals_told(client, kind=KIND, table=SCORES, as_of=as_of):
        people = features.labelled(client, as_of)
        if people.empty:
            raise NotEnoughData(
                f"No newcomer's outcome was known before {as_of}: the model cannot be"
                " learned. Import more history, or choose a later --as-of."
            )
        horizon_days = int(people.pop("horizon_days").iloc[0])
        trials = rolling(people, as_of=as_of, horizon_days=horizon_days)
    champion = records.champion(client, KIND, as_of)
    cards = _cards(people, trials, as_of, horizon_days, champion)
    pages = card.cards(
        cards, trials[-1], people, costs_of(settings), wording=OF_NEWCOMERS
    )
    root = Home(settings.home).registry
    churned = people["churned"].to_numpy()
    mended = calibrations(trials)
    for each in cards:
        name = each.judgement.estimator
        calibrated = mended[name](trials[-1].raw[name])
        files = {
            **CANDIDATES[name].fit(people, churned).files(),
            **mended[name].files(),
            **watching.reference(trials[-1], calibrated).files(),
            shelf.FILE: pages[name],
        }
        registry.save(root, each, files)
    shelf.arrange(Home(settings.home))
    watching.outcomes(client, as_of)
    return records.write_judgements(client, [each.judgement for each in cards])


def score(client: "Client", settings: Settings, model_id: str, as_of: date) -> int:
    """Write the chance of each newcomer of the last week that they stay away.

    Returns how many people were scored. Raises BadInput when there is no such model,
    or when it was trained on what came later; NotEnoughData when nobody is new.
    """
    kept = registry.find(Home(settings.home).registry, KIND, model_id, as_of)
    people = features.current(client, as_of)
    if people.empty:
        raise NotEnoughData(
            f"features.feat_newcomers has nobody of the week before {as_of}."
            " Build and publish the features of that day first."
        )
    model = CANDIDATES[kept.estimator].read(kept.files)
    chances = Calibration.read(kept.files)(model.probabilities(people))
    records.write_watch(
        client,
        records.Watched(
            kind=KIND,
            watch="drift",
            as_of=as_of,
            model_id=model_id,
            values=drift.Reference.read(kept.files).index(
                watching.columns(people, chances)
            ),
            people=len(people),
        ),
    )
    columns = {
        "person_id": people["person_id"].tolist(),
        "churn_probability": chances.tolist(),
        "horizon_days": [kept.horizon_days] * len(people),
        "model_id": [model_id] * len(people),
    }
    return records.write_scores(client, table=SCORES, as_of=as_of, columns=columns)


def _cards(
    people: "pd.DataFrame",
    trials: Sequence[Trial],
    as_of: date,
    horizon_days: int,
    champion: str | None,
) -> list[Card]:
    figures = pooled(trials)
    best, why = choose(figures, champion=champion)
    judged_from = origins(as_of, horizon_days)[-1]
    data_hash = registry.fingerprint(people)
    return [
        Card(
            judgement=Judgement(
                model_id=registry.model_id(
                    kind=KIND,
                    estimator=name,
                    as_of=as_of,
                    data_hash=data_hash,
                    parameters=candidate.parameters,
                ),
                kind=KIND,
                estimator=name,
                as_of=as_of,
                horizon_days=horizon_days,
                is_baseline=name in BASELINES,
                is_chosen=name == best,
                judged_from=judged_from,
                metrics={
                    **trials[-1].metrics[name],
                    "backtest_windows": float(len(trials)),
                    **{f"backtest_{k}": v for k, v in figures.measured[name].items()},
                    **promises.errors(figures, name, ("average_precision",)),
                },
                trained_rows=len(people),
            ),
            features=features.COLUMNS,
            judged_after_training_on=(judged_from - timedelta(days=horizon_days),),
            refitted_on=(judged_from + timedelta(days=JUDGED_DAYS),),
            data_hash=data_hash,
            parameters=candidate.parameters,
            notes=(why,),
        )
        for name, candidate in CANDIDATES.items()
    ]
