"""What questions mean, in plain Python: slow, one person and one attempt at a time."""

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

NAMES = ("a", "b", "c", "x", "y")
COLOURS = ("red", "blue")
START_MS = 1_767_225_600_000  # 2026-01-01, a Thursday


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """One event of a person; `place` orders events of one millisecond."""

    ms: int
    place: int
    name: str
    colour: str

    @property
    def rank(self) -> int:
        """The same number as rank_time of fct_events."""
        return self.ms * 65536 + self.place


Journeys = dict[str, list[Event]]
Step = dict[str, Any]


def journeys(chance: random.Random, *, people: int, grid_ms: int) -> Journeys:
    """People with up to twelve events on a coarse grid, so that moments coincide."""
    made: Journeys = {}
    for number in range(people):
        moments = sorted(
            START_MS + grid_ms * chance.randrange(12)
            for _ in range(chance.randrange(1, 13))
        )
        places: dict[int, int] = defaultdict(int)
        events = []
        for ms in moments:
            events.append(
                Event(ms, places[ms], chance.choice(NAMES), chance.choice(COLOURS))
            )
            places[ms] += 1
        made[f"person {number}"] = events
    return made


def _is(event: Event, step: Step) -> bool:
    colour = (step["where"] or {}).get("colour", event.colour)
    return step["event"] in {None, event.name} and colour == event.colour


@dataclass(frozen=True, slots=True)
class _Attempt:
    taken: list[Event]
    tainted_whole: bool
    tainted: bool


def funnel(events: Sequence[Event], asked: dict[str, Any]) -> list[Event]:
    """The events of the steps that a person took in the furthest attempt."""
    if asked["order"] == "unordered":
        attempts = [
            attempt
            for begin in range(len(events))
            for attempt in _attempts_in_any_order(events, begin, asked)
        ]
    else:
        attempts = [
            _attempt_in_order(events, begin, asked)
            for begin, event in enumerate(events)
            if _is(event, asked["steps"][0])
        ]
    kept = [
        attempt.taken[:1] if attempt.tainted else attempt.taken
        for attempt in attempts
        if not attempt.tainted_whole
    ]
    return min(
        kept, key=lambda taken: (-len(taken), taken[-1], -taken[0].rank), default=[]
    )


def _attempt_in_order(
    events: Sequence[Event], begin: int, asked: dict[str, Any]
) -> _Attempt:
    steps, window = asked["steps"], asked["window_ms"]
    taken, at = [events[begin]], begin
    for step in steps[1:]:
        later = range(at + 1, len(events))
        if asked["order"] == "strict":
            later = later[:1]
        found = next((place for place in later if _is(events[place], step)), None)
        if found is None or events[found].ms - taken[0].ms > window:
            break
        taken.append(events[found])
        at = found
    spoilt = [
        (exclusion, _is_spoilt(events, taken, exclusion, asked))
        for exclusion in asked["exclusions"]
    ]
    return _Attempt(
        taken,
        any(is_so for one, is_so in spoilt if one["from_step"] is not None),
        any(is_so for one, is_so in spoilt if one["from_step"] is None),
    )


def _is_spoilt(
    events: Sequence[Event], taken: list[Event], exclusion: Step, asked: dict[str, Any]
) -> bool:
    since = exclusion["from_step"] or 0
    until = exclusion["to_step"]
    until = len(asked["steps"]) - 1 if until is None else until
    if len(taken) <= since:
        return False
    return any(
        _is(event, exclusion)
        and event > taken[since]
        and event.ms - taken[0].ms <= asked["window_ms"]
        and (len(taken) <= until or event < taken[until])
        for event in events
    )


def _attempts_in_any_order(
    events: Sequence[Event], begin: int, asked: dict[str, Any]
) -> list[_Attempt]:
    """The attempt as each step that the event can be; other steps: the first after."""
    found = []
    later = [
        event
        for event in events[begin + 1 :]
        if event.ms - events[begin].ms <= asked["window_ms"]
    ]
    for first in asked["steps"]:
        if not _is(events[begin], first):
            continue
        left = list(asked["steps"])
        left.remove(first)
        taken = {events[begin]}
        for step, same in itertools.groupby(sorted(left, key=str)):
            matching = [event for event in later if _is(event, step)]
            taken |= set(matching[: len(list(same))])
        whole = sorted(taken)
        complete = len(whole) == len(asked["steps"])
        tainted = any(
            _is(event, exclusion) and (not complete or event < whole[-1])
            for exclusion in asked["exclusions"]
            for event in later
        )
        found.append(_Attempt(whole, tainted_whole=False, tainted=tainted))
    return found


def days(events: Sequence[Event]) -> dict[int, list[Event]]:
    """A person's events by UTC day since the start."""
    found: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        found[(event.ms - START_MS) // 86_400_000].append(event)
    return found


def weeks(events: Sequence[Event], first: datetime) -> dict[int, list[Event]]:
    """A person's events by calendar week from Monday, the week of `first` being 0."""
    monday = first.date() - timedelta(days=first.weekday())
    found: dict[int, list[Event]] = defaultdict(list)
    for event in events:
        day = datetime.fromtimestamp(event.ms / 1000, UTC).date()
        found[(day - monday).days // 7].append(event)
    return found


def retention(
    people: Journeys, asked: dict[str, Any], periods: int, *, by_week: bool = False
) -> list[list[int]]:
    """Cohorts and returns; see `ask_retention`."""
    target = {"event": asked["target_event"], "where": asked["where"]}
    back = {"event": asked["returning_event"], "where": asked["where"]}
    first = datetime.fromtimestamp(START_MS / 1000, UTC)
    table = [[0] * (periods - cohort) for cohort in range(periods)]
    for events in people.values():
        active = weeks(events, first) if by_week else days(events)
        cohorts = sorted(
            period
            for period, done in active.items()
            if any(_is(e, target) for e in done)
        )
        if asked["type"] == "first_time":
            cohorts = cohorts[:1]
        for cohort in cohorts:
            if cohort >= periods:
                continue
            table[cohort][0] += 1
            for later in range(1, periods - cohort):
                done = active.get(cohort + later, [])
                table[cohort][later] += any(_is(event, back) for event in done)
    return table


def unbounded(
    people: Journeys, asked: dict[str, Any], span: tuple[int, int]
) -> tuple[int, list[int]]:
    """People who began, and those who returned so many days later or more."""
    total, retained = 0, [0] * len(asked["periods_days"])
    for events in people.values():
        within = [event for event in events if span[0] <= event.ms < span[1]]
        begun = [
            event for event in within if asked["first_event"] in {None, event.name}
        ]
        if not begun:
            continue
        total += 1
        for place, later in enumerate(asked["periods_days"]):
            earliest = begun[0].ms + later * 86_400_000
            retained[place] += any(
                event.ms >= earliest and event.name == asked["returning_event"]
                for event in within
            )
    return total, retained
