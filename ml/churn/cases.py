"""Backtest and score the case kind `churn`: a folder with logs of events."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.churn import backtest, event_logs, log_features, tables
from ml.churn.backtest import Backtest
from ml.churn.log_rhythm import SILENT
from ml.churn.observation import observed
from ml.churn.profit import Costs
from warehouse.errors import BadInput, NotEnoughData

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

LABELS = "train_labels.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A backtest, the scores of the others, and what a reader should know.

    `scores`: user_id and churn_probability; None where there was nobody to score.
    """

    found: Backtest
    scores: "pd.DataFrame | None"
    notes: tuple[str, ...]


def of_table(path: Path, target: str, costs: Costs | None = None) -> Answer:
    """Backtest on a CSV of customers; see `tables.read`."""
    people, left = tables.read(path, target)
    return Answer(found=backtest.run(people, left, None, costs), scores=None, notes=())


def of_folder(
    folder: Path, params: Mapping[str, Any], costs: Costs | None = None
) -> Answer:
    """Backtest on train_events.jsonl.gz, then score everyone of score_events.jsonl.gz.

    Only events within the observation days of each person's first are read as
    features. Where too few left or stayed to judge a model, a plain rule or the base
    rate scores, and that is said. Raises BadInput when a file or parameter lacks.
    """
    observation = _days(params, "observation_days")
    log = event_logs.read(_file(folder, "train_events"))
    seen = observed(log, observation)
    vocabulary = log_features.learn(log, seen)
    people = log_features.features(log, seen, vocabulary)
    if (folder / LABELS).is_file():
        left, without = _labelled(folder / LABELS, people.index), "label"
    else:
        left = _followed(log, observation, _days(params, "churn_period_days"))
        left, without = left.reindex(people.index), "whole churn period in the log"
    known = left.notna().to_numpy()
    learned, outcome = people[known], np.asarray(left[known], np.float64)
    try:
        found = backtest.run(learned, outcome, SILENT, costs)
    except NotEnoughData as why:
        found = backtest.unjudged(outcome, str(why))
    others = event_logs.read(_file(folder, "score_events"))
    asked = log_features.features(others, observed(others, observation), vocabulary)
    chances = backtest.score(learned, outcome, asked, found=found, column=SILENT)
    scores = asked.index.to_frame(index=False).assign(churn_probability=chances)
    told = {
        f"people of the training log without a {without}, left out": (~known).sum(),
        "lines that are no event, passed over": log.unreadable + others.unreadable,
    }
    notes = tuple(f"{count} {what}" for what, count in told.items() if count)
    return Answer(found=found, scores=scores, notes=notes)


def _followed(
    log: "event_logs.EventLog", observation: float, churn_period: float
) -> "pd.Series[float]":
    """1 for people without an event in the churn period, 0 for others.

    Those whose period ends after the log does are left out, whatever they did: to
    keep only the ones seen again would make leaving look rarer. Where that is
    everybody, as in a log cut at the last event of a period, all are kept.
    """
    import pandas as pd

    events = log.events
    first = events.groupby("person")["at"].min()
    age = events["at"] - events["person"].map(first)
    within = (age > observation) & (age <= observation + churn_period)
    again = first.index.isin(events["person"][within].unique())
    complete = first + observation + churn_period <= events["at"].max()
    complete |= not complete.any()
    left: pd.Series[float] = pd.Series(1.0 - again, index=first.index)
    kept: pd.Series[float] = left[complete.to_numpy()]
    return kept


def _labelled(path: Path, people: "pd.Index[Any]") -> "pd.Series[float]":
    import pandas as pd

    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if not {"user_id", "churned"} <= set(table.columns):
        raise BadInput(f"{path} lacks the columns user_id and churned; name them so.")
    told = tables.yes_or_no(table["churned"], f"{path}: column 'churned'")
    labels = pd.Series(told, index=table["user_id"])
    return labels[~labels.index.duplicated()].reindex(people)


def _file(folder: Path, name: str) -> Path:
    packed = folder / f"{name}.jsonl.gz"
    plain = folder / f"{name}.jsonl"
    return plain if plain.is_file() and not packed.is_file() else packed


def _days(params: Mapping[str, Any], name: str) -> float:
    said = params.get(name)
    if isinstance(said, bool) or not isinstance(said, int | float) or said <= 0:
        raise BadInput(
            f"The case's parameter {name!r} is {said!r}; it is a number of days."
        )
    return float(said)
