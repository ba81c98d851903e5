"""What the models of buying read: how often, how lately, for how long."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
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

    def told_once(self) -> "tuple[History, NDArray[np.integer[Any]]]":
        """Equal histories told once, and which of those each row here belongs to."""
        import pandas as pd

        told = pd.DataFrame({name: getattr(self, name) for name in _KEYS})
        groups = told.groupby(list(_KEYS), sort=True)
        group = groups.ngroup().to_numpy()
        first = np.unique(group, return_index=True)[1]
        once = History(
            **{name: getattr(self, name)[first] for name in _KEYS},
            customers=np.bincount(group, weights=self.customers).astype(np.float64),
        )
        return once, group
