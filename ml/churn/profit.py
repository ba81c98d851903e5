"""What writing to the people of the highest scores would earn, share by share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.cards.resampling import gains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from warehouse.settings import Settings

    Numbers = NDArray[np.float64]

_SHARES = np.linspace(0, 1, 101)
_HUNDRED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What keeping somebody costs and is worth, in minor units of money.

    `saved_share`: of those who would leave and are written to, the share that stays
    because of it. An assumption until interventions have measured it.
    """

    contact_minor: float = 50.0
    kept_minor: float = 3000.0
    saved_share: float = 0.1

    @property
    def break_even(self) -> float:
        """The chance of leaving above which writing pays; 1 where it never does."""
        worth = self.kept_minor * self.saved_share
        return min(self.contact_minor / worth, 1.0) if worth > 0 else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """The curve and its top.

    `shares` of people written to, the highest scores first; `minor_per_person`:
    profit over all people, written to or not. Nobody written to earns 0.
    """

    shares: tuple[float, ...]
    minor_per_person: tuple[float, ...]

    @property
    def best_share(self) -> float:
        """The smallest share of the largest profit."""
        return self.shares[int(np.argmax(self.minor_per_person))]

    @property
    def best_minor_per_person(self) -> float:
        """The largest profit; never below that of writing to nobody, 0."""
        return max(self.minor_per_person)


def curve(left: "Numbers", probability: "Numbers", costs: Costs) -> Profit:
    """Profit by share; people of equal scores are written to in part, as by lot."""
    found = gains(left, probability, _SHARES)(np.ones(len(left)))
    leavers = np.nan_to_num(found) * float(np.mean(left))
    earned = leavers * costs.saved_share * costs.kept_minor
    profit = earned - _SHARES * costs.contact_minor
    return Profit(
        shares=tuple(_SHARES.tolist()), minor_per_person=tuple(profit.tolist())
    )


def costs_of(settings: "Settings") -> Costs:
    """The costs that the settings name."""
    return Costs(
        contact_minor=settings.churn_contact_cost_minor,
        kept_minor=settings.churn_kept_value_minor,
        saved_share=settings.churn_saved_percent / _HUNDRED,
    )
