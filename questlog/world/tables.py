"""What groups do together: whole tables play at the same time on the same game."""

from collections.abc import Iterator

import numpy as np

from questlog.world.geography import from_local
from questlog.world.groups import Group
from questlog.world.happenings import Happening, Visit
from questlog.world.newcomers import CLASSES, traits_of
from questlog.world.parameters import DAY, HOUR, MINUTE, SECOND
from questlog.world.people import Person
from questlog.world.scene import Scene, a_device_of, a_visit, by
from questlog.world.visits import rolled

_SKILLS = ("stealth", "persuasion", "arcana", "athletics", "insight", "survival")
_ITEMS = (
    ("healing_potion", "common", 0.5),
    ("silvered_dagger", "uncommon", 0.78),
    ("cloak_of_elvenkind", "rare", 0.92),
    ("staff_of_storms", "very_rare", 0.985),
    ("deck_of_many_fates", "legendary", 1.0),
)
_HELD = 0.88


def group_play(scene: Scene) -> Iterator[Happening]:
    """The evenings of every group, from its founding to its game master's leaving."""
    chance = scene.parameters.stream("tables")
    for group in scene.groups:
        yield from _founding(scene, group)
        for evening, began in enumerate(_evenings(scene, group)):
            lasts = float(np.clip(chance.lognormal(np.log(2.7), 0.25), 1, 5))
            held = chance.random() < _HELD
            present = _present(chance, scene, group, began)
            if held and len(present) > 1 and scene.people[group.game_master] in present:
                sitting = _Sitting(
                    chance, group, evening, began, began + int(lasts * HOUR)
                )
                for person in present:
                    yield from sitting.seat(person)


def _founding(scene: Scene, group: Group) -> Iterator[Happening]:
    """The game master opens the game, if we were there to see it."""
    at = group.founded_at - 10 * MINUTE
    course = scene.courses[group.game_master]
    if scene.parameters.history_from <= at < course.left_at:
        yield by(
            scene.people[group.game_master],
            None,
            at,
            "game_created",
            game_id=group.game_id,
            system=group.system,
            seats=len(group.members) - 1,
        )


def _evenings(scene: Scene, group: Group) -> Iterator[int]:
    """When the table would meet; a rhythm of three days takes turns with four."""
    timezone = scene.people[group.game_master].country.timezone
    begins = max(group.founded_at + HOUR, scene.parameters.history_from)
    ends = min(scene.courses[group.game_master].left_at, scene.parameters.live_to)
    day = begins // DAY
    day += (group.weekday - (day + 3)) % 7
    if begins < scene.parameters.history_from + DAY and group.rhythm > 7:
        day += 7 * (group.weekday % 2)
    turn = 0
    while (at := from_local(timezone, day, group.evening)) < ends:
        if at >= begins:
            yield at
        day += group.rhythm + (turn % 2 if group.rhythm < 7 else 0)
        turn += 1


def _present(
    chance: np.random.Generator, scene: Scene, group: Group, began: int
) -> list[Person]:
    return [
        scene.people[member]
        for member in group.members
        if chance.random()
        < (0.97 if member == group.game_master else 0.85)
        * scene.courses[member].active_share(began)
    ]


class _Sitting:
    """One evening of one group; `seat` tells what a person does in it."""

    def __init__(
        self,
        chance: np.random.Generator,
        group: Group,
        evening: int,
        began: int,
        ends: int,
    ) -> None:
        self._chance = chance
        self._group = group
        self._evening = evening
        self._began = began
        self._ends = ends
        number = f"{group.game_id.removeprefix('game_')}_{evening + 1:03d}"
        self._place = {
            "game_session_id": f"game_session_{number}",
            "game_id": group.game_id,
        }

    def seat(self, person: Person) -> Iterator[Happening]:
        """Everything one person does at the table, from sitting down to leaving."""
        chance = self._chance
        sat = self._began + int(chance.uniform(0, 6) * MINUTE)
        left = self._ends - int(chance.uniform(0, 4) * MINUTE)
        visit = a_visit(chance, a_device_of(chance, person), sat)
        leads = person.index == self._group.game_master
        if chance.random() < 0.6:
            early = sat - int(chance.uniform(1, 15) * MINUTE)
            login = by(
                person, visit, early, "user_logged_in", method=person.signup_method
            )
            yield login._replace(traits=traits_of(person, early))
        role = "game_master" if leads else "player"
        yield by(person, visit, sat, "game_session_started", **self._place, role=role)
        yield from self._plays(person, visit, sat, left)
        if chance.random() > 0.05:
            lasted = (left - sat) // SECOND
            yield by(
                person,
                visit,
                left,
                "game_session_ended",
                **self._place,
                duration_seconds=lasted,
            )

    def _plays(
        self, person: Person, visit: Visit, sat: int, left: int
    ) -> Iterator[Happening]:
        chance = self._chance
        rolls = 3 + int(chance.poisson(6))
        stride = (left - sat) / rolls
        for number in range(rolls):
            at = sat + int((number + chance.random()) * stride)
            yield rolled(chance, person, visit, at, self._place["game_session_id"])
        late = left - int(chance.uniform(3, 9) * MINUTE)
        if chance.random() < 0.3:
            skill = _SKILLS[int(chance.random() * len(_SKILLS))]
            yield self._leveled(person, visit, late, "skill_leveled", skill=skill)
        if chance.random() < 0.12:
            calling = CLASSES[person.index % len(CLASSES)]
            grown = {"class": calling}
            yield self._leveled(person, visit, late + 900, "class_leveled", **grown)
        if chance.random() < 0.45:
            yield self._item(person, visit, late + 2 * SECOND)

    def _leveled(
        self, person: Person, visit: Visit, at: int, name: str, **what: str
    ) -> Happening:
        level = 2 + self._evening // 4
        character = person.character_id
        return by(person, visit, at, name, character_id=character, level=level, **what)

    def _item(self, person: Person, visit: Visit, at: int) -> Happening:
        luck = self._chance.random()
        item, rarity = next((i, r) for i, r, up_to in _ITEMS if luck <= up_to)
        character = person.character_id
        return by(
            person,
            visit,
            at,
            "item_added",
            character_id=character,
            item=item,
            rarity=rarity,
        )
