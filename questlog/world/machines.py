"""Visits that are no person's: crawlers that say so, and programs that don't."""

from collections.abc import Iterator

import numpy as np

from questlog.world.geography import DOCUMENTATION_NETWORKS
from questlog.world.happenings import Device, Happening
from questlog.world.newcomers import page
from questlog.world.parameters import DAY, HOUR, MINUTE, SECOND, Parameters
from questlog.world.scene import Scene, an_online_visit

_PEOPLE_PER_MACHINE = 150
_CRAWLERS = (
    "ExampleBot/2.1 (+https://bot.example.com/about)",
    "Mozilla/5.0 (compatible; PageSpider/1.4; +https://spider.example.org)",
    "archive-crawler/0.9",
)
_POSES_AS = "Mozilla/5.0 (X11; Linux x86_64)"
_PAGES = ("/", "/games", "/systems", "/pricing", "/stories", "/library", "/community")


def machines(scene: Scene) -> Iterator[Happening]:
    """Page views of crawlers and of programs in disguise; nobody deletes them.

    Crawlers name themselves and come back; one in disguise comes once, page after page
    to the same millisecond. At least two crawlers and two in disguise, one of these
    in the live evening.
    """
    parameters = scene.parameters
    chance = parameters.stream("machines")
    number = 2 + parameters.people // _PEOPLE_PER_MACHINE
    for which in range(number):
        yield from _crawler(chance, parameters, _CRAWLERS[which % len(_CRAWLERS)])
    for which in range(number):
        if which:
            begins = parameters.history_from + int(
                chance.uniform(0, parameters.days - 1) * DAY
            )
        else:
            begins = parameters.live_from + 20 * MINUTE
        yield from _in_disguise(chance, begins)


def _crawler(
    chance: np.random.Generator, parameters: Parameters, agent: str
) -> Iterator[Happening]:
    """A run every few days; it waits as long as the site's answers take."""
    device = _machine(chance, agent)
    ends = parameters.history_to - HOUR
    at = parameters.history_from + int(chance.uniform(0.1, 4) * DAY)
    while at < ends:
        visit = an_online_visit(chance, device)
        for _ in range(10 + int(chance.poisson(15))):
            at += 500 + int(chance.exponential(2) * SECOND)
            yield page(at, _PAGES[int(chance.integers(len(_PAGES)))], "", visit)
        at += int(chance.uniform(5, 20) * DAY)


def _in_disguise(chance: np.random.Generator, begins: int) -> Iterator[Happening]:
    visit = an_online_visit(chance, _machine(chance, _POSES_AS))
    every = int(chance.integers(1, 6)) * SECOND
    for step in range(30 + int(chance.poisson(40))):
        yield page(begins + step * every, _PAGES[step % len(_PAGES)], "", visit)


def _machine(chance: np.random.Generator, agent: str) -> Device:
    network = DOCUMENTATION_NETWORKS[int(chance.integers(len(DOCUMENTATION_NETWORKS)))]
    return Device(
        anonymous_id=f"anon_{chance.bytes(10).hex()}",
        mobile=False,
        timezone="UTC",
        context={
            "user_agent": agent,
            "ip_address": f"{network}{chance.integers(1, 255)}",
            "device_type": "desktop",
        },
    )
