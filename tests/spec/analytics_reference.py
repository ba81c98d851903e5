"""What questions should answer, said slowly in plain Python.

Nothing here is shared with the SQL: periods are dates and not numbers, Markov's chance
is approached by steps instead of solved, Shapley's value is averaged over every order
of the players.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise, permutations
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; `place` orders a person's events of one millisecond."""

    event_id: str
    person: str
    session: str
    name: str
    ms: int
    place: int
    channel: str
    revenue: float
    url: str

    @property
    def rank(self) -> tuple[int, int]:
        """What a person's events are ordered by."""
        return self.ms, self.place


def by_person(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Each person's events in order."""
    people: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.rank):
        people[event.person].append(event)
    return people


def period_start(ms: int, period: str, zone: str, week_start: str) -> datetime:
    """When the period of a moment began, as local time without a zone."""
    local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(ZoneInfo(zone))
    day = datetime(local.year, local.month, local.day)  # noqa: DTZ001  local time
    if period == "month":
        return day.replace(day=1)
    if period == "week":
        shift = 1 if week_start == "sunday" else 0
        return day - timedelta(days=(day.weekday() + shift) % 7)
    return day


def period_after(start: datetime, period: str) -> datetime:
    """The period that follows one."""
    if period == "month":
        return (start + timedelta(days=40)).replace(day=1)
    return start + timedelta(days=7 if period == "week" else 1)


def lifecycle(  # noqa: PLR0913  the question's own parameters
    events: Sequence[Event],
    *,
    event: str | None,
    first_ms: int,
    periods: int,
    period: str,
    zone: str,
    week_start: str,
    first_seen_by: str,
) -> list[dict[str, int]]:
    """One object a period."""
    listed = [period_start(first_ms, period, zone, week_start)]
    while len(listed) < periods:
        listed.append(period_after(listed[-1], period))
    counted = [Counter[str]() for _ in listed]
    for theirs in by_person(events).values():
        matching = [one for one in theirs if event in (None, one.name)]
        if not matching:
            continue
        seen = theirs if first_seen_by == "any" else matching
        first = period_start(seen[0].ms, period, zone, week_start)
        active = {period_start(one.ms, period, zone, week_start) for one in matching}
        for number, start in enumerate(listed):
            before = any(period_after(one, period) == start for one in active)
            if start in active and start == first:
                counted[number]["new"] += 1
            elif start in active:
                counted[number]["returning" if before else "resurrecting"] += 1
            elif before:
                counted[number]["dormant"] -= 1
    names = ("new", "returning", "resurrecting", "dormant")
    return [{name: one[name] for name in names} for one in counted]


def active_people(
    events: Sequence[Event], event: str | None, starts: Callable[[int], datetime]
) -> Counter[datetime]:
    """How many people were active in each period."""
    pairs = {
        (one.person, starts(one.ms)) for one in events if event in (None, one.name)
    }
    return Counter(start for _, start in pairs)


def stickiness(
    events: Sequence[Event],
    *,
    event: str | None,
    between: tuple[int, int],
    intervals: int,
    starts: Callable[[int], datetime],
) -> list[int]:
    """How many people were active in 1, 2, … periods."""
    active: dict[str, set[datetime]] = defaultdict(set)
    for one in events:
        if event in (None, one.name) and between[0] <= one.ms <= between[1]:
            active[one.person].add(starts(one.ms))
    sizes = Counter(len(periods) for periods in active.values())
    return [sizes[number] for number in range(1, intervals + 1)]


def path(
    names: Sequence[str], *, anchor: str | None, most: int, direction: str, merge: bool
) -> Path | None:
    """The path among one unit's events; without the anchor there is none."""
    if anchor is not None and anchor not in names:
        return None
    if direction == "after":
        kept = list(names[0 if anchor is None else names.index(anchor) :])
    else:
        kept = list(names[: len(names) if anchor is None else names.index(anchor) + 1])
    if merge:
        kept = [name for name, _ in groupby(kept)]
    return tuple(kept[:most] if direction == "after" else kept[-most:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A conversion's path, or that of someone who never converted."""

    converted: bool
    person: str
    ms: int
    revenue: float
    raw: Path
    channels: Path
    ages: tuple[int, ...]


def ways(
    events: Sequence[Event], *, days: float, window: tuple[int, int], exclude: set[str]
) -> list[Way]:
    """All paths of touches (`touch`) to purchases (`buy`), and to none."""
    found = []
    for person, theirs in by_person(events).items():
        known = [one for one in theirs if one.ms < window[1]]
        touches = [
            one
            for one in known
            if one.name == "touch" and one.channel and one.channel not in exclude
        ]
        bought = [one for one in known if one.name == "buy"]
        ends = [(True, one.ms, one.revenue) for one in bought]
        if not bought and touches:
            ends = [(False, touches[-1].ms, 0.0)]
        for converted, ms, revenue in ends:
            seen = [one for one in touches if 0 <= ms - one.ms <= days * DAY_MS]
            if ms < window[0] or not seen:
                continue
            runs = [list(run) for _, run in groupby(seen, key=lambda one: one.channel)]
            found.append(
                Way(
                    converted=converted,
                    person=person,
                    ms=ms,
                    revenue=revenue,
                    raw=tuple(one.channel for one in seen),
                    channels=tuple(run[-1].channel for run in runs),
                    ages=tuple(ms - run[-1].ms for run in runs),
                )
            )
    return found


Credits = dict[tuple[str, str], tuple[float, float]]


def credits_given(found: Sequence[Way], *, half_life_ms: int) -> Credits:
    """(model, channel) to (conversions, revenue)."""
    given: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    made = [way for way in found if way.converted]
    for way in made:
        for model, weights in _weights(way, half_life_ms).items():
            for channel, weight in zip(way.channels, weights, strict=True):
                given[model, channel][0] += weight
                given[model, channel][1] += weight * way.revenue
    channels = sorted({channel for way in found for channel in way.channels})
    for number, worth in enumerate((lambda _: 1.0, lambda way: way.revenue)):
        for channel, value in _shapley(channels, made, worth).items():
            given["shapley", channel][number] = value
    effects = _removal_effects(channels, found)
    for channel, effect in effects.items():
        share = effect / sum(effects.values()) if made else 0.0
        given["markov", channel] = [
            share * len(made),
            share * sum(way.revenue for way in made),
        ]
    return {
        key: (conversions, revenue) for key, (conversions, revenue) in given.items()
    }


def _weights(way: Way, half_life_ms: int) -> dict[str, list[float]]:
    n = len(way.channels)
    first, last = [0.0] * n, [0.0] * n
    first[0] = last[-1] = 1.0
    middle = (
        [0.4, *[0.2 / (n - 2) for _ in range(n - 2)], 0.4] if n > 2 else [1 / n] * n
    )
    decayed = [0.5 ** (age / half_life_ms) for age in way.ages]
    return {
        "first": first,
        "last": last,
        "linear": [1 / n] * n,
        "position": middle,
        "time_decay": [weight / sum(decayed) for weight in decayed],
    }


def _shapley(
    channels: Sequence[str], made: Sequence[Way], worth: Callable[[Way], float]
) -> dict[str, float]:
    """The average, over all orders, of what a channel adds when it comes."""

    def value(players: frozenset[str]) -> float:
        return sum(worth(way) for way in made if set(way.channels) <= players)

    added: dict[str, float] = defaultdict(float)
    orders = list(permutations(channels))
    for order in orders:
        for number, channel in enumerate(order):
            before = frozenset(order[:number])
            added[channel] += (value(before | {channel}) - value(before)) / len(orders)
    return added


def _removal_effects(channels: Sequence[str], found: Sequence[Way]) -> dict[str, float]:
    """How many conversions a channel's absence would cost."""
    leaving: dict[str, Counter[str]] = defaultdict(Counter)
    for way in found:
        states = ("(start)", *way.channels, "(won)" if way.converted else "(lost)")
        for one, other in pairwise(states):
            leaving[one][other] += 1
    whole = _chance(leaving, "")
    return {channel: whole - _chance(leaving, channel) for channel in channels}


def _chance(leaving: Mapping[str, Counter[str]], removed: str) -> float:
    chances = dict.fromkeys(leaving, 0.0) | {"(won)": 1.0, "(lost)": 0.0}
    for _ in range(3000):
        for state, ways_out in leaving.items():
            if state != removed:
                chances[state] = sum(
                    times * chances[other] for other, times in ways_out.items()
                ) / sum(ways_out.values())
    return chances.get("(start)", 0.0)


def sessions(
    events: Sequence[Event], *, timeout_ms: int | None
) -> set[tuple[str, int, int, int, int, str, str]]:
    """(device, start, end, events, page views, first url, last url) of each session.

    Without a timeout the tracker's own sessions.
    """
    runs: list[list[Event]] = []
    if timeout_ms is None:
        tracked: dict[str, list[Event]] = defaultdict(list)
        for one in sorted(events, key=lambda one: one.rank):
            if one.session:
                tracked[one.session].append(one)
        runs = list(tracked.values())
    else:
        for theirs in by_person(events).values():
            last: Event | None = None
            for one in theirs:
                if last is None or one.ms - last.ms > timeout_ms:
                    runs.append([])
                runs[-1].append(one)
                last = one
    told = set()
    for run in runs:
        viewed = [one for one in run if one.name == "page_view"]
        urls = [one.url for one in viewed if one.url] or [""]
        told.add(
            (
                run[0].person,
                run[0].ms,
                run[-1].ms,
                len(run),
                len(viewed),
                urls[0],
                urls[-1],
            )
        )
    return told


def rfm(events: Sequence[Event], snapshot: date) -> dict[str, tuple[int, int, float]]:
    """Recency, frequency and money of those who bought before a day, in UTC."""
    found: dict[str, tuple[int, int, float]] = {}
    for person, theirs in by_person(events).items():
        bought = [
            (datetime.fromtimestamp(one.ms / 1000, UTC).date(), one.revenue)
            for one in theirs
            if one.name == "buy"
        ]
        known = [(day, amount) for day, amount in bought if day < snapshot]
        if known:
            recency = (snapshot - max(day for day, _ in known)).days
            found[person] = (
                recency,
                len(known),
                round(sum(amount for _, amount in known), 2),
            )
    return found


def fifth(value: float, values: Sequence[float]) -> int:
    """The fifth of a value, 5 the highest; equals share it."""
    return 5 * sum(other < value for other in values) // len(values) + 1
