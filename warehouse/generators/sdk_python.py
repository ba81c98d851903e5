"""sdk/python/questlog_events/__init__.py: a typed dictionary for each event."""

import json
from collections.abc import Iterable, Mapping

from warehouse.generators.note import note
from warehouse.generators.sdk_typescript import type_name
from warehouse.taxonomy import EventType, Property, Taxonomy

_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "object": "Mapping[str, object]",
}
_HEAD = '''\
"""Types of every event, for the server-side client; plain dictionaries at run time."""

from collections.abc import Mapping
from typing import Final, Literal, NotRequired, Protocol, TypedDict, overload
'''


def python_types(taxonomy: Taxonomy) -> str:
    """Typed dictionaries for properties and traits, and the signature of `track`.

    Written in the form that takes any key: a property may be called `class`.
    """
    events = sorted(taxonomy.events.values(), key=lambda one: one.name)
    parts = [
        f"# {note('taxonomy/')}\n{_HEAD}",
        *(_typed_dict(one.name, _on_event(one), one.properties) for one in events),
        _typed_dict("user_properties", ["Traits of the person."], taxonomy.traits),
        _names(events),
        _versions(events),
        _track(events),
    ]
    return "\n".join(parts)


def _on_event(event: EventType) -> list[str]:
    return [event.meaning, *_retired(event)]


def _retired(one: EventType | Property) -> list[str]:
    if not (one.retired_on or one.replaced_by):
        return []
    return [f"Retired: send {one.replaced_by}." if one.replaced_by else "Retired."]


def _typed_dict(name: str, says: Iterable[str], words: Mapping[str, Property]) -> str:
    title = type_name(name)
    lines = [f"# {line}" for line in says]
    lines += [f"{title} = TypedDict(", f'    "{title}",', "    {"]
    for one in words.values():
        lines += [f"        # {line}" for line in (one.meaning, *_retired(one))]
        lines.append(f"        {json.dumps(one.name)}: {_type(one)},")
    return "\n".join([*lines, "    },", ")", ""])


def _type(one: Property) -> str:
    if one.required:
        return _value(one)
    return f"NotRequired[{_value(one)} | None]"


def _value(one: Property) -> str:
    if one.enum:
        return f"Literal[{', '.join(json.dumps(choice) for choice in one.enum)}]"
    if one.type == "array":
        return f"list[{_TYPES[one.items] if one.items else 'object'}]"
    return _TYPES[one.type]


def _names(events: Iterable[EventType]) -> str:
    listed = "".join(f'    "{one.name}",\n' for one in events)
    return f"EventName = Literal[\n{listed}]\n"


def _versions(events: Iterable[EventType]) -> str:
    listed = "".join(f'    "{one.name}": "{one.versions[-1]}",\n' for one in events)
    return (
        "# The newest version of each event, to be sent as `event_version`.\n"
        f"EVENT_VERSIONS: Final[Mapping[EventName, str]] = {{\n{listed}}}\n"
    )


def _track(events: list[EventType]) -> str:
    """A protocol with one overload an event; one alone needs no overload."""
    mark = "    @overload\n" if len(events) > 1 else ""
    calls = [
        f"{mark}    def __call__(\n"
        f'        self, event_name: Literal["{one.name}"],'
        f" properties: {type_name(one.name)}, /\n"
        "    ) -> None: ...\n"
        for one in events
    ]
    says = '    """What sends an event: its properties are those of its name."""\n'
    return "\n".join([f"\nclass Track(Protocol):\n{says}", *calls])
