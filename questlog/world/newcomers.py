"""How people arrive: anonymous visits, signing up, first characters, first consents."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from questlog.world.chances import happens
from questlog.world.geography import from_local
from questlog.world.groups import Group
from questlog.world.happenings import Device, Happening, Visit
from questlog.world.leaving import Course
from questlog.world.parameters import DAY, HOUR, MINUTE, SECOND, day_of
from questlog.world.people import Person, a_device, hour_of_day, pick_country
from questlog.world.scene import Scene, an_online_visit, by

SITE = "https://play.example.com"
CLASSES = ("wizard", "ranger", "bard", "paladin", "rogue", "druid")

_VISITORS_PER_PERSON = 0.35
_PAGES = ("/", "/games", "/systems", "/pricing", "/stories")


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one purpose, and where."""

    purpose: str
    granted: bool
    via: str


def newcomers(scene: Scene) -> Iterator[Happening]:
    """What those do who sign up in the window, and older customers' first return."""
    chance = scene.parameters.stream("newcomers")
    group_of = scene.group_of
    for person, course in scene.cast():
        group = group_of.get(person.index)
        if person.here_before:
            yield from _return(chance, scene, person, course)
        else:
            yield from _anonymous_before(chance, person)
            yield from _sign_up(chance, person)
            yield from _first_character(chance, person, course, group)


def visitors(scene: Scene) -> Iterator[Happening]:
    """People who look around and never sign up."""
    chance = scene.parameters.stream("visitors")
    for _ in range(int(scene.parameters.people * _VISITORS_PER_PERSON)):
        country = pick_country(chance)
        device = a_device(chance, country)
        day = scene.parameters.history_from // DAY + int(
            chance.random() * (scene.parameters.days + 1)
        )
        for _ in range(1 + int(happens(chance, 0.3))):
            at = from_local(country.timezone, day, hour_of_day(chance))
            yield from _look_around(chance, device, at)
            day += 1 + int(chance.exponential(4))


def page(at: int, path: str, user_id: str, visit: Visit) -> Happening:
    """A page view."""
    return Happening(
        at, "page_viewed", {"path": path, "url": SITE + path}, user_id, visit
    )


def traits_of(person: Person, moment: int) -> dict[str, str]:
    """The traits that a log-in reports, without direct identifiers."""
    return {
        "subscription_tier": person.plan_at(moment),
        "signup_date": day_of(person.joined_at).isoformat(),
        "country": person.country.code,
    }


def identifiers_of(person: Person) -> dict[str, str]:
    """The direct identifiers a person gave, as properties or traits."""
    given = person.identifiers
    named = {
        "email": given.email,
        "first_name": given.first_name,
        "last_name": given.last_name,
    }
    return named | ({"phone": given.phone} if given.phone else {})


def consents(
    chance: np.random.Generator, person: Person, visit: Visit, at: int
) -> Iterator[Happening]:
    """What a person answers to the banner; some close it without a decision."""
    if not happens(chance, 0.88):
        return
    advertising, personalisation = happens(chance, 0.75), happens(chance, 0.7)
    for decision in (
        Decision("analytics", granted=True, via="banner"),
        Decision("personalisation", granted=personalisation, via="banner"),
        Decision("advertising", granted=advertising, via="banner"),
    ):
        yield consent(person, visit, at, decision)


def consent(
    person: Person, visit: Visit | None, at: int, decision: Decision
) -> Happening:
    """One decision about one purpose."""
    return by(
        person,
        visit,
        at,
        "consent_decided",
        purpose=decision.purpose,
        granted=decision.granted,
        policy_version="2026-01",
        via=decision.via,
    )


def _look_around(
    chance: np.random.Generator, device: Device, at: int
) -> Iterator[Happening]:
    visit = an_online_visit(chance, device)
    yield page(at, "/", "", visit)
    for _ in range(int(chance.poisson(1.6))):
        at += int(chance.exponential(70) * SECOND) + SECOND
        yield page(at, _PAGES[int(chance.integers(len(_PAGES)))], "", visit)


def _anonymous_before(
    chance: np.random.Generator, person: Person
) -> Iterator[Happening]:
    if not happens(chance, 0.75):
        return
    for _ in range(1 + int(chance.poisson(0.6))):
        before = int(chance.exponential(3) * DAY) + 40 * MINUTE
        yield from _look_around(chance, person.devices[0], person.joined_at - before)


def _sign_up(chance: np.random.Generator, person: Person) -> Iterator[Happening]:
    visit = an_online_visit(chance, person.devices[0])
    joined_at = person.joined_at
    yield page(joined_at - int(chance.uniform(40, 300) * SECOND), "/signup", "", visit)
    yield by(
        person,
        visit,
        joined_at,
        "user_signed_up",
        signup_method=person.signup_method,
        plan=person.plan_at(joined_at),
        country=person.country.code,
        **identifiers_of(person),
    )
    decided_at = joined_at + int(chance.uniform(5, 60) * SECOND)
    yield from consents(chance, person, visit, decided_at)


def _return(
    chance: np.random.Generator, scene: Scene, person: Person, course: Course
) -> Iterator[Happening]:
    """An older customer's first visit that we see: the policy is new, so is the banner.

    Their log-in brings the direct identifiers, once.
    """
    at = scene.parameters.history_from + int(chance.exponential(4) * DAY)
    visit = an_online_visit(chance, person.devices[0])
    decisions = list(consents(chance, person, visit, at + 20 * SECOND))
    if at >= course.left_at:
        return
    login = by(person, visit, at, "user_logged_in", method=person.signup_method)
    yield login._replace(traits=traits_of(person, at) | identifiers_of(person))
    yield from decisions


def _first_character(
    chance: np.random.Generator, person: Person, course: Course, group: Group | None
) -> Iterator[Happening]:
    likely = 0.93 if group else 0.65
    soon = int(chance.lognormal(np.log(0.6), 1.6) * HOUR) + 3 * MINUTE
    at = max(person.joined_at, group.founded_at if group else 0) + soon
    visit = an_online_visit(chance, person.devices[0])
    calling = CLASSES[person.index % len(CLASSES)]
    game = {"game_id": group.game_id} if group else {}
    if not happens(chance, likely) or at >= course.left_at:
        return
    made = {"character_id": person.character_id, "class": calling, "level": 1} | game
    yield by(person, visit, at, "character_created", **made)
