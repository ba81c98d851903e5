"""What may happen: the event definitions of taxonomy/, read, checked and frozen."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from warehouse.errors import BadTaxonomy
from warehouse.settings import REPOSITORY
from warehouse.taxonomy.rules import (
    check_event,
    check_name,
    check_property,
    day_of,
    months_of,
    property_of,
)
from warehouse.taxonomy.source import Fault, Place, Source, read
from warehouse.taxonomy.values import EventType, Property, Taxonomy

__all__ = ["TAXONOMY", "EventType", "Fault", "Property", "Taxonomy", "faults", "load"]

TAXONOMY = REPOSITORY / "taxonomy"

_WORDS = ("envelope", "traits", "context")


def load(folder: Path = TAXONOMY) -> Taxonomy:
    """Read the event definitions of a folder.

    Raises BadTaxonomy listing every fault with its file, line and path.
    """
    sources = _sources(folder)
    found = _checked(sources)
    if found:
        count = "1 fault" if len(found) == 1 else f"{len(found)} faults"
        listed = "".join(f"\n  {fault}" for fault in found)
        raise BadTaxonomy(f"The taxonomy has {count}:{listed}")
    return _assembled(sources)


def faults(folder: Path = TAXONOMY) -> list[Fault]:
    """Every fault of the definitions in a folder; empty when they can be used."""
    return _checked(_sources(folder))


def _sources(folder: Path) -> dict[str, Source]:
    """The files of a folder by what they define: a kind of words, or a domain."""
    found = {
        word: read(folder / f"{word}.yml", file=f"{folder.name}/{word}.yml")
        for word in _WORDS
    }
    for path in sorted((folder / "events").glob("*.y*ml")):
        name = f"{folder.name}/events/{path.name}"
        found[f"events/{path.stem}"] = read(path, file=name)
    if len(found) == len(_WORDS):
        nowhere = Source(f"{folder.name}/events")
        nowhere.object_to("no event is defined here; add a file like billing.yml")
        found["nowhere"] = nowhere
    return found


def _events(sources: Mapping[str, Source]) -> list[tuple[str, Source]]:
    return [
        (key.partition("/")[2], source)
        for key, source in sources.items()
        if key.startswith("events/")
    ]


def _checked(sources: Mapping[str, Source]) -> list[Fault]:
    for word in _WORDS:
        _check_words(sources[word], (), sources[word].data, around=word)
    for domain, source in _events(sources):
        _check_domain(domain, source)
    _check_names_once(sources)
    _check_replacements(sources)
    _check_direct_everywhere(sources)
    return sorted(fault for source in sources.values() for fault in source.faults)


def _check_words(source: Source, at: Place, words: Any, *, around: str = "") -> None:
    for name, raw in words.items() if isinstance(words, dict) else ():
        here = (*at, name)
        check_name(source, here)
        if isinstance(raw, dict):
            check_property(source, here, raw, around=around)
        else:
            source.object_to("expected type, meaning and personal", here)


def _check_domain(domain: str, source: Source) -> None:
    if not domain.isidentifier() or domain != domain.lower():
        source.object_to(f"the file's name is its domain: {domain!r} is no snake_case")
    for name, raw in source.data.items():
        check_name(source, (name,))
        if isinstance(raw, dict):
            check_event(source, (name,), raw)
            _check_words(source, (name, "properties"), raw.get("properties"))
        else:
            source.object_to(
                "expected a definition: meaning, since, properties", (name,)
            )


def _check_names_once(sources: Mapping[str, Source]) -> None:
    first: dict[str, str] = {}
    for _, source in _events(sources):
        for name in source.data:
            if name in first:
                says = f"already defined in {first[name]}; one name, one event"
                source.object_to(says, (name,))
            first.setdefault(name, source.file)


def _check_replacements(sources: Mapping[str, Source]) -> None:
    """What replaces a retired event or property is defined, and is another one."""
    events = [name for _, source in _events(sources) for name in source.data]
    retirable = [(*one, list(one[2])) for one in _word_lists(sources)]
    for _, source in _events(sources):
        whole = {
            name: raw for name, raw in source.data.items() if isinstance(raw, dict)
        }
        retirable.append((source, (), whole, events))
    for source, at, words, known in retirable:
        for name, raw in words.items():
            successor = raw.get("replaced_by", name)
            if "replaced_by" in raw and (successor == name or successor not in known):
                says = f"{successor!r} is not defined beside it"
                source.object_to(says, (*at, name, "replaced_by"))


def _check_direct_everywhere(sources: Mapping[str, Source]) -> None:
    """A name that is direct anywhere is replaced by a token everywhere."""
    direct: dict[str, str] = {}
    lists = [one for one in _word_lists(sources) if one[0].file.find("envelope") < 0]
    for source, _, words in lists:
        for name, raw in words.items():
            if raw.get("personal") == "direct":
                direct.setdefault(name, source.file)
    for source, at, words in lists:
        for name, raw in words.items():
            if name in direct and raw.get("personal") in ("none", "pseudonym"):
                says = f"{name} is direct in {direct[name]}: say direct here as well"
                source.object_to(says, (*at, name, "personal"))


def _word_lists(
    sources: Mapping[str, Source],
) -> list[tuple[Source, Place, dict[str, dict[str, Any]]]]:
    """Every list of properties, with its file and its place there."""
    found: list[tuple[Source, Place, Any]] = [
        (sources[word], (), sources[word].data) for word in _WORDS
    ]
    for _, source in _events(sources):
        for name, raw in source.data.items():
            if isinstance(raw, dict):
                found.append((source, (name, "properties"), raw.get("properties")))
    return [
        (
            source,
            at,
            {name: raw for name, raw in words.items() if isinstance(raw, dict)},
        )
        for source, at, words in found
        if isinstance(words, dict)
    ]


def _assembled(sources: Mapping[str, Source]) -> Taxonomy:
    envelope, traits, context = (_frozen(sources[word].data) for word in _WORDS)
    events = {
        name: _event_type(name, domain, raw)
        for domain, source in _events(sources)
        for name, raw in source.data.items()
    }
    taxonomy = Taxonomy(
        events=MappingProxyType(events),
        envelope=envelope,
        traits=traits,
        context=context,
        direct_names=frozenset(),
    )
    direct = (one.name for _, one in taxonomy.every_property() if one.direct)
    return replace(taxonomy, direct_names=frozenset(direct))


def _event_type(name: str, domain: str, raw: dict[str, Any]) -> EventType:
    given = {key: raw[key] for key in ("on_violation", "replaced_by") if key in raw}
    return EventType(
        name=name,
        domain=domain,
        meaning=" ".join(raw["meaning"].split()),
        since=raw["since"],
        versions=tuple(raw.get("versions", [raw["since"]])),
        retired_on=day_of(raw.get("retired_on")),
        keep_for_months=months_of(raw.get("keep_for")),
        superseded=MappingProxyType(_days(raw.get("superseded", {}))),
        properties=_frozen(raw.get("properties", {})),
        **given,
    )


def _days(raw: dict[str, Any]) -> dict[str, date]:
    read_days = {version: day_of(day) for version, day in raw.items()}
    return {version: day for version, day in read_days.items() if day is not None}


def _frozen(words: dict[str, dict[str, Any]]) -> Mapping[str, Property]:
    return MappingProxyType(
        {name: property_of(name, raw) for name, raw in words.items()}
    )
