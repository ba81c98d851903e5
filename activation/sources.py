"""Where the members of an audience come from: scores, segments, marts, cohorts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from activation import shapes

SCORES = (
    *("lifetime_value", "subscription_value", "single_value"),
    *("churn", "early_churn", "health"),
)
SCORED, KNOWN_PEOPLE = "scored", "known_people"
MARTS = ("dim_people", "dim_rfm")
OPERATORS: Mapping[str, str] = MappingProxyType(
    {"is": "=", "at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """The best of a ranking, cut by share and floor.

    The share is one of those scored, or of all people with an account. `lowest` turns
    the ranking round: the least healthy people, say.
    """

    source: str
    top_share: float
    scores_at_most_days_old: int
    share_of: str = SCORED
    above: float | None = None
    must_have_paid: bool = False
    lowest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The members of a segment, as it was last found."""

    segment: str
    scores_at_most_days_old: int
    method: str = "defined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a column of a mart must be."""

    column: str
    operator: str
    value: str | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """People of a mart whose columns meet all conditions; `value` orders them."""

    mart: str
    where: tuple[Condition, ...]
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """People who reached a step of a saved funnel, and not a later one.

    Steps count from 1; `not_reached` 0 leaves nobody out.
    """

    question: str
    reached: int
    not_reached: int = 0


Source = Criteria | Segment | Mart | Cohort

ORDERED_BY: Final[Mapping[type[Source], str]] = {
    Criteria: "score",
    Segment: "segment",
    Mart: "mart",
    Cohort: "cohort",
}
"""What gives a member's value, as the table of members has it."""


def faults(document: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the members of a definition."""
    source = document.get("source")
    shape = _SHAPES.get(source) if isinstance(source, str) else None
    if shape is None:
        yield f"members.source: expected {' or '.join(_SHAPES)}"
        shape = _RANKING
    yield from shapes.disagreements(document, shape, at="members.")
    if source == "mart" and isinstance(document.get("where"), dict):
        yield from _wrong_conditions(document["where"])
    if source == "cohort":
        yield from _wrong_cohort(document)


def read(document: Mapping[str, Any]) -> Source:
    """The source of members that have no faults."""
    source = document["source"]
    rest = {key: value for key, value in document.items() if key != "source"}
    match source:
        case "segment":
            return Segment(**rest)
        case "cohort":
            return Cohort(**rest)
        case "mart":
            return Mart(**rest | {"where": tuple(_conditions(document["where"]))})
    return Criteria(source=source, **rest)


def _conditions(where: Mapping[str, Mapping[str, Any]]) -> Iterator[Condition]:
    for column, wanted in where.items():
        for operator, value in wanted.items():
            yield Condition(column=column, operator=operator, value=value)


def _wrong_conditions(where: Mapping[Any, Any]) -> Iterator[str]:
    for column, wanted in where.items():
        at = f"members.where.{column}"
        if not isinstance(column, str) or not column.isidentifier():
            yield f"{at}: is no name of a column"
        if not isinstance(wanted, dict) or not wanted:
            yield f"{at}: expected an operator and a value, like {{at_least: 3}}"
            continue
        for operator, value in wanted.items():
            if operator not in OPERATORS:
                yield f"{at}.{operator}: unknown; known are {', '.join(OPERATORS)}"
            if not isinstance(value, str | int | float):
                yield f"{at}.{operator}: expected text or a number"


def _wrong_cohort(document: Mapping[str, Any]) -> Iterator[str]:
    from warehouse.questions import saved

    questions = saved.load()
    name = document.get("question")
    found = questions.get(name) if isinstance(name, str) else None
    if found is None or found.kind != "funnel":
        known = ", ".join(n for n, one in questions.items() if one.kind == "funnel")
        yield f"members.question: {name!r} is no saved funnel; there are {known}"
        return
    steps = len(found.parameters["steps"])
    for key in ("reached", "not_reached"):
        if isinstance(document.get(key), int) and document[key] > steps:
            yield f"members.{key}: {name} has {steps} steps"


_FRESH = {"scores_at_most_days_old": (True, shapes.whole(1, 366))}
_RANKING: shapes.Shape = {
    "source": (True, shapes.text),
    "top_share": (True, shapes.number(0.0001, 1)),
    "share_of": (False, shapes.one_of(SCORED, KNOWN_PEOPLE)),
    "above": (False, shapes.number(-1e12, 1e12)),
    "must_have_paid": (False, shapes.flag),
    "lowest": (False, shapes.flag),
    **_FRESH,
}
_SHAPES: Mapping[str, shapes.Shape] = {
    **dict.fromkeys(SCORES, _RANKING),
    "segment": {
        "source": (True, shapes.text),
        "segment": (True, shapes.text),
        "method": (False, shapes.one_of("defined", "kmeans", "hdbscan")),
        **_FRESH,
    },
    "mart": {
        "source": (True, shapes.text),
        "mart": (True, shapes.one_of(*MARTS)),
        "where": (True, shapes.mapping),
        "value": (False, shapes.text),
    },
    "cohort": {
        "source": (True, shapes.text),
        "question": (True, shapes.text),
        "reached": (True, shapes.whole(1, 32)),
        "not_reached": (False, shapes.whole(1, 32)),
    },
}
