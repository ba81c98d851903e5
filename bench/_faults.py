"""A kind of fault: what goes wrong, by how much, and how grave that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

Layer = Literal["raw", "marts", "features", "churn", "lifetime_value", "audiences"]
Severity = Literal["stop", "warn"]
Event = dict[str, Any]
Tail = list[Event]
Spoil = Callable[[Tail, Random], Tail]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind; `stop` is what must not pass, `warn` what must be told.

    A fault of events is born in `spoil`, before the door; one of tables in
    `statements`, after they are built.
    """

    name: str
    layer: Layer
    magnitude: str
    severity: Severity
    spoil: Spoil | None = None
    statements: Sequence[str] = ()


def raw(name: str, magnitude: str, spoil: Spoil, severity: Severity = "warn") -> Fault:
    """A fault of senders, in the fourteen days that end the month."""
    return Fault(
        name=name, layer="raw", magnitude=magnitude, severity=severity, spoil=spoil
    )


def each(change: Callable[[Event, Random], Event | None]) -> Spoil:
    """A fault that changes events one by one, or loses them by giving None."""

    def spoil(events: Tail, chance: Random) -> Tail:
        changed = (change(event, chance) for event in events)
        return [event for event in changed if event is not None]

    return spoil


def moment(text: str) -> datetime:
    """A moment as written in a line."""
    return datetime.fromisoformat(text)


def written(at: datetime) -> str:
    """A moment as a line has it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moved(event: Event, by: timedelta) -> Event:
    """The event, said to have happened at another time, if it says a time at all."""
    try:
        moment(event["timestamp"])
    except (KeyError, TypeError, ValueError):
        return event
    return event | {"timestamp": written(moment(event["timestamp"]) + by)}


def name_of(event: Event) -> str:
    """The event's name without its domain."""
    return str(event.get("event_name", "")).rpartition(".")[2]


def system_of(event: Event) -> str:
    """The operating system an event says it comes from."""
    context = event.get("context")
    return str(context.get("os", "")) if isinstance(context, dict) else ""


def saying(event: Event, **changed: object) -> Event:
    """The event with other properties; None takes one out."""
    there = event.get("properties", {})
    if not isinstance(there, dict):
        return event
    said = {**there, **changed}
    return event | {"properties": {k: v for k, v in said.items() if v is not None}}
