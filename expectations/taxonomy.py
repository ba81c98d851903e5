"""What the taxonomy promises of each event, as rules of the staging gate.

The data come from expectations/generated, made by `questlog generate`.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from expectations.suites import Keyed, Rule

GENERATED = Path(__file__).parent / "generated" / "events.json"

# as ClickHouse's JSONType names them; JSON has one number, and 3.0 is a whole one
_TYPES = {
    "string": ("String",),
    "integer": ("Int64", "UInt64", "Double"),
    "number": ("Int64", "UInt64", "Double"),
    "boolean": ("Bool",),
    "array": ("Array",),
}
_event = Keyed("toString(event_id)")


def event_rules(path: Path = GENERATED) -> tuple[Rule, ...]:
    """One rule an event type: untagged events keep what the taxonomy says of them.

    Such an event warns: the door took it, so the door and the taxonomy disagree.
    """
    told = json.loads(path.read_text(encoding="utf-8"))
    return tuple(_rule(name, words) for name, words in told["events"].items())


def _rule(name: str, words: Mapping[str, Mapping[str, Any]]) -> Rule:
    broken = " or ".join(
        f"({condition})"
        for word, limits in words.items()
        for condition in _broken(_quoted(word), limits)
    )
    return _event.never(
        f"event_name = {_quoted(name)} and empty(tags) and ({broken})",
        name=f"{name}_keeps_the_taxonomy",
        meaning=f"Every untagged {name} has the properties the taxonomy promises.",
        columns=["event_name", "properties", "tags"],
        severity="warn",
    )


def _broken(word: str, limits: Mapping[str, Any]) -> Iterator[str]:
    """Conditions under which a property breaks its definition; null means absent."""
    kind = f"JSONType(properties, {word})"
    types = ("Null", *_TYPES[limits["type"]])
    yield f"{kind} not in ({', '.join(map(_quoted, types))})"
    if limits.get("required"):
        yield f"{kind} = 'Null'"
    number = f"JSONExtractFloat(properties, {word})"
    for limit, sign in (("min", "<"), ("max", ">")):
        if limit in limits:
            yield f"{kind} != 'Null' and {number} {sign} {limits[limit]}"
    if "enum" in limits:
        is_text = limits["type"] == "string"
        value = f"JSONExtract{'String' if is_text else 'Int'}(properties, {word})"
        choices = ", ".join(
            _quoted(one) if is_text else str(one) for one in limits["enum"]
        )
        yield f"{kind} != 'Null' and {value} not in ({choices})"


def _quoted(text: str) -> str:
    """A string of SQL; braces are doubled, as a rule's query is a format."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace(":", "\\x3A")
    return "'" + escaped.replace("{", "{{").replace("}", "}}") + "'"
