"""When the door receives what happened: late, twice, altered, in no good order."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from questlog.world.chances import happens
from questlog.world.happenings import Happening
from questlog.world.parameters import DAY, HOUR, MINUTE, SECOND, Parameters
from questlog.world.scene import Scene
from questlog.world.wire import Copy, events_of, uuid_text

_SENT_TWICE = 0.02
_SOON, _SAME_DAY = 0.6, 0.9
_OUT_OF_PLACE = 0.05
_SLOW = 0.01
_CONFLICTS_IN = 12_000
_FOR_GOOD = 5 * DAY
_LAST_WORDS = 30 * MINUTE


def deliver(scene: Scene, happenings: list[Happening]) -> list[Copy]:
    """First copies of all happenings, as their channel delivers them.

    While a person denies analytics nothing more of theirs is received, but for the
    stragglers of `deaf_clients`.
    """
    parameters = scene.parameters
    happenings = sorted(happenings, key=lambda happening: happening.at)
    events = events_of(happenings, parameters.stream("event ids"))
    delays = _delays(parameters.stream("delivery"), len(happenings))
    copies = [
        _first_copy(happening, event, delay)
        for happening, event, delay in zip(happenings, events, delays, strict=True)
    ]
    denied = {scene.people[i].user_id: at for i, at in scene.denied_at.items()}
    back = {scene.people[i].user_id: at for i, at in scene.back_at.items()}
    return [copy for copy in copies if not _after_denial(copy, denied, back)]


def _delays(chance: np.random.Generator, count: int) -> list[int]:
    """Milliseconds on the way: a second or so, minutes for one in a hundred."""
    usual = chance.lognormal(np.log(1_200), 0.8, count)
    slow = np.where(chance.random(count) < _SLOW, chance.exponential(300_000, count), 0)
    delays: list[int] = (usual + slow).astype(np.int64).tolist()
    return delays


def _first_copy(happening: Happening, event: dict[str, Any], delay: int) -> Copy:
    visit = happening.visit
    if visit is None:
        received_at, timezone = happening.at + 50 + delay % 400, ""
        ahead = 0
    else:
        device = visit.device
        received_at = max(happening.at, visit.held_until) + delay
        timezone = device.timezone if device.mobile else ""
        ahead = device.ahead
    if happening.name == "consent_decided":
        received_at = happening.at + 50 + delay % 2_000
    return Copy(
        event=event,
        at=happening.at,
        timezone=timezone,
        received_at=received_at,
        first_received_at=received_at,
        ahead=ahead,
    )


def _after_denial(copy: Copy, denied: dict[str, int], back: dict[str, int]) -> bool:
    """Whether a copy comes too late; the half hour before is left out as well.

    So the few lines that change places in the file can't cross the denial. From the
    moment that the person allows analytics again theirs are received again.
    """
    person = copy.event.get("user_id", "")
    denied_at = denied.get(person)
    if denied_at is None or copy.received_at <= denied_at - _LAST_WORDS:
        return False
    if person in back and copy.at >= back[person]:
        return False
    return not (copy.event["event_name"] == "consent_decided" and copy.at == denied_at)


def duplicates(scene: Scene, copies: list[Copy]) -> Iterator[Copy]:
    """Natural duplicates: a retry, a queue sent again, a file imported twice.

    People who deny analytics get none, so that what the door says of them is certain.
    """
    chance = scene.parameters.stream("duplicates")
    denied = {scene.people[index].user_id for index in scene.denied_at}
    doubled = chance.random(len(copies)) < _SENT_TWICE
    for copy, twice in zip(copies, doubled.tolist(), strict=True):
        if twice and copy.event.get("user_id") not in denied:
            again = copy.received_at + _later(chance)
            yield copy.again(again)
            if happens(chance, 0.1):
                yield copy.again(again + _later(chance))


def _later(chance: np.random.Generator) -> int:
    how = chance.random()
    if how < _SOON:
        return 1 + int(chance.exponential(40) * SECOND)
    if how < _SAME_DAY:
        return 1 + int(chance.exponential(5) * HOUR)
    return 1 + int(chance.uniform(1, 20) * DAY)


def conflicts(scene: Scene, copies: list[Copy]) -> Iterator[Copy]:
    """Id conflicts: a later copy that claims something else under the same id."""
    chance = scene.parameters.stream("conflicts")
    denied = {scene.people[index].user_id for index in scene.denied_at}
    chosen = [
        copy
        for copy in copies
        if copy.event["event_name"] in {"rolled", "billing.payment_completed"}
        and copy.event["user_id"] not in denied
        and copy.received_at < scene.parameters.history_to
    ]
    wanted = min(len(chosen), 3 + len(copies) // _CONFLICTS_IN)
    paid = [c for c in chosen if c.event["event_name"] != "rolled"][:1]
    picks = chance.choice(len(chosen), wanted, replace=False).tolist() if chosen else []
    for copy in {id(c): c for c in [*paid, *(chosen[i] for i in picks)]}.values():
        yield _altered(
            copy, copy.received_at + SECOND + int(chance.uniform(0, 2) * HOUR)
        )


def _altered(copy: Copy, received_at: int) -> Copy:
    said = copy.event["properties"]
    key = "result" if "result" in said else "amount_cents"
    altered = copy.event | {"properties": said | {key: said[key] + 1}}
    return replace(copy, event=altered, received_at=received_at, conflicts=True)


def deaf_clients(scene: Scene) -> Iterator[Copy]:
    """Old clients that go on sending after their person denied analytics."""
    chance = scene.parameters.stream("deaf clients")
    for index, denied_at in scene.denied_at.items():
        person = scene.people[index]
        at = denied_at + _FOR_GOOD
        ends = scene.back_at.get(index, scene.parameters.history_to)
        for _ in range(int(chance.integers(1, 4))):
            at += int(chance.uniform(0.1, 3) * DAY)
            if at + MINUTE < ends:
                yield _straggler(person.user_id, at, uuid_text(chance.bytes(16).hex()))


def _straggler(user_id: str, at: int, event_id: str) -> Copy:
    event = {
        "event_id": event_id,
        "event_name": "page_viewed",
        "user_id": user_id,
        "properties": {"path": "/home"},
    }
    return Copy(
        event=event,
        at=at,
        timezone="",
        received_at=at + SECOND,
        first_received_at=at + SECOND,
        reason="consent",
    )


def in_file_order(parameters: Parameters, copies: list[Copy]) -> list[Copy]:
    """Copies by receipt, one in twenty up to ten minutes out of place."""
    chance = parameters.stream("file order")
    count = len(copies)
    moved = (
        chance.uniform(-10, 10, count) * MINUTE * (chance.random(count) < _OUT_OF_PLACE)
    )
    places = np.array([copy.received_at for copy in copies]) + moved.astype(np.int64)
    return [copies[place] for place in np.argsort(places, kind="stable").tolist()]
