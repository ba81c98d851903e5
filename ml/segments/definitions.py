"""Segments as data: the YAML files of a folder, read into values and applied."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from ml.people import MEASURED, NAMED, RATIO, sessions_ratio
from warehouse.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

FOLDER = Path(__file__).resolve().parent / "defined"
COLUMNS = (*MEASURED, *NAMED, RATIO)
_CONDITIONS = ("at_least", "at_most", "one_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What one column must be."""

    column: str
    at_least: float | None = None
    at_most: float | None = None
    one_of: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Who belongs: all conditions hold, and then the top share by some columns.

    With several columns the mean of a person's places in each counts.
    """

    name: str
    meaning: str
    where: tuple[Condition, ...]
    top_share: float = 1.0
    by: tuple[str, ...] = ()


def load(folder: Path = FOLDER) -> list[Definition]:
    """The definitions of a folder, by file name. Raises BadInput naming a fault."""
    return [_read(path) for path in sorted(folder.glob("*.yml"))]


def members(definition: Definition, people: "pd.DataFrame") -> "Flags":
    """Who belongs, of people with the columns MEASURED and NAMED.

    What was not measured fits no condition. The top share is one of all people, not
    of those who fit; equal people at its edge are all in.
    """
    people = people.assign(**{RATIO: sessions_ratio(people)})
    fits = np.ones(len(people), bool)
    for condition in definition.where:
        fits &= _holds(condition, people)
    if definition.by:
        places = people[list(definition.by)].fillna(0).rank(pct=True).mean(axis=1)
        edge = np.quantile(places, 1 - definition.top_share) if len(people) else 0.0
        fits &= places.to_numpy() >= edge
    return fits


def _holds(condition: Condition, people: "pd.DataFrame") -> "Flags":
    column = people[condition.column]
    fits = np.ones(len(people), bool)
    if condition.one_of is not None:
        fits &= column.isin(condition.one_of).to_numpy()
    if condition.at_least is not None:
        fits &= column.to_numpy(np.float64) >= condition.at_least
    if condition.at_most is not None:
        fits &= column.to_numpy(np.float64) <= condition.at_most
    return fits


def _read(path: Path) -> Definition:
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
        where = [_condition(path, column, x) for column, x in said["where"].items()]
        top = said.get("top", {})
        made = Definition(
            name=path.stem,
            meaning=str(said["meaning"]).strip(),
            where=tuple(where),
            top_share=float(top.get("share", 1.0)),
            by=tuple(top.get("by", ())),
        )
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"Segment {path.name} needs meaning, where (a mapping of columns to"
            " conditions), and may have top with share and by; mend it."
        ) from error
    unknown = [name for name in made.by if name not in (*MEASURED, RATIO)]
    if unknown or not 0 < made.top_share <= 1:
        raise BadInput(
            f"Segment {path.name}: top has a share above 0, at most 1, and by columns"
            f" of {', '.join((*MEASURED, RATIO))}."
        )
    return made


def _condition(path: Path, column: str, said: Mapping[str, Any]) -> Condition:
    if column not in COLUMNS or not set(said) <= set(_CONDITIONS):
        raise BadInput(
            f"Segment {path.name}: {column} with {', '.join(said)}. Columns are"
            f" {', '.join(COLUMNS)}; conditions {', '.join(_CONDITIONS)}."
        )
    levels = said.get("one_of")
    return Condition(
        column=column,
        at_least=said.get("at_least"),
        at_most=said.get("at_most"),
        one_of=None if levels is None else tuple(map(str, levels)),
    )
