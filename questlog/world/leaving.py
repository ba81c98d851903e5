"""When people leave, and how their activity fades before they do."""

from dataclasses import dataclass

import numpy as np

from questlog.world.groups import Group
from questlog.world.parameters import DAY, Parameters
from questlog.world.people import Person

_LEAVES_A_DAY = 1 / 130
_FIRST_WEEK = 7 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one person's time here runs; moments in milliseconds, hazard per day.

    `left_at` may lie after the world's end. Activity falls from `fades_from` on.
    """

    hazard: float
    left_at: int
    fades_from: int
    pause_from: int
    pause_to: int
    joined_at: int

    def activity(self, moments: np.ndarray) -> np.ndarray:
        """The share of a person's usual activity at each moment, 0 when absent."""
        fresh = np.where(moments < self.joined_at + 2 * _FIRST_WEEK, 1.4, 1.0)
        fading = max(self.left_at - self.fades_from, 1)
        share = np.clip((self.left_at - moments) / fading, 0.08, 1.0)
        away = (moments >= self.pause_from) & (moments < self.pause_to)
        here = (moments >= self.joined_at) & (moments < self.left_at)
        return np.asarray(fresh * share * np.where(away, 0.03, 1.0) * here)

    def active_share(self, moment: int) -> float:
        """The share of usual activity at one moment."""
        return float(self.activity(np.array([moment]))[0])


def courses(
    parameters: Parameters, people: list[Person], groups: list[Group]
) -> list[Course]:
    """Everyone's course: little appetite, no table, a lost game master: sooner gone."""
    chance = parameters.stream("leaving")
    seated = {member for group in groups for member in group.members}
    drawn = [
        _course(parameters, chance, person, seated=person.index in seated)
        for person in people
    ]
    for group in groups:
        ends = drawn[group.game_master].left_at
        for member in group.members:
            lost = ends + int(chance.exponential(40) * DAY)
            if member != group.game_master and lost < drawn[member].left_at:
                drawn[member] = _sooner(drawn[member], lost)
    return drawn


def _course(
    parameters: Parameters,
    chance: np.random.Generator,
    person: Person,
    *,
    seated: bool,
) -> Course:
    hazard = _LEAVES_A_DAY * chance.gamma(1.6, 1 / 1.6) + 0.0008
    hazard *= float(np.clip((0.27 / person.appetite) ** 0.5, 0.5, 2.5))
    hazard *= 0.6 if seated else 1.5
    hazard *= 0.8 if person.subscribes else 1.0
    patience = chance.exponential(1.0)
    if person.here_before:
        left_at = parameters.history_from + int(patience / hazard * DAY)
    else:
        left_at = person.joined_at + _stay(patience, hazard)
    fade = 0.0 if chance.random() < 0.25 else chance.gamma(3, 6)
    pause = person.joined_at + int(chance.random() * parameters.days * DAY)
    if person.here_before:
        pause += parameters.history_from - person.joined_at
    paused = int(chance.uniform(8, 25) * DAY) if chance.random() < 0.25 else 0
    return Course(
        hazard=float(hazard),
        left_at=left_at,
        fades_from=max(person.joined_at, left_at - int(fade * DAY)),
        pause_from=pause,
        pause_to=pause + paused,
        joined_at=person.joined_at,
    )


def _stay(patience: float, hazard: float) -> int:
    """Milliseconds a newcomer stays; the first week is three times as dangerous."""
    first_week = 7 * 3 * hazard
    if patience < first_week:
        return int(patience / (3 * hazard) * DAY)
    return _FIRST_WEEK + int((patience - first_week) / hazard * DAY)


def _sooner(course: Course, left_at: int) -> Course:
    left_at = max(left_at, course.joined_at + DAY)
    fading = course.left_at - course.fades_from
    return Course(
        hazard=course.hazard,
        left_at=left_at,
        fades_from=max(course.joined_at, left_at - fading),
        pause_from=course.pause_from,
        pause_to=course.pause_to,
        joined_at=course.joined_at,
    )
