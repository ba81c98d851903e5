"""What share of a customer's expected money is for subscriptions; the rest is single.

Each unit of money is for the one or for the other. What is learned with everyone
weighed by what they paid estimates the ratio of two expectations (fractional responses:
Papke and Wooldridge, Journal of Applied Econometrics 11, 1996). Who tells the whole may
tell too little of subscribers and too much of others: therefore all shares lean, by as
much as brings both sums of earlier windows to what was paid in them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from ml.cards.resampling import resample
from ml.lifetime_value import two_part
from ml.measures import of_amounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml.lifetime_value.contest import Trial
    from ml.lifetime_value.customers import Customers, Seen

    Numbers = NDArray[np.float64]

SUBSCRIPTION, SINGLE = "subscription", "single"
RULE, TREES = "own_share", "share_trees"
FILE, GROWN = "share.json", "share.txt"
LEAST_OF_EACH = 40
_PARAMETERS = {**two_part.PARAMETERS, "objective": "cross_entropy"}
_PAID = ("subscription_minor_56", "single_minor_56")
_SURE = 1e-6
_MOST_LEAN = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A customer's own share of late, drawn to the usual one, or trees that read it.

    `usual` counts as much as `trust` minor units of the customer's own would. Without
    `trees` the drawn share is the answer. `lean` is added to all log-odds.
    """

    usual: float
    trust: float
    trees: str = ""
    lean: float = 0.0

    @classmethod
    def of_own(cls, customers: "Customers", earlier: "Sequence[Seen]") -> Self:
        """The usual share is that of what came after earlier days, else of late."""
        paid = [_paid(day.spent, day.subscribed) for day in earlier]
        paid.append(_lately(customers))
        sums = [(float(one.sum()), float(other.sum())) for one, other in paid]
        told = [both for both in sums[:-1] if sum(both)] or sums[-1:]
        subscribed, single = (sum(side) for side in zip(*told, strict=True))
        whole = subscribed + single
        each = np.maximum(customers.mean_value, 0.0)
        return cls(
            usual=subscribed / whole if whole else 0.0,
            trust=max(float(each.mean()), 1.0) if len(each) else 1.0,
        )

    def grown(self, earlier: "Sequence[Seen]") -> "Share | None":
        """The same with trees of what came after earlier days; None of too few."""
        paid = [_paid(day.spent, day.subscribed) for day in earlier]
        payers = [sum(int((side[at] > 0).sum()) for side in paid) for at in (0, 1)]
        if min(payers) < LEAST_OF_EACH:
            return None
        subscribed, single = (np.concatenate(s) for s in zip(*paid, strict=True))
        rows = np.concatenate([self._columns(day.customers) for day in earlier])
        whole = subscribed + single
        here = whole > 0
        trees = two_part.grown(
            rows[here],
            subscribed[here] / whole[here],
            _PARAMETERS,
            weights=whole[here] / whole[here].mean(),
        )
        return Share(usual=self.usual, trust=self.trust, trees=trees)

    def of(self, customers: "Customers") -> "Numbers":
        """The share of each customer, from 0 to 1."""
        if not self.trees:
            return leant(self._own(customers), self.lean)
        return leant(two_part.said(self.trees, self._columns(customers)), self.lean)

    def _own(self, customers: "Customers") -> "Numbers":
        subscribed, single = _lately(customers)
        drawn: Numbers = (subscribed + self.trust * self.usual) / (
            subscribed + single + self.trust
        )
        return drawn

    def _columns(self, customers: "Customers") -> "Numbers":
        return np.column_stack([self._own(customers), two_part.columns(customers)])

    def files(self) -> dict[str, str]:
        """The share as text by file name."""
        told = {"usual": self.usual, "trust": self.trust, "lean": self.lean}
        return {FILE: json.dumps(told), GROWN: self.trees}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The share that `files` wrote."""
        return cls(**json.loads(files[FILE]), trees=files[GROWN])


def shares(customers: "Customers", earlier: "Sequence[Seen]") -> dict[str, Share]:
    """The rule, and trees where earlier days teach some."""
    rule = Share.of_own(customers, earlier)
    trees = rule.grown(earlier)
    return {RULE: rule} if trees is None else {RULE: rule, TREES: trees}


def chosen(trials: "Sequence[Trial]") -> str:
    """Trees, where they told shares of later windows better beyond luck; or the rule.

    By the log loss of each unit of money, everyone weighed by what they paid.
    """
    if any(TREES not in one.shares for one in trials):
        return RULE
    names = np.concatenate([one.people for one in trials]).astype(str)
    people, own = np.unique(names, return_inverse=True)
    losses = {
        name: np.concatenate([_losses(one, one.shares[name]) for one in trials])
        for name in (RULE, TREES)
    }
    figures = resample(
        len(people),
        lambda weights: {
            name: {"loss": float(weights[own] @ each)} for name, each in losses.items()
        },
    )
    return TREES if figures.difference(TREES, RULE, "loss").high < 0 else RULE


def told_apart(
    trials: "Sequence[Trial]", estimator: str, share: str
) -> dict[str, dict[str, float]]:
    """How good each of the two sums was, over all windows together; minor units.

    In each window shares lean as the windows before it say.
    """
    value = np.concatenate([one.expected[estimator].value for one in trials])
    shares_of = np.concatenate(
        [
            leant(one.shares[share], leaning(trials[:at], estimator, share))
            for at, one in enumerate(trials)
        ]
    )
    spent = np.concatenate([one.spent for one in trials])
    subscribed = np.concatenate([one.subscribed for one in trials])
    return {
        SUBSCRIPTION: of_amounts(subscribed, value * shares_of),
        SINGLE: of_amounts(spent - subscribed, value * (1 - shares_of)),
    }


def leaning(trials: "Sequence[Trial]", estimator: str, share: str) -> float:
    """By how much shares of what an estimator says must lean to make both sums right.

    0 without windows, or where all that was paid in them was of one kind.
    """
    from scipy.optimize import brentq

    spent = sum(float(one.spent.sum()) for one in trials)
    subscribed = sum(float(one.subscribed.sum()) for one in trials)
    if not 0 < subscribed < spent:
        return 0.0
    value = np.concatenate([one.expected[estimator].value for one in trials])
    shares_of = np.concatenate([one.shares[share] for one in trials])

    def over(lean: float) -> float:
        told = float(value @ leant(shares_of, lean))
        return told - float(value.sum()) * subscribed / spent

    if over(-_MOST_LEAN) * over(_MOST_LEAN) >= 0:
        return 0.0
    return float(brentq(over, -_MOST_LEAN, _MOST_LEAN, xtol=1e-9))


def leant(share: "Numbers", lean: float) -> "Numbers":
    """Shares whose odds are all greater by one factor; none and all stay."""
    odds = share * np.exp(lean)
    moved: Numbers = odds / (odds + 1 - share)
    return moved


def _losses(trial: "Trial", share: "Numbers") -> "Numbers":
    subscribed, single = _paid(trial.spent, trial.subscribed)
    sure = np.clip(share, _SURE, 1 - _SURE)
    losses: Numbers = -(subscribed * np.log(sure) + single * np.log1p(-sure))
    return losses


def _paid(spent: "Numbers", subscribed: "Numbers") -> "tuple[Numbers, Numbers]":
    """What was paid for subscriptions, and for the rest; below 0 counts as 0."""
    return np.maximum(subscribed, 0.0), np.maximum(spent - subscribed, 0.0)


def _lately(customers: "Customers") -> "tuple[Numbers, Numbers]":
    """The same of the 56 days before; nothing where that is not known."""
    none = np.zeros(len(customers))
    subscribed, single = (
        np.maximum(customers.activity.get(name, none), 0.0) for name in _PAID
    )
    return subscribed, single
