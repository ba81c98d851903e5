"""Crowds whose way of buying is known by construction, as lifetime value reads them."""

from collections.abc import Mapping
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
LATELY = 56
_LONGEST = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """When whom was seen: a row a visit, in any order."""

    owner: Owners
    day: Numbers

    def known_of(self, size: int, at: float) -> Mapping[str, Numbers]:
        """What features tell of the visits of each before a day, by their names."""
        days_ago = at - self.day

        def counted(days: int, *, since: int = 0, once: bool = False) -> Numbers:
            rows = (days_ago > since) & (days_ago <= days)
            owner, day = self.owner[rows], np.floor(self.day[rows])
            if once:
                pairs = np.unique(owner * _LONGEST + day.astype(np.int64))
                owner = pairs // _LONGEST
            return np.bincount(owner, minlength=size).astype(np.float64)

        return {
            "days_since_last_active": at - self.last(size, at),
            "active_days_28": counted(28, once=True),
            "active_days_56": counted(56, once=True),
            "sessions_28": counted(28),
            "sessions_prev_28": counted(56, since=28),
        }

    def last(self, size: int, at: float) -> Numbers:
        """The moment of each one's last visit before a day; long ago without any."""
        before = self.day < at
        found = np.full(size, at - 1000.0)
        np.maximum.at(found, self.owner[before], self.day[before])
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What was paid: a row for what a customer bought on a day, one for refunds.

    `subscribed` is what of an amount was for subscriptions.
    """

    owner: Owners
    day: Numbers
    amount: Numbers
    subscribed: Numbers
    visits: Visits | None = None

    @classmethod
    def of(
        cls,
        owner: Owners,
        day: Numbers,
        amount: Numbers,
        *,
        subscribed: Numbers | None = None,
        visits: Visits | None = None,
    ) -> Self:
        """Payments in any order, several on one day told as one; none after inf."""
        came = np.isfinite(day)
        whole = owner[came] * _LONGEST + np.floor(day[came]).astype(np.int64)
        rows, own = np.unique(whole * 2 + (amount[came] > 0), return_inverse=True)
        of_these = np.zeros(len(own)) if subscribed is None else subscribed[came]
        return cls(
            owner=rows // 2 // _LONGEST,
            day=(rows // 2 % _LONGEST).astype(np.float64),
            amount=np.bincount(own, amount[came]),
            subscribed=np.bincount(own, of_these),
            visits=visits,
        )

    def seen_on(self, at: float) -> Seen:
        """Everyone who had bought before a day, and what they did in the horizon."""
        size = int(self.owner.max()) + 1
        if self.visits is not None:
            size = max(size, int(self.visits.owner.max()) + 1)
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
        lately = known & (self.day >= at - LATELY)
        single = self.amount - self.subscribed
        activity = {
            "subscription_minor_56": total(lately, self.subscribed),
            "single_minor_56": total(lately, single),
        }
        if self.visits is not None:
            activity |= self.visits.known_of(size, at)
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
                activity={name: values[here] for name, values in activity.items()},
            ),
            spent=total(coming, self.amount)[here],
            subscribed=total(coming, self.subscribed)[here],
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
