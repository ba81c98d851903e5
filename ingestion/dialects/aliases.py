"""What a dialect calls our events: its file in taxonomy/dialects, read and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from ingestion.dialects.money import in_minor_units
from ingestion.dialects.paths import PathReader, at, mapping_of
from warehouse.errors import BadTaxonomy
from warehouse.taxonomy import TAXONOMY, Taxonomy
from warehouse.taxonomy.source import Place, Source, read

FOLDER: Final = TAXONOMY / "dialects"

_KEYS: Final = ("event_name", "properties", "in_minor_units")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD: Final = re.compile(r"[^\w]+|_+")


def snake_case(name: str) -> str:
    """A name as the taxonomy writes them; what has no letters stays as it is."""
    words = _NO_WORD.sub("_", _HUMP.sub("_", name)).strip("_").lower()
    return words or name


@dataclass(frozen=True, slots=True)
class Named:
    """An event by our name; `rest` is what the mapping of properties left over."""

    event_name: str
    properties: dict[str, Any]
    rest: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alias:
    """One foreign name: ours, and where our properties stand in theirs.

    Without `reader` the properties are taken as they come. `minor_units` names the
    paths, first found first, of amounts in major units.
    """

    event_name: str
    reader: PathReader | None = None
    minor_units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def applied(self, properties: dict[str, Any]) -> Named:
        """The event of this name with its properties."""
        if self.reader is None:
            return Named(self.event_name, properties)
        found = self.reader.event(properties).get("properties", {})
        used = {path.partition(".")[0] for path in self.reader.paths}
        for name, paths in self.minor_units.items():
            amounts = [at(path, properties) for path in paths]
            amount = next((one for one in amounts if one is not None), None)
            if amount is not None:
                found[name] = in_minor_units(amount, found.get("currency"))
            used.update(path.partition(".")[0] for path in paths)
        rest = {key: value for key, value in properties.items() if key not in used}
        return Named(self.event_name, found, rest)


@dataclass(frozen=True, slots=True)
class Aliases:
    """The names of one dialect beside the taxonomy they lead to."""

    taxonomy: Taxonomy
    names: Mapping[str, Alias] = field(default_factory=dict)
    purposes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, dialect: str, taxonomy: Taxonomy, folder: Path = FOLDER) -> Self:
        """Read a dialect's file; a dialect without one has no names of its own.

        Raises BadTaxonomy with every fault at once.
        """
        path = folder / f"{dialect}.yml"
        if not path.exists():
            return cls(taxonomy)
        source = read(path, file=f"taxonomy/dialects/{path.name}")
        found = cls(taxonomy, _names(source, taxonomy), _purposes(source, taxonomy))
        for key in source.data.keys() - {"events", "purposes"}:
            source.object_to("unknown key; known: events, purposes", (key,))
        if source.faults:
            listed = "".join(f"\n  {fault}" for fault in sorted(source.faults))
            raise BadTaxonomy(f"The names of {dialect} have faults:{listed}")
        return found

    def named(self, name: str, properties: dict[str, Any], *other: str) -> Named:
        """The event that a name means: by alias, by the taxonomy, by its spelling.

        `other` are further spellings, each asked for as an alias before the next.
        """
        for one in (name, *other):
            alias = self.names.get(one)
            if alias is not None:
                return alias.applied(properties)
        last = (name, *other)[-1]
        if self.taxonomy.resolve(last) is not None:
            return Named(last, properties)
        return Named(snake_case(last), properties)


def all_aliases(taxonomy: Taxonomy, folder: Path = FOLDER) -> dict[str, Aliases]:
    """The names of every dialect that has a file. Raises BadTaxonomy."""
    dialects = sorted(path.stem for path in folder.glob("*.yml"))
    return {one: Aliases.of(one, taxonomy, folder) for one in dialects}


def _names(source: Source, taxonomy: Taxonomy) -> dict[str, Alias]:
    said = source.data.get("events", {})
    if not isinstance(said, dict):
        source.object_to("expected our names by theirs", ("events",))
        return {}
    return {
        name: _alias(source, ("events", name), one, taxonomy)
        for name, one in said.items()
    }


def _alias(source: Source, place: Place, said: Any, taxonomy: Taxonomy) -> Alias:
    whole = {"event_name": said} if isinstance(said, str) else said
    if not isinstance(whole, dict):
        source.object_to("expected an event's name, or event_name:", place)
        return Alias("")
    for key in whole.keys() - set(_KEYS):
        known = ", ".join(_KEYS)
        source.object_to(f"unknown key; known: {known}", (*place, key))
    name = whole.get("event_name")
    if not isinstance(name, str) or taxonomy.resolve(name) is None:
        source.object_to("expected an event of the taxonomy", (*place, "event_name"))
        return Alias("")
    return Alias(
        name,
        _reader(source, place, whole) if len(whole) > 1 else None,
        _amounts(source, (*place, "in_minor_units"), whole.get("in_minor_units", {})),
    )


def _reader(source: Source, place: Place, whole: dict[str, Any]) -> PathReader | None:
    said = {
        "event_name": {"constant": whole["event_name"]},
        # what the dialect itself tells; a mapping of a table would have to say
        "timestamp": {"constant": ""},
        "user_id": {"constant": ""},
        "properties": whole.get("properties", {}),
    }
    mapping = mapping_of(said, source, place)
    return None if source.faults else PathReader(mapping)


def _amounts(source: Source, place: Place, said: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(said, dict):
        source.object_to("expected paths of amounts by our names", place)
        return {}
    found = {}
    for name, paths in said.items():
        listed = [paths] if isinstance(paths, str) else paths
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            found[name] = tuple(listed)
        else:
            source.object_to("expected a path, or a list of paths", (*place, name))
    return found


def _purposes(source: Source, taxonomy: Taxonomy) -> dict[str, str]:
    said = source.data.get("purposes", {})
    decided = taxonomy.events.get("consent_decided")
    known = decided.properties["purpose"].enum if decided is not None else ()
    if not isinstance(said, dict) or not set(said.values()) <= set(known):
        listed = ", ".join(map(str, known))
        source.object_to(f"expected categories with one of {listed}", ("purposes",))
        return {}
    return said
