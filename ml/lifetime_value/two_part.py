"""What customers will spend, told by trees in two parts: whether, and how much.

The parts learn from earlier days, whose outcomes are known: a classifier of whether
anything was spent, and a regression of the logarithm of what was, brought back to
money by Duan's smearing (Journal of the American Statistical Association 78, 1983).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ml.lifetime_value.customers import Customers, Seen
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

PARAMETERS: Mapping[str, Any] = {
    "num_iterations": 120,
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 30,
    "lambda_l2": 10.0,
    "feature_fraction": 0.8,
    "seed": 20260301,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
WHETHER, HOW_MUCH, SCALE = "whether.txt", "how_much.txt", "scale.json"
LEAST_SPENDERS = 40
_WHETHER = {**PARAMETERS, "objective": "binary"}
_HOW_MUCH = {**PARAMETERS, "objective": "regression"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """For each customer: the chance to spend, the purchases and what they come to."""

    chance: "Numbers"
    purchases: "Numbers"
    value: "Numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPart:
    """Both parts as LightGBM's text, and the factors that bring logs back to money.

    `smearing` is the mean ratio of what was spent to the exponential of what was
    said; `repeats` the mean purchase days of those who spent.
    """

    whether: str
    how_much: str
    smearing: float
    repeats: float

    @classmethod
    def fit(cls, earlier: Sequence[Seen]) -> Self:
        """Learn from days whose outcomes are known. Raises NotEnoughData."""
        enough(earlier)
        spent = np.concatenate([day.spent for day in earlier])
        spends = spent > 0
        rows = np.concatenate([columns(day.customers) for day in earlier])
        bought = np.concatenate([day.bought for day in earlier])
        logs = np.log(spent[spends])
        whether = grown(rows, spends.astype(np.float64), _WHETHER)
        how_much = grown(rows[spends], logs, _HOW_MUCH)
        return cls(
            whether=whether,
            how_much=how_much,
            smearing=float(np.mean(np.exp(logs - said(how_much, rows[spends])))),
            repeats=float(np.maximum(bought[spends], 1).mean()),
        )

    def tell(self, customers: Customers) -> Told:
        """What each customer will do in a horizon like those learned from."""
        rows = columns(customers)
        chance = said(self.whether, rows)
        each = np.exp(said(self.how_much, rows)) * self.smearing
        return Told(chance=chance, purchases=chance * self.repeats, value=chance * each)

    def files(self) -> dict[str, str]:
        """The model as text by file name."""
        scale = {"smearing": self.smearing, "repeats": self.repeats}
        return {
            WHETHER: self.whether,
            HOW_MUCH: self.how_much,
            SCALE: json.dumps(scale),
        }

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The model that `files` wrote."""
        scale = json.loads(files[SCALE])
        return cls(whether=files[WHETHER], how_much=files[HOW_MUCH], **scale)


def enough(earlier: Sequence[Seen]) -> None:
    """Raise NotEnoughData unless trees can learn who will spend from these days."""
    spent = np.concatenate([day.spent for day in earlier] or [np.zeros(0)])
    spends = int((spent > 0).sum())
    if not LEAST_SPENDERS <= spends <= len(spent) - LEAST_SPENDERS:
        raise NotEnoughData(
            f"The two-part model needs {LEAST_SPENDERS} who spent and as many who"
            f" did not; of {len(spent)} people {spends} spent. Import more history."
        )


def columns(customers: Customers) -> "Numbers":
    """A row of numbers for each customer, the same columns in the same order."""
    told = customers.history
    silence = told.age - told.recency
    cadence = told.recency / np.maximum(told.frequency, 1)
    own = [told.frequency, told.recency, told.age, silence, cadence]
    named = [customers.activity[name] for name in sorted(customers.activity)]
    return np.column_stack([*own, customers.mean_value, *named])


def grown(
    rows: "Numbers",
    target: "Numbers",
    parameters: Mapping[str, Any],
    *,
    weights: "Numbers | None" = None,
    offset: "Numbers | None" = None,
) -> str:
    """Trees that tell a target from rows, as LightGBM's text.

    `offset` is what they start from, on their own scale; it is no part of the text.
    """
    import lightgbm

    rounds = parameters["num_iterations"]
    others = {n: one for n, one in parameters.items() if n != "num_iterations"}
    data = lightgbm.Dataset(rows, label=target, weight=weights, init_score=offset)
    trees: str = lightgbm.train(others, data, num_boost_round=rounds).model_to_string()
    return trees


def said(trees: str, rows: "Numbers", *, is_raw: bool = False) -> "Numbers":
    """What trees tell of each row; `is_raw` on their own scale."""
    import lightgbm

    booster = lightgbm.Booster(model_str=trees)
    told = booster.predict(rows, num_threads=2, raw_score=is_raw)
    return np.asarray(told, np.float64)
