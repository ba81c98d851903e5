"""What people do alone: log in, look about, use features, roll, play solo."""

from collections.abc import Iterator

import numpy as np

from questlog.world.geography import from_local
from questlog.world.happenings import Happening, Visit
from questlog.world.leaving import Course
from questlog.world.newcomers import page, traits_of
from questlog.world.parameters import DAY, HOUR, MINUTE, SECOND
from questlog.world.people import Person, hour_of_day
from questlog.world.scene import Scene, a_device_of, a_visit, by

FEATURES = (
    ("dice_roller", "play"),
    ("character_sheet", "play"),
    ("map_editor", "creation"),
    ("npc_generator", "creation"),
    ("encounter_builder", "creation"),
    ("campaign_journal", "story"),
    ("session_recap", "story"),
    ("table_chat", "community"),
    ("group_finder", "community"),
    ("soundboard", "atmosphere"),
)

# Monday to Sunday: more on the weekend.
_WEEKDAYS = np.array([0.85, 0.85, 0.9, 0.95, 1.1, 1.25, 1.1])
_PAGES = ("/home", "/games", "/characters", "/library", "/shop", "/community")
_HALF_AN_HOUR = 30 * MINUTE


def solo_visits(scene: Scene) -> Iterator[Happening]:
    """Everyone's visits outside the table, as appetite and activity have it."""
    chance = scene.parameters.stream("solo visits")
    seated = scene.group_of
    first = scene.parameters.history_from // DAY
    days = np.arange(first, first + scene.parameters.days + 1)
    rhythm = _WEEKDAYS[(days + 3) % 7]
    for person, course in scene.cast():
        rates = person.appetite * rhythm * course.activity(days * DAY + 12 * HOUR)
        counts = chance.poisson(rates)
        for day in np.repeat(days, counts).tolist():
            at = from_local(person.country.timezone, day, hour_of_day(chance))
            if person.joined_at + HOUR < at < course.left_at:
                plays = person.index not in seated
                yield from _solo_visit(chance, person, at, plays=plays)


def steps(
    chance: np.random.Generator, at: int, *, count: int, mean: float
) -> Iterator[int]:
    """Moments one after the other, `mean` seconds apart on average.

    A few silences last half an hour to the millisecond, or one more: the edge of a
    session is where sessions go wrong.
    """
    for _ in range(count):
        if chance.random() < 0.004:
            at += _HALF_AN_HOUR + int(chance.random() < 0.5)
        else:
            at += int(chance.exponential(mean) * SECOND) + 200
        yield at


def _solo_visit(
    chance: np.random.Generator, person: Person, at: int, *, plays: bool
) -> Iterator[Happening]:
    visit = a_visit(chance, a_device_of(chance, person), at)
    user = person.user_id
    if chance.random() < 0.55:
        login = by(person, visit, at, "user_logged_in", method=person.signup_method)
        yield login._replace(traits=traits_of(person, at))
    for at in steps(chance, at, count=1 + int(chance.poisson(0.8)), mean=50):  # noqa: B020, PLR1704
        yield page(at, _PAGES[int(chance.random() * len(_PAGES))], user, visit)
    used = int(chance.poisson(0.4 + 2.2 * person.curiosity))
    for at in steps(chance, at, count=used, mean=150):  # noqa: B020, PLR1704
        yield _feature(chance, person, visit, at)
    for at in steps(chance, at, count=int(chance.poisson(0.6)), mean=60):  # noqa: B020, PLR1704
        yield rolled(chance, person, visit, at)
    if plays and chance.random() < 0.3:
        yield from _solo_play(chance, person, visit, at)


def _feature(
    chance: np.random.Generator, person: Person, visit: Visit, at: int
) -> Happening:
    known = max(2, round(len(FEATURES) * (0.3 + 0.7 * person.curiosity)))
    pick = (person.index + int(chance.random() ** 2 * known)) % len(FEATURES)
    name, category = FEATURES[pick]
    return by(
        person,
        visit,
        at,
        "feature_used",
        feature_name=name,
        feature_category=category,
        plan_type=person.plan_at(at),
        usage_duration=int(chance.exponential(140)) + 3,
    )


def rolled(
    chance: np.random.Generator,
    person: Person,
    visit: Visit,
    at: int,
    game_session_id: str = "",
) -> Happening:
    """A throw of a twenty-sided die with a bonus; at the table or outside play."""
    bonus = person.index % 6
    at_table = {"game_session_id": game_session_id} if game_session_id else {}
    return by(
        person,
        visit,
        at,
        "rolled",
        **at_table,
        dice=f"1d20+{bonus}",
        result=1 + int(chance.random() * 20) + bonus,
    )


def _solo_play(
    chance: np.random.Generator, person: Person, visit: Visit, at: int
) -> Iterator[Happening]:
    began = at + int(chance.uniform(20, 200) * SECOND)
    place = {
        "game_session_id": f"game_session_{chance.bytes(6).hex()}",
        "game_id": f"game_solo_{person.index + 1:05d}",
    }
    yield by(person, visit, began, "game_session_started", **place, role="player")
    at = began
    for at in steps(chance, began, count=2 + int(chance.poisson(4)), mean=240):
        yield rolled(chance, person, visit, at, place["game_session_id"])
    ended = at + int(chance.uniform(60, 400) * SECOND)
    if chance.random() > 0.06:
        lasted = (ended - began) // SECOND
        yield by(
            person,
            visit,
            ended,
            "game_session_ended",
            **place,
            duration_seconds=lasted,
        )
