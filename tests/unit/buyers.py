"""Crowds whose way of buying is known by construction, as lifetime value reads them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ml.lifetime_value.customers import DAYS_A_WEEK, Customers, Seen
from ml.lifetime_value.history import History

Numbers = NDArray[np.float64]
Owners = NDArray[np.int64]
START = date(2025, 1, 1)
HORIZON = 28
_LONGEST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What was paid: a row for what a customer bought on a day, one for refunds."""

    owner: Owners
    day: Numbers
    amount: Numbers

    @classmethod
    def of(cls, owner: Owners, day: Numbers, amount: Numbers) -> Self:
        """Payments in any order, several on one day told as one; none after inf."""
        came = np.isfinite(day)
        whole = owner[came] * _LONGEST + np.floor(day[came]).astype(np.int64)
        rows, own = np.unique(whole * 2 + (amount[came] > 0), return_inverse=True)
        return cls(
            owner=rows // 2 // _LONGEST,
            day=(rows // 2 % _LONGEST).astype(np.float64),
            amount=np.bincount(own, amount[came]),
        )

    def seen_on(self, at: float) -> Seen:
        """Everyone who had bought before a day, and what they did in the horizon."""
        size = int(self.owner.max()) + 1
        bought = self.amount > 0
        known = bought & (self.day < at)
        coming = (self.day >= at) & (self.day < at + HORIZON)

        def total(rows: NDArray[np.bool_], of_each: Numbers) -> Numbers:
            return np.bincount(self.owner[rows], of_each[rows], minlength=size)

        first, last = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(first, self.owner[known], self.day[known])
        np.maximum.at(last, self.owner[known], self.day[known])
        here = np.isfinite(first)
        days = total(known, np.ones(len(known)))[here]
        return Seen(
            day=START + timedelta(days=at),
            people=np.flatnonzero(here).astype(str).astype(object),
            customers=Customers(
                history=History.of(
                    days - 1,
                    (last - first)[here] / DAYS_A_WEEK,
                    (at - first[here]) / DAYS_A_WEEK,
                ),
                mean_value=total(known, self.amount)[here] / days,
            ),
            spent=total(coming, self.amount)[here],
            bought=total(coming & bought, np.ones(len(known)))[here],
        )


def silent_days(seen: Seen) -> Numbers:
    """Days since the last purchase of each."""
    told = seen.customers.history
    return np.round((told.age - told.recency) * DAYS_A_WEEK)


def still_here(silent: Numbers, *, buys: Numbers, leaves: Numbers | float) -> Numbers:
    """The chance of not having left in a silence, by rates of buying and leaving."""
    both = buys + leaves
    gone = leaves / both * np.expm1(np.minimum(both * silent, 500))
    return np.asarray(1 / (1 + gone))
