"""Let model and rule tell what customers spent in a window they have not seen."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ml.lifetime_value.customers import DAYS_A_WEEK, Customers
from ml.lifetime_value.estimators import CANDIDATES, MODEL, RULE
from ml.measures import of_amounts
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

LEAST_CUSTOMERS = 50
LEAST_REPEATERS = 20

MUST_BEAT: Mapping[str, int] = {"rmse": -1, "spearman": 1}
"""What the model must beat the rule on; the sign says which way is better. Not the
mean absolute error: most customers buy nothing in a short window, and it would
prefer whoever says 0 of everybody."""


def judge(
    customers: Customers, *, spent: "Numbers", bought: "Numbers", horizon_days: int
) -> dict[str, dict[str, float]]:
    """Fit on the histories and measure on what followed; amounts in minor units."""
    weeks = horizon_days / DAYS_A_WEEK
    metrics = {}
    for name, candidate in CANDIDATES.items():
        expected = candidate.fit(customers).expect(customers, weeks)
        of_purchases = of_amounts(bought, expected.purchases)
        metrics[name] = {
            **of_amounts(spent, expected.value),
            **{
                f"purchases_{measure}": of_purchases[measure]
                for measure in ("mae", "rmse", "bias")
            },
        }
    return metrics


def enough(customers: Customers, what: str) -> None:
    """Raise NotEnoughData, naming what lacks, unless buying can be learned here."""
    repeaters = int((customers.history.frequency > 0).sum())
    lacks = [
        f"{found} of {needed} {kind} needed"
        for kind, found, needed in (
            ("people who paid", len(customers), LEAST_CUSTOMERS),
            ("people who paid again on a later day", repeaters, LEAST_REPEATERS),
        )
        if found < needed
    ]
    if lacks:
        raise NotEnoughData(
            f"Lifetime value cannot be learned: {what} has {' and '.join(lacks)}."
            " Import more history, or choose a later --as-of."
        )


def choose(metrics: Mapping[str, Mapping[str, float]]) -> tuple[str, str]:
    """The one that is to write the scores, and why."""
    model, rule = metrics[MODEL], metrics[RULE]
    won = all(sign * (model[one] - rule[one]) > 0 for one, sign in MUST_BEAT.items())
    beside = (
        f"BG/NBD's RMSE is {model['rmse']:.1f} beside the rule's {rule['rmse']:.1f},"
        f" its rank correlation {model['spearman']:.3f} beside {rule['spearman']:.3f}"
    )
    if won:
        return MODEL, f"bg_nbd writes the scores: on the later window {beside}."
    return RULE, (
        "The rate rule writes the scores: on the later window BG/NBD did not beat it"
        f" in both; {beside}."
    )
