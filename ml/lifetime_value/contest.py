"""Let models and rules tell what customers did in windows they had not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ml.bar import Bar
from ml.cards.resampling import Measured, Resampled, of_amounts, resample
from ml.lifetime_value.customers import DAYS_A_WEEK, Customers, Seen
from ml.lifetime_value.estimators import (
    BASELINES,
    CANDIDATES,
    RULE,
    SAME,
    Expectation,
    Fitted,
)
from ml.lifetime_value.subscription_share import Share, shares
from ml.measures import of_amounts as all_of_amounts
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

LEAST_CUSTOMERS = 50
LEAST_REPEATERS = 20
MOST_ORIGINS = 3

BAR = Bar(
    rules=BASELINES,
    never=frozenset(BASELINES),
    must_beat={"rmse": -1, "spearman": 1},
    chosen_by="rmse",
)
"""What a model must beat each rule on. Not the mean absolute error: most customers buy
nothing in a short window, and it would prefer whoever says 0 of everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What each candidate expected of customers, and what they did then.

    `shares` are what was thought to be for subscriptions, `subscribed` what was.
    """

    people: "NDArray[np.object_]"
    customers: Customers
    spent: "Numbers"
    subscribed: "Numbers"
    bought: "Numbers"
    expected: Mapping[str, Expectation]
    shares: "Mapping[str, Numbers]" = field(default_factory=dict)
    unsound: frozenset[str] = frozenset()

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """How good each candidate was; amounts in minor units."""
        found = {}
        for name, expected in self.expected.items():
            of_purchases = all_of_amounts(self.bought, expected.purchases)
            found[name] = {
                **all_of_amounts(self.spent, expected.value),
                **{
                    f"purchases_{measure}": of_purchases[measure]
                    for measure in ("mae", "rmse", "bias")
                },
            }
        return found


def rolling(days: Sequence[Seen], *, horizon_days: int) -> list[Trial]:
    """A trial of each of the last days, every model fitted on what came before it.

    `days` are in order, each later than the outcomes of the one before. With more than
    one the first only teaches, so that all candidates compete on the same windows.
    """
    judged = range(1, len(days)) if len(days) > 1 else range(len(days))
    found = [
        trial(days[at], days[:at], horizon_days=horizon_days)
        for at in judged[-MOST_ORIGINS:]
    ]
    shared = set.intersection(*(set(one.expected) for one in found))
    return [
        replace(one, expected={n: e for n, e in one.expected.items() if n in shared})
        for one in found
    ]


def trial(seen: Seen, earlier: Sequence[Seen], *, horizon_days: int) -> Trial:
    """Fit every candidate that can be fitted, and ask it about what followed."""
    weeks = horizon_days / DAYS_A_WEEK
    fitted = fits(seen.customers, earlier)
    told: dict[str, Share] = shares(seen.customers, earlier)
    return Trial(
        people=seen.people,
        customers=seen.customers,
        spent=seen.spent,
        subscribed=seen.subscribed,
        bought=seen.bought,
        expected={
            name: model.expect(seen.customers, weeks) for name, model in fitted.items()
        },
        shares={name: share.of(seen.customers) for name, share in told.items()},
        unsound=frozenset(n for n, model in fitted.items() if not model.is_sound),
    )


def fits(customers: Customers, earlier: Sequence[Seen]) -> dict[str, Fitted]:
    """Every candidate fitted, but for those that what came before cannot teach."""
    found = {}
    for name, candidate in CANDIDATES.items():
        try:
            found[name] = candidate.fit(customers, earlier)
        except NotEnoughData:
            continue
    return found


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


def pooled(trials: Sequence[Trial]) -> Resampled:
    """Figures over all windows together, and of people drawn again with replacement.

    Who was judged in several windows is drawn into all of them or none.
    """
    people, own = np.unique(
        np.concatenate([one.people for one in trials]).astype(str), return_inverse=True
    )
    spent = np.concatenate([one.spent for one in trials])
    measures = {
        name: of_amounts(
            spent, np.concatenate([one.expected[name].value for one in trials])
        )
        for name in trials[0].expected
    }
    return resample(
        len(people),
        lambda weights: {
            name: measure(weights[own]) for name, measure in measures.items()
        },
    )


def leader(measured: Measured, unsound: frozenset[str] = frozenset()) -> str:
    """The smallest RMSE of those ahead of both rules in all of the bar, or the rule.

    Whether the lead is more than luck is not asked here.
    """
    return BAR.leader(measured, unsound) or RULE


def choose(
    figures: Resampled,
    *,
    unsound: frozenset[str] = frozenset(),
    champion: str | None = None,
) -> tuple[str, str]:
    """The one that is to write the scores, and why.

    The champion, which wrote them last, stays unless a challenger beats it too. Where
    no model beats both rules, the rate rule writes them, and that is said.
    """
    measured = figures.measured
    able = BAR.passing(figures, unsound)
    fell = sorted(unsound & set(measured))
    told = f" Not candidates, as their fits are unsound: {', '.join(fell)}." * bool(
        fell
    )
    best = BAR.best(measured, able)
    if best is None:
        return RULE, (
            "Nothing promoted: the rate rule writes the scores, for no model beat it"
            " and the mean of all in RMSE and rank correlation beyond the luck of who"
            f" was judged ({_beside(figures, leader(measured, unsound))}).{told}"
        )
    keeps = champion in able and champion != best
    if champion and keeps and not BAR.beats(figures, best, champion):
        return champion, (
            f"{champion} goes on writing the scores: {best} is not ahead of it beyond"
            f" the luck of who was judged ({_beside(figures, champion, best)}).{told}"
        )
    return best, (
        f"{best} writes the scores: on later windows {_beside(figures, best)};"
        f" it beats the mean of all too.{told}"
    )


def _beside(figures: Resampled, name: str, other: str = RULE) -> str:
    """One's figures beside another's; the rule's own stand beside the mean of all's."""
    one = figures.measured[name]
    beside = figures.measured[SAME if name == other else other]
    return (
        f"{name}'s RMSE is {one['rmse']:.1f} beside {beside['rmse']:.1f}, its rank"
        f" correlation {one['spearman']:.3f} beside {beside['spearman']:.3f}"
    )
