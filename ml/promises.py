"""How scores turned out, beside what their model promised when it was chosen.

Windows differ, so what was promised is kept unless the difference is beyond the luck of
who was judged, then and now (four standard errors), and large besides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ml.cards.resampling import of_amounts, of_probabilities, resample
from ml.measures import of_amounts as all_of_amounts
from ml.measures import of_probabilities as all_of_probabilities
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    from ml.cards.resampling import Resampled

    Numbers = NDArray[np.float64]

ASKS = "asks_for_training"
"""1 where outcomes say that the scores' model no longer holds."""

BEYOND_LUCK = 4.0
_LOST_SHARE = 0.2
_MOST_OFF, _MOST_BIAS = 0.02, 0.2
_LEAST_SPREAD = 1e-9


def errors(
    figures: "Resampled", model: str, names: tuple[str, ...]
) -> dict[str, float]:
    """The standard errors of some of a model's figures, as ml.models keeps them."""
    return {f"backtest_{name}_error": _error(figures, model, name) for name in names}


def of_chances(
    happened: "Numbers", said: "Numbers", promised: Mapping[str, float]
) -> dict[str, float]:
    """Figures of chances whose outcomes are known, and whether they ask for training.

    They do where people are ranked worse than was promised (average precision, above
    what the base rate gives anybody), where as many as came could not come by luck and
    chances are further off than was promised, or where the base rate alone would have
    said better. `promised` are the model's figures in ml.models; without any of ranking
    nothing is asked of ranking.
    """
    found = all_of_probabilities(happened, said)
    measure = of_probabilities(happened, said)
    figures = resample(len(said), lambda weights: {"": measure(weights)})
    spread = np.sqrt(np.sum(said * (1 - said))) + _LEAST_SPREAD
    off = float((happened.sum() - said.sum()) / spread)
    aside = abs(float(happened.mean() - said.mean()))
    is_off = abs(off) > BEYOND_LUCK and aside > promised.get("ece", 0.0) + _MOST_OFF
    plain = all_of_probabilities(happened, np.full(len(said), happened.mean()))
    lost = _ranking_lost(found, _error(figures, "", "average_precision"), promised)
    asks = is_off or found["log_loss"] > plain["log_loss"] or lost.is_grave
    return {
        **found,
        "leavers_off_by_errors": off,
        "ranking_lost_by_errors": lost.by_errors,
        ASKS: float(asks),
    }


def of_money(
    spent: "Numbers", said: "Numbers", promised: Mapping[str, float]
) -> dict[str, float]:
    """Figures of amounts whose outcomes are known, and whether they ask for training.

    They do where the total is further from what came, or people are ranked worse, than
    was promised.
    """
    found = all_of_amounts(spent, said)
    measure = of_amounts(spent, said)
    figures = resample(len(said), lambda weights: {"": measure(weights)})
    bias = _Gap.of(found["bias"], _error(figures, "", "bias"), promised, "bias")
    rank = _Gap.of(
        found["spearman"], _error(figures, "", "spearman"), promised, "spearman"
    )
    asks = bool(promised) and (
        (abs(bias.by_errors) > BEYOND_LUCK and abs(bias.size) > _MOST_BIAS)
        or (rank.by_errors < -BEYOND_LUCK and rank.size < -_LOST_SHARE * rank.promised)
    )
    return {
        **found,
        "bias_off_by_errors": bias.by_errors,
        "ranking_lost_by_errors": -rank.by_errors,
        ASKS: float(asks),
    }


def promised_by(client: "Client", model_id: str) -> dict[str, float]:
    """What a model's figures were when it was judged; none of an unknown model."""
    found = rows(
        client,
        "select metrics from ml.models where model_id = {model:String}"
        " order by trained_at desc limit 1",
        {"model": model_id},
    )
    return dict(found[0]["metrics"]) if found else {}


def asking(client: "Client", kind: str, model_id: str, as_of: date) -> list[date]:
    """The days before one whose scores, written by a model, ask for training."""
    found = rows(
        client,
        "select as_of from ml.watch where kind = {kind:String} and watch = 'outcome'"
        " and model_id = {model:String} and subject = {asks:String} and value > 0"
        " and as_of < {day:Date} order by as_of",
        {"kind": kind, "model": model_id, "asks": ASKS, "day": as_of},
    )
    return [row["as_of"] for row in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    by_errors: float
    is_grave: bool


def _ranking_lost(
    found: Mapping[str, float], error: float, promised: Mapping[str, float]
) -> _Lost:
    """Average precision above the base rate, as a share of what could be above it."""
    said = promised.get("backtest_average_precision")
    if said is None:
        return _Lost(by_errors=0.0, is_grave=False)
    then, now = promised.get("base_rate", 0.0), found["base_rate"]
    once = (said - then) / max(1 - then, _LEAST_SPREAD)
    gained = (found["average_precision"] - now) / max(1 - now, _LEAST_SPREAD)
    both = np.hypot(
        error / max(1 - now, _LEAST_SPREAD),
        promised.get("backtest_average_precision_error", error)
        / max(1 - then, _LEAST_SPREAD),
    )
    by_errors = float((once - gained) / (both + _LEAST_SPREAD))
    return _Lost(
        by_errors=by_errors,
        is_grave=by_errors > BEYOND_LUCK and gained < (1 - _LOST_SHARE) * once,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gap:
    """How far a figure is from what was promised, in its own unit and in errors."""

    promised: float
    size: float
    by_errors: float

    @classmethod
    def of(
        cls, found: float, error: float, promised: Mapping[str, float], name: str
    ) -> "_Gap":
        said = promised.get(f"backtest_{name}", found)
        both = np.hypot(error, promised.get(f"backtest_{name}_error", error))
        size = found - said
        return cls(
            promised=said, size=size, by_errors=float(size / (both + _LEAST_SPREAD))
        )


def _error(figures: "Resampled", model: str, name: str) -> float:
    drawn = np.array([each[model][name] for each in figures.again])
    drawn = drawn[np.isfinite(drawn)]
    return float(drawn.std()) if len(drawn) else 0.0
