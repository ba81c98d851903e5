"""Measure how good a prediction was, on outcomes it had not seen."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_BINS = 10
_TOP_SHARE = 0.1
_SMALLEST = 1e-15


def of_probabilities(happened: "Numbers", probability: "Numbers") -> dict[str, float]:
    """Ranking, calibration and sharpness of probabilities of a yes-or-no outcome.

    `happened` is 0 or 1 and must hold both.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "people": float(len(happened)),
        "base_rate": float(happened.mean()),
        "average_precision": float(average_precision_score(happened, probability)),
        "auc": float(roc_auc_score(happened, probability)),
        "brier": float(np.mean((probability - happened) ** 2)),
        "log_loss": log_loss(happened, probability),
        "ece": calibration_error(happened, probability),
        "lift_at_10_percent": lift(happened, probability),
    }


def log_loss(happened: "Numbers", probability: "Numbers") -> float:
    """Mean negative log-likelihood of the outcomes, in nats."""
    return float(np.mean(log_losses(happened, probability)))


def log_losses(happened: "Numbers", probability: "Numbers") -> "Numbers":
    """Negative log-likelihood of each outcome, in nats."""
    sure = np.clip(probability, _SMALLEST, 1 - _SMALLEST)
    losses: Numbers = -np.where(happened > 0, np.log(sure), np.log1p(-sure))
    return losses


def calibration_error(happened: "Numbers", probability: "Numbers") -> float:
    """Expected calibration error over `tenths` of the people."""
    bins = tenths(probability)
    gaps = np.bincount(bins, weights=probability - happened, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(happened))


def tenths(predicted: "Numbers") -> "NDArray[np.intp]":
    """Each person's bin of ten of about equally many people, the lowest first.

    Equal predictions share a bin, so the order of people cannot change it.
    """
    edges = np.quantile(predicted, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.searchsorted(edges, predicted, side="left")


def lift(
    happened: "Numbers", probability: "Numbers", share: float = _TOP_SHARE
) -> float:
    """Rate among the top share of people over the rate among all.

    People tied at the cut count in part, as if drawn by lot.
    """
    wanted = share * len(happened)
    cut = np.sort(probability)[::-1][max(int(np.ceil(wanted)), 1) - 1]
    above, tied = probability > cut, probability == cut
    hits = happened[above].sum() + (wanted - above.sum()) * happened[tied].mean()
    return float(hits / wanted / happened.mean())


def of_amounts(actual: "Numbers", predicted: "Numbers") -> dict[str, float]:
    """Error, bias and ranking of predicted amounts, in the amounts' own unit.

    `bias` is the predicted total's excess as a share of the actual total, or of
    the predicted one when nothing happened at all.
    """
    error = predicted - actual
    whole = abs(actual.sum()) or abs(predicted.sum()) or 1.0
    return {
        "people": float(len(actual)),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "total_actual": float(actual.sum()),
        "total_predicted": float(predicted.sum()),
        "bias": float(error.sum() / whole),
        "spearman": spearman(actual, predicted),
    }


def spearman(one: "Numbers", other: "Numbers") -> float:
    """Rank correlation; 0 where one side says the same of everybody."""
    from scipy.stats import rankdata

    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])
