"""Who plays with whom: a game master, players, and a standing evening."""

from dataclasses import dataclass

import numpy as np

from questlog.world.parameters import DAY, HOUR, Parameters
from questlog.world.people import Person

SYSTEMS = ("d20 fantasy", "percentile horror", "dice-pool space opera", "narrative")

_ALONE = 0.28


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People who play one game together; members are indexes of people.

    `weekday` is 0 for Monday and `evening` a local time of the game master, in
    milliseconds since midnight; a table meets every `rhythm` days.
    """

    game_id: str
    system: str
    members: tuple[int, ...]
    game_master: int
    founded_at: int
    weekday: int
    evening: int
    rhythm: int


def gather(parameters: Parameters, people: list[Person]) -> list[Group]:
    """Seat most people at tables, near those who joined at about the same time."""
    chance = parameters.stream("groups")
    waiting = [
        (person.joined_at + chance.normal(0, 8 * DAY), person.index)
        for person in people
        if chance.random() >= _ALONE
    ]
    queue = [index for _, index in sorted(waiting)]
    groups: list[Group] = []
    while len(queue) >= 3:
        size = int(chance.integers(3, 7))
        table, queue = queue[:size], queue[size:]
        if len(table) >= 3:
            groups.append(_group(chance, len(groups), [people[i] for i in table]))
    return groups


def _group(chance: np.random.Generator, number: int, table: list[Person]) -> Group:
    master = max(table, key=lambda person: (person.appetite, person.index))
    joined = sorted(person.joined_at for person in table)
    weekday = int(chance.choice(7, p=[0.06, 0.08, 0.12, 0.16, 0.22, 0.22, 0.14]))
    begins = chance.uniform(14, 20) if weekday >= 5 else chance.uniform(18, 20.5)
    return Group(
        game_id=f"game_{number + 1:05d}",
        system=SYSTEMS[int(chance.integers(len(SYSTEMS)))],
        members=tuple(person.index for person in table),
        game_master=master.index,
        founded_at=max(joined[1], master.joined_at) + int(chance.uniform(0.1, 5) * DAY),
        weekday=weekday,
        evening=int(begins * HOUR),
        rhythm=int(chance.choice([7, 14, 3], p=[0.66, 0.22, 0.12])),
    )
