"""What the models of buying read: how often, how lately, for how long."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_KEYS = ("frequency", "recency", "age")


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Purchases of customers: repeats, week of the last, weeks since the first.

    One value per customer, or per group of `customers` with the same history.
    """

    frequency: "Numbers"
    recency: "Numbers"
    age: "Numbers"
    customers: "Numbers"
    kinds: "Mapping[str, tuple[Numbers, NDArray[np.intp]]]" = field(
        default_factory=dict, repr=False
    )
    """By name of a column: its different values, and which of them each row has."""

    @classmethod
    def of(cls, frequency: "Numbers", recency: "Numbers", age: "Numbers") -> Self:
        """One customer each."""
        return cls(
            frequency=frequency,
            recency=recency,
            age=np.maximum(age, recency),
            customers=np.ones_like(frequency),
        )

    def grouped(self) -> "History":
        """The same customers, equal histories told once: days repeat, so few remain."""
        return self.told_once()[0]

    def told_once(self) -> "tuple[History, NDArray[np.intp]]":
        """Equal histories told once, and which of those each row here belongs to.

        They stand in order of frequency, recency and age, however the rows came.
        """
        import pandas as pd

        code = np.zeros(len(self.age), dtype=np.int64)
        found = {}
        for name in _KEYS:
            codes, values = pd.factorize(getattr(self, name), sort=True)
            code = code * max(len(values), 1) + codes
            found[name] = (codes, np.asarray(values, dtype=np.float64))
        # values that many share are few, so that their codes fit an integer
        group, rows = _in_order(code)
        at = {name: codes[rows] for name, (codes, _) in found.items()}
        kinds = {name: (values, at[name]) for name, (_, values) in found.items()}
        once = History(
            **{name: values[here] for name, (values, here) in kinds.items()},
            customers=np.bincount(
                group, weights=self.customers, minlength=len(rows)
            ).astype(np.float64),
            kinds=kinds,
        )
        return once, group

    def each(self, name: str, of_values: "Callable[[Numbers], Numbers]") -> "Numbers":
        """A function of one column, computed once for each different value."""
        if name not in self.kinds:
            return of_values(getattr(self, name))
        values, rows = self.kinds[name]
        found: Numbers = of_values(values)[rows]
        return found

    def mean(self, values: "Numbers") -> float:
        """Of one value a row, over all customers.

        Without a matrix product: threads of those cost more than they bring here, and
        sum in another order on another machine.
        """
        return float(np.sum(values * self.customers) / np.sum(self.customers))

    def mean_of(self, name: str, of_values: "Callable[[Numbers], Numbers]") -> float:
        """The mean over all customers of a function of one column."""
        if name not in self.kinds:
            return self.mean(of_values(getattr(self, name)))
        values, rows = self.kinds[name]
        here = np.bincount(rows, weights=self.customers, minlength=len(values))
        return float(np.sum(of_values(values) * here) / np.sum(self.customers))

    def sample(self, rows: int) -> "History":
        """About so many rows that stand for all: those of many customers, and others.

        Of histories that few customers share one in some is taken, and stands for as
        many as were passed over. The same rows on every call.
        """
        step = -(-len(self.age) // rows)
        if step <= 1:
            return self
        common = self.customers >= step
        taken = np.zeros(len(self.age), dtype=bool)
        taken[np.flatnonzero(~common)[step // 2 :: step]] = True
        weights = np.where(common, self.customers, self.customers * step)
        kept = common | taken
        return History(
            **{name: getattr(self, name)[kept] for name in _KEYS},
            customers=weights[kept],
        )


def _in_order(code: "NDArray[np.int64]") -> "tuple[NDArray[np.intp], NDArray[np.intp]]":
    """The group of each code, groups in order of code, and a row of each group."""
    import pandas as pd

    group, values = pd.factorize(code, sort=True)
    rows = np.zeros(len(values), dtype=np.intp)
    rows[group] = np.arange(len(code))
    return group.astype(np.intp), rows
