"""The taxonomy as compiled validators, and their findings as typed objections."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from ingestion.objections import (
    ADDITIONAL_PROPERTY,
    OUT_OF_RANGE,
    REQUIRED_MISSING,
    TYPE_MISMATCH,
    Objection,
    pointer,
)
from warehouse.taxonomy import EventType, Property, Taxonomy

_KEYWORDS: Final = {
    "min": "minimum",
    "max": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "max_items": "maxItems",
    "format": "format",
    "pattern": "pattern",
}
_EXPECTED: Final = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {} items",
    "format": "the format {}",
    "pattern": "the pattern {}",
}


@dataclass(frozen=True, slots=True)
class Schemas:
    """One validator for each event type, and one for events that are not planned."""

    taxonomy: Taxonomy
    planned: Mapping[str, jsonschema_rs.Validator]
    unplanned: jsonschema_rs.Validator
    context_words: frozenset[str]


def compiled(taxonomy: Taxonomy) -> Schemas:
    """Compile the taxonomy's validators, once for a process."""
    return Schemas(
        taxonomy=taxonomy,
        planned={
            name: _validator(_event_schema(taxonomy, event))
            for name, event in taxonomy.events.items()
        },
        unplanned=_validator(_event_schema(taxonomy, None)),
        context_words=frozenset(taxonomy.context),
    )


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _event_schema(taxonomy: Taxonomy, event: EventType | None) -> dict[str, Any]:
    properties = {} if event is None else _object_schema(event.properties)
    if event is not None:
        properties["additionalProperties"] = False
        properties["required"] = list(event.required)
    traits = _object_schema(taxonomy.traits) | {"additionalProperties": False}
    return {
        "properties": {
            "properties": properties,
            "context": _object_schema(taxonomy.context),
            "user_properties": traits,
        }
    }


def _object_schema(words: Mapping[str, Property]) -> dict[str, Any]:
    return {"properties": {name: _value_schema(one) for name, one in words.items()}}


def _value_schema(word: Property) -> dict[str, Any]:
    """A value's schema; what is not required may also be null, as absent."""
    schema: dict[str, Any] = {
        keyword: getattr(word, name)
        for name, keyword in _KEYWORDS.items()
        if getattr(word, name) is not None
    }
    schema["type"] = word.type if word.required else [word.type, "null"]
    if word.items is not None:
        schema["items"] = {"type": word.items}
    if word.enum:
        schema["enum"] = [*word.enum, *(() if word.required else (None,))]
    return schema


def objections(
    validator: jsonschema_rs.Validator, instance: dict[str, Any]
) -> list[Objection]:
    """Everything a validator finds wrong, ordered by place; never with a value."""
    found = [
        objection
        for error in validator.iter_errors(instance)
        for objection in _translated(error)
    ]
    return sorted(found, key=lambda one: (one.at, one.reason))


def unknown_words(schemas: Schemas, context: dict[str, Any]) -> list[Objection]:
    """The words of a context that nobody planned; they are noted, never refused."""
    return [
        Objection(
            ADDITIONAL_PROPERTY, pointer("context", word), "Not in taxonomy/context.yml"
        )
        for word in context
        if word not in schemas.context_words
    ]


def _translated(error: jsonschema_rs.ValidationError) -> Iterator[Objection]:
    place = list(error.instance_path)
    keyword = str(error.schema_path[-1])
    kind: Any = error.kind
    if keyword == "required":
        at = pointer(*place, kind.property)
        yield Objection(REQUIRED_MISSING, at, "Required, and missing.")
    elif keyword == "additionalProperties":
        for name in kind.unexpected:
            at = pointer(*place, name)
            yield Objection(ADDITIONAL_PROPERTY, at, "Not in the taxonomy.")
    elif keyword == "type":
        types = [name for name in kind.types if name != "null"]
        yield Objection(
            TYPE_MISMATCH, pointer(*place), f"Expected {' or '.join(types)}."
        )
    else:
        says = f"Expected {_expectation(keyword, kind)}."
        yield Objection(OUT_OF_RANGE, pointer(*place), says)


def _expectation(keyword: str, kind: Any) -> str:
    if keyword == "enum":
        options = [str(one) for one in kind.options if one is not None]
        return "one of " + ", ".join(options)
    for attribute in ("limit", "format", "pattern"):
        if hasattr(kind, attribute):
            return _EXPECTED.get(keyword, keyword + " {}").format(
                getattr(kind, attribute)
            )
    return keyword
