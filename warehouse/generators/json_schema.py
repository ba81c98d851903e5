"""JSON Schema (draft 2020-12) of the events' properties and of their envelope."""

import json
from collections.abc import Mapping
from typing import Any

from warehouse.generators.note import note
from warehouse.taxonomy import EventType, Property, Taxonomy

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_KEYWORDS = {
    "min": "minimum",
    "max": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "max_items": "maxItems",
    "format": "format",
    "pattern": "pattern",
}


def event_schema(event: EventType) -> str:
    """The schema of one event's `properties` object."""
    return written(
        f"taxonomy/events/{event.domain}.yml",
        {
            "$schema": _DIALECT,
            "$id": f"urn:questlog:event:{event.name}",
            "title": event.name,
            "description": event.meaning,
            "x-domain": event.domain,
            "x-versions": list(event.versions),
            "x-on-violation": event.on_violation,
            **_retirement(event),
            **object_schema(event.properties, closed=True),
        },
    )


def envelope_schema(taxonomy: Taxonomy) -> str:
    """The schema of a whole event on the wire, whatever its properties.

    Only the context may hold words the taxonomy does not know: senders differ.
    """
    words = {
        name: one for name, one in taxonomy.envelope.items() if not one.imports_only
    }
    envelope = object_schema(words, closed=True)
    for word, known in (
        ("context", object_schema(taxonomy.context, closed=False)),
        ("user_properties", object_schema(taxonomy.traits, closed=True)),
    ):
        if word in words:
            envelope["properties"][word] = known | envelope["properties"][word]
    return written(
        "taxonomy/envelope.yml",
        {
            "$schema": _DIALECT,
            "$id": "urn:questlog:envelope",
            "title": "envelope",
            "description": "One event as it is sent.",
            **envelope,
            "anyOf": [_present("user_id"), _present("anonymous_id")],
        },
    )


def _present(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"type": "string"}}}


def object_schema(words: Mapping[str, Property], *, closed: bool) -> dict[str, Any]:
    """The schema of an object of these words; `closed` lets no others in."""
    required = [one.name for one in words.values() if one.required]
    return {
        "type": "object",
        "additionalProperties": not closed,
        **({"required": required} if required else {}),
        "properties": {one.name: _value(one) for one in words.values()},
    }


def _value(one: Property) -> dict[str, Any]:
    """A value's schema; what is not required may also be null, which means absent."""
    found: dict[str, Any] = {
        "type": one.type if one.required else [one.type, "null"],
        "description": one.meaning,
        "x-personal": one.personal,
    }
    if one.enum:
        found["enum"] = [*one.enum, *(() if one.required else (None,))]
    if one.items:
        found["items"] = {"type": one.items}
    for name, keyword in _KEYWORDS.items():
        limit = getattr(one, name)
        if limit is not None:
            found[keyword] = limit
    if one.examples:
        found["examples"] = list(one.examples)
    return found | _retirement(one)


def _retirement(one: EventType | Property) -> dict[str, Any]:
    if not (one.retired_on or one.replaced_by):
        return {}
    successor = {"x-replaced-by": one.replaced_by} if one.replaced_by else {}
    return {"deprecated": True, **successor}


def written(source: str, schema: Mapping[str, Any]) -> str:
    """As text with the note in the first line, where JSON has no comments."""
    pairs = {"$comment": note(source), **schema}
    text = json.dumps(pairs, indent=2, ensure_ascii=False)
    return "{ " + text.removeprefix("{\n").lstrip() + "\n"
