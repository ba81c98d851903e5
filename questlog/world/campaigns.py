"""How visits begin: by a campaign, an advertisement, a search, or by themselves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np

from questlog.world.chances import happens
from questlog.world.happenings import Happening, Properties
from questlog.world.parameters import SECOND
from questlog.world.scene import Scene

_SEEN_BEFORE = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to us: how likely it is, the page before ours, the link's campaign.

    `ad` numbers the advertisement behind it, as its platform does; empty for none.
    """

    share: float
    referrer: str = ""
    link: Properties = field(default_factory=dict)
    ad: Properties = field(default_factory=dict)


def _link(source: str, medium: str, campaign: str) -> Properties:
    return {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign}


def _ad(platform: str, number: int) -> Properties:
    return {
        "platform": platform,
        "campaign_id": str(number),
        "ad_group_id": str(number + 1),
        "ad_id": str(number + 2),
    }


_STRANGERS = (
    Way(share=0.16, referrer="https://search.example.com/"),
    Way(share=0.08, referrer="https://forum.example.org/tabletop"),
    Way(share=0.12, link=_link("newsletter", "email", "autumn_quest")),
    Way(share=0.10, link=_link("podcast", "audio", "dice_and_dragons")),
    Way(
        share=0.16,
        referrer="https://search.example.com/",
        link=_link("search", "cpc", "find_a_table"),
        ad=_ad("google", 7_100),
    ),
    Way(
        share=0.14,
        referrer="https://social.example.net/",
        link=_link("social", "paid_social", "join_us"),
        ad=_ad("meta", 120_210),
    ),
)
_CUSTOMERS = (
    Way(share=0.04, link=_link("newsletter", "email", "new_adventures")),
    Way(
        share=0.02,
        referrer="https://social.example.net/",
        link=_link("social", "paid_social", "come_back"),
        ad=_ad("meta", 120_310),
    ),
)
# pages that one comes to from another page of ours only
_INNER = ("/shop", "/signup")


def arrivals(scene: Scene, happenings: Iterable[Happening]) -> Iterator[Happening]:
    """The same happenings; each visit's first page says by which way it was reached.

    A way by an advertisement is preceded by the touches of that advertisement.
    """
    chance = scene.parameters.stream("campaigns")
    begun: set[str] = set()
    for happening in happenings:
        visit = happening.visit
        if (
            visit is None
            or happening.name != "page_viewed"
            or visit.session_id in begun
            or happening.properties["path"] in _INNER
        ):
            yield happening
            continue
        begun.add(visit.session_id)
        way = _way(chance, _CUSTOMERS if happening.user_id else _STRANGERS)
        if way is None:
            yield happening
        else:
            yield from _touches(chance, happening, way)
            yield happening._replace(properties=_reached(happening, way))


def _way(chance: np.random.Generator, ways: tuple[Way, ...]) -> Way | None:
    """One of the ways by its share; None for the address typed in."""
    at = chance.random()
    for way in ways:
        at -= way.share
        if at < 0:
            return way
    return None


def _reached(page: Happening, way: Way) -> Properties:
    said = page.properties | way.link
    if way.referrer:
        said["referrer"] = way.referrer
    if way.link:
        said["url"] = f"{said['url']}?{urlencode(way.link)}"
    return said


def _touches(
    chance: np.random.Generator, page: Happening, way: Way
) -> Iterator[Happening]:
    """Seconds before the page a click, and for some a view of it before that."""
    if not way.ad:
        return
    clicked = page.at - int(chance.uniform(0.3, 3) * SECOND)
    click = {"click_id": f"click_{chance.bytes(6).hex()}"}
    if happens(chance, _SEEN_BEFORE):
        seen = clicked - int(chance.uniform(4, 90) * SECOND)
        yield _touch(page, seen, way.ad | {"touch": "view"})
    yield _touch(page, clicked, way.ad | {"touch": "click"} | click)


def _touch(page: Happening, at: int, said: Properties) -> Happening:
    return page._replace(at=at, name="ad_touched", properties=said, traits=None)
