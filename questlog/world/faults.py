"""Malformed events, one kind for each reason for which the door turns events away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from questlog.world.parameters import DAY
from questlog.world.scene import Scene
from questlog.world.wire import Copy, history_line, uuid_text

Event = dict[str, Any]
Spoil = Callable[[Event], Event]

_ONE_IN = 230
_YEARS_AHEAD = 41 * 365 * DAY
_TOO_LARGE_BYTES = 90_000


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which one kind of event goes wrong, and what the door says to it."""

    reason: str
    of: str
    spoil: Spoil


def _with(**changed: object) -> Spoil:
    return lambda event: event | changed


def _without(*keys: str) -> Spoil:
    return lambda event: {key: said for key, said in event.items() if key not in keys}


def _saying(**changed: object) -> Spoil:
    return lambda event: event | {"properties": event["properties"] | changed}


def _silent_on(key: str) -> Spoil:
    def spoil(event: Event) -> Event:
        said = {name: v for name, v in event["properties"].items() if name != key}
        return event | {"properties": said}

    return spoil


FAULTS = (
    Fault("envelope", "rolled", _without("event_id")),
    Fault("envelope", "rolled", _with(event_id="roll-17")),
    Fault("envelope", "page_viewed", _without("event_name")),
    Fault("envelope", "page_viewed", _without("user_id", "anonymous_id")),
    Fault("envelope", "feature_used", _with(user_id="u" * 300)),
    Fault("envelope", "feature_used", _with(device="tablet")),
    Fault("envelope", "feature_used", _with(properties=["dice_roller"])),
    Fault("envelope", "feature_used", _with(timestamp="yesterday evening")),
    Fault("envelope", "rolled", _with(timestamp="2026-01-05 20:15:00")),
    Fault("unplanned_event", "rolled", _with(event_name="spell_cast")),
    Fault("unplanned_event", "feature_used", _with(event_name="npc_befriended")),
    Fault("required_missing", "rolled", _silent_on("result")),
    Fault("required_missing", "billing.payment_completed", _silent_on("amount_cents")),
    Fault("required_missing", "feature_used", _silent_on("feature_name")),
    Fault("type_mismatch", "rolled", _saying(result="natural twenty")),
    Fault("type_mismatch", "billing.payment_completed", _saying(amount_cents="4,99")),
    Fault("type_mismatch", "game_session_ended", _saying(duration_seconds=1800.5)),
    Fault("additional_property", "rolled", _saying(advantage=True)),
    Fault("additional_property", "item_added", _saying(colour="moss")),
    Fault("additional_property", "user_logged_in", _saying(browser_tab=3)),
    Fault("out_of_range", "billing.payment_completed", _saying(amount_cents=-499)),
    Fault("out_of_range", "billing.payment_completed", _saying(currency="euro")),
    Fault("out_of_range", "game_session_started", _saying(role="spectator")),
    Fault("out_of_range", "skill_leveled", _saying(level=0)),
)


def malformed(scene: Scene, copies: list[Copy]) -> Iterator[Copy]:
    """Copies of healthy events with one fault each, under ids of their own."""
    chance = scene.parameters.stream("faults")
    denied = {scene.people[index].user_id for index in scene.denied_at}
    by_name: dict[str, list[Copy]] = {}
    for copy in copies:
        if copy.event.get("user_id") and copy.event["user_id"] not in denied:
            by_name.setdefault(copy.event["event_name"], []).append(copy)
    for number in range(len(copies) // _ONE_IN):
        fault = FAULTS[int(chance.integers(len(FAULTS)))]
        base = _base(chance, by_name.get(fault.of, []))
        rolled = _base(chance, by_name.get("rolled", []))
        if base:
            yield replace(base, event=fault.spoil(base.event), reason=fault.reason)
        if rolled and number % 12 == 0:
            yield replace(rolled, at=rolled.at + _YEARS_AHEAD, reason="future")
        if (
            rolled
            and number % 9 == 0
            and rolled.received_at < scene.parameters.live_from
        ):
            yield _garbled(chance, rolled)
    yield from _too_large(chance, by_name.get("page_viewed", []))


def _base(chance: np.random.Generator, healthy: list[Copy]) -> Copy | None:
    """A healthy event to spoil, with a new id."""
    if not healthy:
        return None
    chosen = healthy[int(chance.integers(len(healthy)))]
    event_id = uuid_text(chance.bytes(16).hex())
    return replace(chosen, event=chosen.event | {"event_id": event_id})


def _garbled(chance: np.random.Generator, base: Copy) -> Copy:
    """A line that is no JSON: cut off, quoted the wrong way, or no event at all."""
    line = history_line(base)
    shapes = (
        line[: len(line) // 2],
        line.replace(b'"', b"'"),
        b"undefined",
        b"<html><title>502 Bad Gateway</title></html>",
    )
    raw = shapes[int(chance.integers(len(shapes)))]
    return replace(base, raw=raw, reason="not_json")


def _too_large(chance: np.random.Generator, pages: list[Copy]) -> Iterator[Copy]:
    for _ in range(2):
        base = _base(chance, pages)
        if base:
            title = _saying(title="tale " * (_TOO_LARGE_BYTES // 5))
            yield replace(base, event=title(base.event), reason="too_large")
