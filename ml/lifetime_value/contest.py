"""Let model and rule tell what customers spent in a window they have not seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.lifetime_value.customers import DAYS_A_WEEK, Customers
from ml.lifetime_value.estimators import CANDIDATES, MODEL, RULE, Expectation
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What each candidate expected of customers, and what they did then."""

    customers: Customers
    spent: "Numbers"
    bought: "Numbers"
    expected: Mapping[str, Expectation]

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """How good each candidate was; amounts in minor units."""
        found = {}
        for name, expected in self.expected.items():
            of_purchases = of_amounts(self.bought, expected.purchases)
            found[name] = {
                **of_amounts(self.spent, expected.value),
                **{
                    f"purchases_{measure}": of_purchases[measure]
                    for measure in ("mae", "rmse", "bias")
                },
            }
        return found


def judge(
    customers: Customers, *, spent: "Numbers", bought: "Numbers", horizon_days: int
) -> dict[str, dict[str, float]]:
    """Measure every candidate as `trial` tries it."""
    tried = trial(customers, spent=spent, bought=bought, horizon_days=horizon_days)
    return tried.metrics


def trial(
    customers: Customers, *, spent: "Numbers", bought: "Numbers", horizon_days: int
) -> Trial:
    """Fit every candidate on the histories and ask it about what followed."""
    weeks = horizon_days / DAYS_A_WEEK
    return Trial(
        customers=customers,
        spent=spent,
        bought=bought,
        expected={
            name: candidate.fit(customers).expect(customers, weeks)
            for name, candidate in CANDIDATES.items()
        },
    )


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
