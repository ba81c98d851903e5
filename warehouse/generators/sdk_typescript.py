"""sdk/js/src/taxonomy.generated.ts: a type for each event, for the tracker."""

import json
from collections.abc import Iterable, Mapping

from warehouse.generators.note import note
from warehouse.taxonomy import EventType, Property, Taxonomy

_TYPES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "object": "Record<string, unknown>",
}


def typescript_types(taxonomy: Taxonomy) -> str:
    """Interfaces of properties, traits and context, and a map by event name."""
    events = sorted(taxonomy.events.values(), key=lambda one: one.name)
    names = [f"  {one.name}: {type_name(one.name)};" for one in events]
    versions = [f'  {one.name}: "{one.versions[-1]}",' for one in events]
    parts = [
        f"// {note('taxonomy/')}",
        *(
            _interface(type_name(one.name), _on_event(one), one.properties)
            for one in events
        ),
        _interface("UserProperties", ["Traits of the person."], taxonomy.traits),
        _interface(
            "Context", ["The circumstances."], taxonomy.context, open_ended=True
        ),
        _block(
            "/** The properties of each event, by its name. */",
            "EventProperties",
            names,
        ),
        "export type EventName = keyof EventProperties;",
        "/** The newest version of each event, to be sent as `event_version`. */\n"
        "export const EVENT_VERSIONS: Readonly<Record<EventName, string>> = {\n"
        + "\n".join(versions)
        + "\n};",
    ]
    return "\n\n".join(parts) + "\n"


def type_name(event_name: str) -> str:
    """An event's name as types are named: game_created becomes GameCreated."""
    return "".join(part.capitalize() for part in event_name.split("_"))


def _on_event(event: EventType) -> list[str]:
    return [event.meaning, *_retired(event)]


def _retired(one: EventType | Property) -> list[str]:
    if not (one.retired_on or one.replaced_by):
        return []
    use = f" Send {one.replaced_by}." if one.replaced_by else ""
    return [f"@deprecated{use}"]


def _interface(
    name: str,
    says: Iterable[str],
    words: Mapping[str, Property],
    *,
    open_ended: bool = False,
) -> str:
    lines = [line for one in words.values() for line in _property(one)]
    if open_ended:
        lines.append("  [word: string]: unknown;")
    return _block(_comment(says), name, lines)


def _block(comment: str, name: str, lines: Iterable[str]) -> str:
    return "\n".join([comment, f"export interface {name} {{", *lines, "}"])


def _property(one: Property) -> list[str]:
    comment = _comment([one.meaning, *_retired(one)], indent="  ")
    if one.required:
        return [comment, f"  {one.name}: {_type(one)};"]
    return [comment, f"  {one.name}?: {_type(one)} | null;"]


def _type(one: Property) -> str:
    if one.enum:
        return " | ".join(json.dumps(choice) for choice in one.enum)
    if one.type == "array":
        return f"{_TYPES[one.items]}[]" if one.items else "unknown[]"
    return _TYPES[one.type]


def _comment(says: Iterable[str], *, indent: str = "") -> str:
    lines = [line.replace("*/", "* /") for line in says]
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */"
    inner = [f"{indent} * {line}" for line in lines]
    return "\n".join([f"{indent}/**", *inner, f"{indent} */"])
