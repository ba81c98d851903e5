"""A person's health, 0 to 100: a sum of parts whose weights are data."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from ml.people import MEASURED, RATIO, sessions_ratio
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

WEIGHTS = Path(__file__).resolve().parent / "weights.yml"
_WHOLE = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Points for one measure, growing evenly from its value `none` to `full`."""

    name: str
    measure: str
    none: float
    full: float
    points: float


def weights(path: Path = WEIGHTS) -> list[Part]:
    """The parts of a file. Raises BadInput naming what is wrong with them."""
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
        parts = [Part(name=name, **each) for name, each in said.items()]
        total = sum(part.points for part in parts)
    except (yaml.YAMLError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{path.name}: each part needs measure, none, full and points; mend it."
        ) from error
    known = (*MEASURED, RATIO)
    for part in parts:
        if part.measure not in known or part.none == part.full or part.points < 0:
            raise BadInput(
                f"{path.name}: part {part.name} needs a measure of {', '.join(known)},"
                " points not below 0, and none apart from full."
            )
    if abs(total - _WHOLE) > 1e-9:  # noqa: PLR2004 rounding
        raise BadInput(f"{path.name}: the points are {total:g}; they must be 100.")
    return parts


def score(people: "pd.DataFrame", parts: "Sequence[Part]") -> "pd.DataFrame":
    """Points of every part, and `health`, their sum, 0 to 100; a row per person.

    A measure that is not known gives no points.
    """
    import pandas as pd

    people = people.assign(**{RATIO: sessions_ratio(people)})
    points = {}
    for part in parts:
        values = people[part.measure].to_numpy(np.float64)
        share = np.clip((values - part.none) / (part.full - part.none), 0, 1)
        points[part.name] = np.nan_to_num(share, nan=0.0) * part.points
    found = pd.DataFrame(points, index=people.index)
    return found.assign(health=found.sum(axis=1))
