"""Everyone and everything that is settled before the first event happens."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from questlog.world.chances import happens
from questlog.world.groups import Group, gather
from questlog.world.happenings import Device, Happening, Visit
from questlog.world.leaving import Course, courses
from questlog.world.parameters import DAY, HOUR, MINUTE, Parameters
from questlog.world.people import Person, populate

_DENIES_ANALYTICS = 0.018
_COMES_BACK = 0.4
_BACK_FOR = DAY
_OFFLINE = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The cast of a world: `courses` stand at the index of their person.

    `denied_at` holds the moment at which a person denied analytics; that person's
    course ends there, because nothing may be seen of them any more. Some allow it
    again at the moment in `back_at` and look in once more.
    """

    parameters: Parameters
    people: list[Person]
    groups: list[Group]
    courses: list[Course]
    denied_at: dict[int, int]
    back_at: dict[int, int]

    def left_at(self, person: Person) -> int:
        """When a person leaves for good, a last return included."""
        back_at = self.back_at.get(person.index)
        return back_at + _BACK_FOR if back_at else self.courses[person.index].left_at

    def cast(self) -> Iterator[tuple[Person, Course]]:
        """Everyone with their course."""
        return zip(self.people, self.courses, strict=True)

    @property
    def group_of(self) -> dict[int, Group]:
        """The table at which each seated person sits, by the person's index."""
        return {member: group for group in self.groups for member in group.members}


def stage(parameters: Parameters) -> Scene:
    """Settle who lives in the world, who plays with whom, and who will leave when."""
    people = populate(parameters)
    groups = gather(parameters, people)
    drawn = courses(parameters, people, groups)
    denied_at = _denials(parameters, people, drawn)
    for index, moment in denied_at.items():
        drawn[index] = replace(drawn[index], left_at=moment, fades_from=moment)
    return Scene(
        parameters=parameters,
        people=people,
        groups=groups,
        courses=drawn,
        denied_at=denied_at,
        back_at=_returns(parameters, denied_at),
    )


def _denials(
    parameters: Parameters, people: list[Person], drawn: list[Course]
) -> dict[int, int]:
    chance = parameters.stream("analytics denials")
    denied: dict[int, int] = {}
    for person in people:
        denies, where = happens(chance, _DENIES_ANALYTICS), chance.random()
        begins = max(person.joined_at, parameters.history_from) + DAY
        ends = min(drawn[person.index].left_at, parameters.history_to)
        if denies and begins < ends:
            denied[person.index] = begins + int(where * (ends - begins))
    return denied


def _returns(parameters: Parameters, denied_at: dict[int, int]) -> dict[int, int]:
    """When those who denied analytics allow it again, all of it within history."""
    chance = parameters.stream("analytics given again")
    back: dict[int, int] = {}
    for index, moment in denied_at.items():
        comes, after = happens(chance, _COMES_BACK), chance.uniform(4, 20)
        at = moment + int(after * DAY)
        if comes and at + 2 * _BACK_FOR < parameters.history_to:
            back[index] = at
    return back


def a_visit(chance: np.random.Generator, device: Device, at: int) -> Visit:
    """A visit that begins at a moment; some on mobile devices are kept for days."""
    visit = an_online_visit(chance, device)
    if not device.mobile or not happens(chance, _OFFLINE):
        return visit
    kept = min(int(chance.exponential(9) * HOUR) + 20 * MINUTE, 4 * DAY)
    return replace(visit, held_until=at + kept)


def an_online_visit(chance: np.random.Generator, device: Device) -> Visit:
    """A visit whose events reach the door at once."""
    return Visit(device=device, session_id=f"session_{chance.bytes(6).hex()}")


def a_device_of(chance: np.random.Generator, person: Person) -> Device:
    """One of a person's devices, the first of them more often."""
    return person.devices[-1 if happens(chance, 0.3) else 0]


def by(
    person: Person, visit: Visit | None, at: int, name: str, **properties: object
) -> Happening:
    """Something this person did; a shorthand for the many places that need it."""
    return Happening(at, name, dict(properties), person.user_id, visit)
