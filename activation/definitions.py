"""Audiences as data: the YAML files of a folder, read into values.

One file is one audience; its name is the file's. A `custom` audience says which
scored people are members; a `lookalike` names the custom audience it starts from.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from activation import shapes, sources
from activation.sources import Source
from warehouse.errors import BadInput

AUDIENCES = Path(__file__).resolve().parent / "audiences"
_NAME = re.compile("[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """An audience of our own people."""

    name: str
    owner: str
    meaning: str
    minimum_size: int
    source: Source
    cap: int = 0
    """The highest values first; 0 for no cap."""
    with_values: bool = False
    expires: date | None = None
    """The first day on which nobody is in it any more."""
    most_leaving: float = 0.5
    destinations: frozenset[str] = frozenset()
    """Empty for all there are."""
    without: tuple[str, ...] = ()
    """Audiences whose members are left out."""

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
    yield from shapes.disagreements(document, _SHAPES[document["kind"]], at="")
    if document["kind"] == "custom" and isinstance(document.get("members"), dict):
        yield from sources.faults(document["members"])
    if document["kind"] == "custom":
        yield from _unknown_audiences(name, document.get("without"), every)
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


def _unknown_audiences(
    name: str, without: object, every: Mapping[str, Any]
) -> Iterator[str]:
    """Left out may be members of audiences that leave nobody out themselves."""
    for other in without if isinstance(without, list) else ():
        if other == name or not _is_custom(every, other):
            yield f"without: {other!r} is no other custom audience of this folder"
        elif every[other].get("without"):
            yield f"without: {other!r} leaves people out itself; name those here"


def _is_custom(every: Mapping[str, Any], name: object) -> bool:
    seed = every.get(name) if isinstance(name, str) else None
    return isinstance(seed, dict) and seed.get("kind") == "custom"


_SHAPES: Mapping[str, shapes.Shape] = {
    "custom": {
        "kind": (True, shapes.text),
        "owner": (True, shapes.text),
        "meaning": (True, shapes.text),
        "minimum_size": (True, shapes.whole(1, 10_000_000)),
        "members": (True, shapes.mapping),
        "cap": (False, shapes.whole(1, 100_000_000)),
        "with_values": (False, shapes.flag),
        "expires": (False, shapes.day),
        "most_leaving": (False, shapes.number(0, 1)),
        "destinations": (False, shapes.names),
        "without": (False, shapes.names),
    },
    "lookalike": {
        "kind": (True, shapes.text),
        "owner": (True, shapes.text),
        "meaning": (True, shapes.text),
        "of": (True, shapes.text),
        "ratio": (True, shapes.number(0.01, 0.20)),
        "minimum_seed": (True, shapes.whole(100, 10_000_000)),
        "country": (False, shapes.country),
    },
}


def _custom(name: str, document: Mapping[str, Any]) -> Custom:
    return Custom(
        name=name,
        owner=document["owner"],
        meaning=document["meaning"].strip(),
        minimum_size=document["minimum_size"],
        source=sources.read(document["members"]),
        cap=document.get("cap", 0),
        with_values=document.get("with_values", False),
        expires=document.get("expires"),
        most_leaving=document.get("most_leaving", 0.5),
        destinations=frozenset(document.get("destinations", ())),
        without=tuple(document.get("without", ())),
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
