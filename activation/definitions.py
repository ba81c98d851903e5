"""Audiences as data: the YAML files of a folder, read into values.

One file is one audience; its name is the file's. A `custom` audience says which
scored people are members; a `lookalike` names the custom audience it starts from.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import BadInput

AUDIENCES = Path(__file__).resolve().parent / "audiences"
SOURCES = ("lifetime_value", "churn")
SCORED, KNOWN_PEOPLE = "scored", "known_people"

_NAME = re.compile("[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Who fits: the best of a ranking, cut by share and floor.

    The share is one of those scored, or of all people with an account.
    """

    source: str
    top_share: float
    scores_at_most_days_old: int
    share_of: str = SCORED
    above: float | None = None
    must_have_paid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """An audience of our own people."""

    name: str
    owner: str
    meaning: str
    minimum_size: int
    criteria: Criteria
    cap: int = 0
    """The highest values first; 0 for no cap."""
    with_values: bool = False
    expires: date | None = None
    """The first day on which nobody is in it any more."""
    most_leaving: float = 0.5
    destinations: frozenset[str] = frozenset()
    """Empty for all there are."""

    def goes_to(self, platform: str) -> bool:
        """Whether it is sent to a platform."""
        return not self.destinations or platform in self.destinations


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """An audience of strangers like the members of a custom one."""

    name: str
    owner: str
    meaning: str
    of: str
    ratio: float
    minimum_seed: int
    country: str


@dataclass(frozen=True, slots=True)
class Definitions:
    """All audiences of a folder, each kind by name."""

    custom: tuple[Custom, ...]
    lookalikes: tuple[Lookalike, ...]


Check = Callable[[object], str | None]
Shape = Mapping[str, tuple[bool, Check]]
"""Key → (required, what is wrong with a value)."""


def load_definitions(
    folder: Path = AUDIENCES,
    *,
    country: str,
    destinations: Collection[str] = (),
) -> Definitions:
    """Read a folder's audiences; a lookalike without a country gets this one.

    With `destinations`, an audience may name only these.

    Raises BadInput listing the faults of all files.
    """
    documents = {path.stem: _document(path) for path in sorted(folder.glob("*.yml"))}
    faults = [
        f"{name}.yml: {fault}"
        for name, document in documents.items()
        for fault in _faults(name, document, documents)
    ] + list(_unknown_destinations(documents, destinations))
    if faults:
        raise BadInput(
            f"The audiences in {folder.name}/ have faults: " + "; ".join(faults)
        )
    kinds = {name: document["kind"] for name, document in documents.items()}
    return Definitions(
        tuple(_custom(n, documents[n]) for n, k in kinds.items() if k == "custom"),
        tuple(
            _lookalike(name, documents[name], country)
            for name, kind in kinds.items()
            if kind == "lookalike"
        ),
    )


def _document(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        return f"no YAML at line {line}"


def _faults(name: str, document: Any, every: Mapping[str, Any]) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "a name is lower-case letters, digits and underscores"
    if isinstance(document, str):
        yield document
        return
    if not isinstance(document, dict) or document.get("kind") not in _SHAPES:
        yield "kind: expected custom or lookalike"
        return
    yield from _disagreements(document, _SHAPES[document["kind"]], at="")
    if document["kind"] == "custom" and isinstance(document.get("members"), dict):
        yield from _disagreements(document["members"], _MEMBERS, at="members.")
    if document["kind"] == "lookalike" and not _is_custom(every, document.get("of")):
        yield f"of: {document.get('of')!r} is no custom audience of this folder"


def _unknown_destinations(
    documents: Mapping[str, Any], known: Collection[str]
) -> Iterator[str]:
    for name, document in documents.items():
        named = document.get("destinations") if isinstance(document, dict) else None
        if known and isinstance(named, list):
            for one in named:
                if one not in known:
                    yield (
                        f"{name}.yml: destinations: {one!r} is none; there are"
                        f" {', '.join(sorted(known))}"
                    )


def _is_custom(every: Mapping[str, Any], name: object) -> bool:
    seed = every.get(name) if isinstance(name, str) else None
    return isinstance(seed, dict) and seed.get("kind") == "custom"


def _disagreements(
    document: Mapping[str, object], shape: Shape, *, at: str
) -> Iterator[str]:
    for key in document:
        if key not in shape:
            yield f"{at}{key}: unknown; known are {', '.join(sorted(shape))}"
    for key, (required, check) in shape.items():
        if key in document:
            fault = check(document[key])
            if fault:
                yield f"{at}{key}: {fault}"
        elif required:
            yield f"{at}{key}: missing"


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else "expected some text"


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "expected true or false"


def _mapping(value: object) -> str | None:
    return None if isinstance(value, dict) else "expected keys and values"


def _number(low: float, high: float) -> Check:
    def check(value: object) -> str | None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = is_number and low <= value <= high  # type: ignore[operator]
        return None if fits else f"expected a number from {low} to {high}"

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        fits = is_whole and low <= value <= high  # type: ignore[operator]
        return None if fits else f"expected a whole number from {low} to {high}"

    return check


def _one_of(*known: str) -> Check:
    return lambda value: None if value in known else f"expected {' or '.join(known)}"


def _day(value: object) -> str | None:
    fits = isinstance(value, date) and not isinstance(value, datetime)
    return None if fits else "expected a day like 2026-06-30, without quotes"


def _names(value: object) -> str | None:
    fits = isinstance(value, list) and value and all(isinstance(n, str) for n in value)
    return None if fits else "expected a list of names, or leave it out for all"


def _country(value: object) -> str | None:
    fits = isinstance(value, str) and re.fullmatch("[A-Z]{2}", value)
    return None if fits else "expected a country code like DE"


_MEMBERS: Shape = {
    "source": (True, _one_of(*SOURCES)),
    "top_share": (True, _number(0.0001, 1)),
    "share_of": (False, _one_of(SCORED, KNOWN_PEOPLE)),
    "above": (False, _number(-1e12, 1e12)),
    "must_have_paid": (False, _flag),
    "scores_at_most_days_old": (True, _whole(1, 366)),
}
_SHAPES: Mapping[str, Shape] = {
    "custom": {
        "kind": (True, _text),
        "owner": (True, _text),
        "meaning": (True, _text),
        "minimum_size": (True, _whole(1, 10_000_000)),
        "members": (True, _mapping),
        "cap": (False, _whole(1, 100_000_000)),
        "with_values": (False, _flag),
        "expires": (False, _day),
        "most_leaving": (False, _number(0, 1)),
        "destinations": (False, _names),
    },
    "lookalike": {
        "kind": (True, _text),
        "owner": (True, _text),
        "meaning": (True, _text),
        "of": (True, _text),
        "ratio": (True, _number(0.01, 0.20)),
        "minimum_seed": (True, _whole(100, 10_000_000)),
        "country": (False, _country),
    },
}


def _custom(name: str, document: Mapping[str, Any]) -> Custom:
    return Custom(
        name=name,
        owner=document["owner"],
        meaning=document["meaning"].strip(),
        minimum_size=document["minimum_size"],
        criteria=Criteria(**document["members"]),
        cap=document.get("cap", 0),
        with_values=document.get("with_values", False),
        expires=document.get("expires"),
        most_leaving=document.get("most_leaving", 0.5),
        destinations=frozenset(document.get("destinations", ())),
    )


def _lookalike(name: str, document: Mapping[str, Any], country: str) -> Lookalike:
    return Lookalike(
        name=name,
        owner=document["owner"],
        meaning=document["meaning"].strip(),
        of=document["of"],
        ratio=document["ratio"],
        minimum_seed=document["minimum_seed"],
        country=document.get("country", country),
    )
