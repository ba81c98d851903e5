"""Second thoughts about consent: withdrawn, given again, denied for good or a while."""

from collections.abc import Iterator

from questlog.world.chances import happens
from questlog.world.happenings import Happening
from questlog.world.newcomers import Decision, consent, page
from questlog.world.parameters import DAY, MINUTE
from questlog.world.people import Person
from questlog.world.scene import Scene, an_online_visit, by

_WITHDRAWS = 0.05
_BY_MAIL = 0.2
_TURNS = {"personalisation": 0.03, "advertising": 0.02}
_GIVES_AGAIN = 0.5


def second_thoughts(scene: Scene) -> Iterator[Happening]:
    """Decisions made later, in the settings or through support."""
    chance = scene.parameters.stream("second thoughts")
    for person, course in scene.cast():
        visit = an_online_visit(chance, person.devices[0])
        withdraws, where = happens(chance, _WITHDRAWS), chance.random()
        begins = max(person.joined_at, scene.parameters.history_from) + 2 * DAY
        ends = min(course.left_at, scene.parameters.live_to)
        if withdraws and begins < ends:
            at = begins + int(where * (ends - begins))
            by_mail = where < _BY_MAIL
            yield consent(
                person,
                None if by_mail else visit,
                at,
                Decision(
                    "advertising",
                    granted=False,
                    via="support" if by_mail else "settings",
                ),
            )
        denied_at = scene.denied_at.get(person.index)
        if denied_at:
            yield _in_settings(person, denied_at, "analytics", granted=False)


def changes_of_mind(scene: Scene) -> Iterator[Happening]:
    """One purpose withdrawn in the settings; half of those allow it again later."""
    for purpose, share in _TURNS.items():
        chance = scene.parameters.stream(f"{purpose} changes")
        for person, course in scene.cast():
            turns, again = happens(chance, share), happens(chance, _GIVES_AGAIN)
            first, second = sorted(chance.random(2).tolist())
            begins = max(person.joined_at, scene.parameters.history_from) + 2 * DAY
            span = min(course.left_at, scene.parameters.live_to) - begins
            if not turns or span <= 0:
                continue
            at = begins + int(first * span)
            yield _in_settings(person, at, purpose, granted=False)
            if again:
                later = begins + int(second * span)
                yield _in_settings(person, later, purpose, granted=True)


def welcomes_back(scene: Scene) -> Iterator[Happening]:
    """Those who allow analytics again: their word, and a last look around."""
    chance = scene.parameters.stream("welcomes back")
    for index, back_at in scene.back_at.items():
        person = scene.people[index]
        yield _in_settings(person, back_at, "analytics", granted=True)
        visit = an_online_visit(chance, person.devices[0])
        at = back_at + int(chance.uniform(1, 10) * MINUTE)
        yield by(person, visit, at, "user_logged_in", method=person.signup_method)
        for _ in range(1 + int(chance.poisson(3))):
            at += 1_000 + int(chance.exponential(40_000))
            yield page(at, "/home", person.user_id, visit)


def _in_settings(person: Person, at: int, purpose: str, *, granted: bool) -> Happening:
    return consent(person, None, at, Decision(purpose, granted=granted, via="settings"))
