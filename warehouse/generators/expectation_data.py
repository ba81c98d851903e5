"""expectations/generated/events.json: what the staging gate expects of each event."""

from typing import Any

from warehouse.generators.json_schema import written
from warehouse.taxonomy import EventType, Property, Taxonomy

_LIMITS = ("min", "max")


def expectation_data(taxonomy: Taxonomy) -> str:
    """Types, limits and enums by event; patterns and lengths stay the door's.

    Direct identifiers are tokens in the warehouse: only their presence is told.
    """
    events = {
        name: _event(event)
        for name, event in sorted(taxonomy.events.items())
        if event.properties
    }
    return written("taxonomy/events/", {"events": events})


def _event(event: EventType) -> dict[str, dict[str, Any]]:
    return {name: _property(one) for name, one in event.properties.items()}


def _property(one: Property) -> dict[str, Any]:
    found: dict[str, Any] = {"type": one.type}
    if one.required:
        found["required"] = True
    if one.direct:
        return found
    limits = {name: getattr(one, name) for name in _LIMITS}
    found |= {name: limit for name, limit in limits.items() if limit is not None}
    if one.enum:
        found["enum"] = list(one.enum)
    return found
