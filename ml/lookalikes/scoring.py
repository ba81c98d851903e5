"""Choose the way that finds hidden members of a seed again, and rank the rest by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml.lookalikes.methods import METHODS, SEED
from ml.measures import lift
from ml.people import laid_out
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

LEAST_SEED = 50
SHARES = (0.01, 0.05, 0.1)
_CHOSEN_BY = 0.05
_FOLDS = 4
_MOST_JUDGED = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """How alike everyone is, and how well each way finds the hidden.

    `score`: one per person, by the way chosen; of the seed itself too. `lifts`: by way
    and share of the rest: members found there over what chance would find, with its
    standard error over the folds.
    """

    method: str
    score: "Numbers"
    lifts: Mapping[str, Mapping[float, tuple[float, float]]]

    @property
    def beats_chance(self) -> bool:
        """Whether the chosen way finds more than chance, by two standard errors."""
        found, error = self.lifts[self.method][_CHOSEN_BY]
        return found - 2 * error > 1


def rank(values: "Numbers", seed: "Flags") -> Ranked:
    """Score people (a row each, a column a measure) by how alike they are to the seed.

    Each way is judged by hiding a quarter of the seed among the rest, four times; the
    largest lift in the top twentieth wins. Raises NotEnoughData when the seed or the
    rest has fewer than fifty people.
    """
    found, rest = int(seed.sum()), int((~seed).sum())
    if min(found, rest) < LEAST_SEED:
        raise NotEnoughData(
            f"{found} people are in the seed and {rest} are not; {LEAST_SEED} of each"
            " are needed. Take a larger seed, or import more history."
        )
    people = laid_out(values)
    lifts = judged(people, seed)
    best = max(lifts, key=lambda name: lifts[name][_CHOSEN_BY][0])
    return Ranked(method=best, score=METHODS[best](people, seed), lifts=lifts)


def judged(
    people: "NDArray[np.float32]", seed: "Flags"
) -> dict[str, dict[float, tuple[float, float]]]:
    """Lift at each share by way, on hidden seed: its mean and standard error."""
    chance = np.random.default_rng(SEED)
    known = chance.permutation(np.flatnonzero(seed))[:_MOST_JUDGED]
    rest = chance.permutation(np.flatnonzero(~seed))[:_MOST_JUDGED]
    each: dict[str, list[list[float]]] = {name: [] for name in METHODS}
    some = people[np.concatenate([known, rest])]
    for fold in range(_FOLDS):
        hidden = np.arange(len(known)) % _FOLDS == fold
        shown = np.append(~hidden, np.zeros(len(rest), bool))
        asked = ~shown
        member = np.append(hidden, np.zeros(len(rest), bool))[asked].astype(float)
        for name, method in METHODS.items():
            score = method(some, shown)[asked]
            each[name].append([lift(member, score, share) for share in SHARES])
    return {name: _over_folds(np.array(found)) for name, found in each.items()}


def _over_folds(found: "Numbers") -> dict[float, tuple[float, float]]:
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(_FOLDS)
    return {
        share: (float(mean[at]), float(error[at])) for at, share in enumerate(SHARES)
    }
