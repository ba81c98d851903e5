"""How wide what customers spend scatters about what was said: learned from backtests.

Of people of the same tenth of what was said, the ratios of what they spent to it give
the range (split conformal prediction within groups: Vovk 2012, Mondrian). It asks
nothing of the model, so that rules and trees have one too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from ml.measures import tenths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ml.lifetime_value.contest import Trial

    Numbers = NDArray[np.float64]

LEVEL = 0.9
FILE = "interval.json"
_FLOOR = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Within what of what is said `LEVEL` of people spend, by how much is said.

    `floor` (minor units) is added to all that is said, so that 0 has a range too.
    `edges` part the groups; `low` and `high` are ratios, one for each group.
    """

    floor: float
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def learn(cls, trials: "Sequence[Trial]", name: str) -> Self:
        """From what an estimator said in its backtests, and what was spent then."""
        said = np.concatenate([one.expected[name].value for one in trials])
        spent = np.concatenate([one.spent for one in trials])
        floor = float(max(_FLOOR * said.mean(), 1.0))
        ratio, group = spent / (said + floor), tenths(said)
        kinds = np.unique(group)
        edges = [float(said[group == kind].max()) for kind in kinds[:-1]]
        sides = [_sides(ratio[group == kind]) for kind in kinds]
        return cls(
            floor=floor,
            edges=tuple(edges),
            low=tuple(low for low, _ in sides),
            high=tuple(high for _, high in sides),
        )

    def around(self, said: "Numbers") -> "tuple[Numbers, Numbers]":
        """The lowest and highest of each person's range, in minor units."""
        group = np.searchsorted(np.array(self.edges), said, side="left")
        base = said + self.floor
        return base * np.array(self.low)[group], base * np.array(self.high)[group]

    def files(self) -> dict[str, str]:
        """The range as text by file name."""
        return {FILE: json.dumps(asdict(self))}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The range that `files` wrote."""
        told = json.loads(files[FILE])
        kept = {name: tuple(told[name]) for name in ("edges", "low", "high")}
        return cls(floor=told["floor"], **kept)


def _sides(ratio: "Numbers") -> tuple[float, float]:
    """The ends between which `LEVEL` lie; one person more is reckoned with."""
    few = len(ratio)
    places = np.sort(ratio)
    below = int(np.floor((few + 1) * (1 - LEVEL) / 2)) - 1
    above = int(np.ceil((few + 1) * (1 + LEVEL) / 2)) - 1
    return float(places[max(below, 0)]), float(places[min(above, few - 1)])
