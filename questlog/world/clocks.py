"""Devices whose clocks are wrong, by hours or days."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from questlog.world.happenings import Happening
from questlog.world.newcomers import page
from questlog.world.parameters import DAY, HOUR, MINUTE, SECOND
from questlog.world.people import a_device, pick_country
from questlog.world.scene import Scene, an_online_visit

_PEOPLE_PER_CLOCK = 60
_PAGES = ("/", "/games", "/stories")


def wrong_clocks(scene: Scene) -> Iterator[Happening]:
    """Visitors who come once, on a device that is wrong about the time.

    They are nobody else: how long an event took to arrive, which changes a correction
    by seconds, then changes no session and no person. Half of the clocks are ahead,
    by less than what the door refuses; none so late that history would reach into
    the live evening. Two are in that evening, one ahead and one behind.
    """
    parameters = scene.parameters
    chance = parameters.stream("wrong clocks")
    number = 2 + parameters.people // _PEOPLE_PER_CLOCK
    for _ in range(number):
        fraction = chance.random()
        span = (parameters.days - 2) * DAY
        begins = parameters.history_from + int(fraction * span)
        yield from _visit(chance, begins, _error(chance))
    for ahead in (1, -1):
        begins = parameters.live_from + int(chance.uniform(10, 90) * MINUTE)
        yield from _visit(chance, begins, ahead * abs(_error(chance)))


def _error(chance: np.random.Generator) -> int:
    """How far a clock is off, in milliseconds: 2 to 20 hours, ahead or behind."""
    off = int(chance.uniform(2, 20) * HOUR)
    return off if chance.random() < 1 / 2 else -off


def _visit(chance: np.random.Generator, at: int, ahead: int) -> Iterator[Happening]:
    device = replace(a_device(chance, pick_country(chance)), ahead=ahead, mobile=False)
    visit = an_online_visit(chance, device)
    for _ in range(2 + int(chance.poisson(2))):
        at += SECOND + int(chance.uniform(0, 90) * SECOND)
        yield page(at, _PAGES[int(chance.integers(len(_PAGES)))], "", visit)
