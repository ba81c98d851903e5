"""Who is in the world: people with appetites of their own."""

import unicodedata
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from questlog.world.chances import happens
from questlog.world.geography import (
    COUNTRIES,
    DOCUMENTATION_NETWORKS,
    MAIL_DOMAINS,
    Country,
    from_local,
)
from questlog.world.happenings import Device
from questlog.world.parameters import DAY, HOUR, Parameters

# Chance of each local hour for signing up and for solo visits: evenings win.
HOURS = np.cumsum(
    np.array(
        [2, 1, 1, 1, 1, 1, 2, 3, 4, 4, 4, 5, 6, 5, 5, 5, 6, 8, 10, 12, 13, 11, 8, 4]
    )
    / 122
)

_HERE_BEFORE = 0.3
_SHARES_A_DEVICE = 0.02
_VISITS_A_DAY = 0.31
_BROWSERS = (
    ("desktop", "chrome", "windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"),
    ("desktop", "firefox", "linux", "Mozilla/5.0 (X11; Linux x86_64)"),
    ("desktop", "safari", "macos", "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_7)"),
    ("mobile", "chrome", "android", "Mozilla/5.0 (Linux; Android 15; Mobile)"),
    ("mobile", "safari", "ios", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1)"),
    ("desktop", "edge", "windows", "Mozilla/5.0 (Windows NT 10.0; ARM64) Edg/131.0"),
    ("mobile", "firefox", "android", "Mozilla/5.0 (Android 14; Mobile; rv:133.0)"),
    ("tablet", "safari", "ios", "Mozilla/5.0 (iPad; CPU OS 18_1)"),
)


class Identifiers(NamedTuple):
    """Direct identifiers, all made up; a telephone number may be missing."""

    first_name: str
    last_name: str
    email: str
    phone: str


class _Wants(NamedTuple):
    appetite: float
    purchase_rate: float
    subscribes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone with an account, and what drives them; rates are per day.

    `usual_price` is in cents; `subscribes` is a plan or empty, `subscribed_from` when.
    """

    index: int
    user_id: str
    country: Country
    identifiers: Identifiers
    signup_method: str
    joined_at: int
    here_before: bool
    appetite: float
    curiosity: float
    purchase_rate: float
    usual_price: float
    subscribes: str
    subscribed_from: int
    devices: tuple[Device, ...]

    @property
    def character_id(self) -> str:
        """The one character this person plays."""
        return f"character_{self.index + 1:05d}"

    def plan_at(self, moment: int) -> str:
        """The plan this person is on at a moment."""
        return self.subscribes if self._subscribed(moment) else "free"

    def _subscribed(self, moment: int) -> bool:
        return bool(self.subscribes) and moment >= self.subscribed_from


def populate(parameters: Parameters) -> list[Person]:
    """The people of the world; about a third were customers before history began."""
    count = parameters.people
    who = parameters.stream("people")
    appetites = who.gamma(0.55, _VISITS_A_DAY / 0.55, count) + 0.03
    drive = appetites / _VISITS_A_DAY
    pays = who.random(count) < 0.34 + 0.1 * np.tanh(drive - 1)
    purchase_rates = who.gamma(1.1, 1 / 21 / 1.1, count) * np.sqrt(drive)
    tiers = who.choice(["", "hero", "legend"], count, p=[0.9, 0.07, 0.03])
    people = [
        _person(
            parameters,
            who,
            index=index,
            wants=_Wants(
                float(appetites[index]),
                float(purchase_rates[index]) if pays[index] else 0.0,
                str(tiers[index]),
            ),
        )
        for index in range(count)
    ]
    return _share_devices(who, people)


def _share_devices(who: np.random.Generator, people: list[Person]) -> list[Person]:
    """Let a few use their neighbour's device, so that it names two people."""
    shared = who.random(len(people)) < _SHARES_A_DEVICE
    return [
        replace(person, devices=(people[person.index - 1].devices[0],))
        if shared[person.index] and person.index
        else person
        for person in people
    ]


def _person(
    parameters: Parameters,
    who: np.random.Generator,
    *,
    index: int,
    wants: _Wants,
) -> Person:
    country = pick_country(who)
    here_before = happens(who, _HERE_BEFORE)
    joined_at = _joined_at(parameters, who, country, here_before=here_before)
    return Person(
        index=index,
        user_id=f"user_{10_000 + index}",
        country=country,
        identifiers=_identifiers(who, country, index),
        signup_method=str(who.choice(["email", "google", "discord", "apple"])),
        joined_at=joined_at,
        here_before=here_before,
        appetite=wants.appetite,
        curiosity=float(who.beta(2, 3)),
        purchase_rate=wants.purchase_rate,
        usual_price=float(who.lognormal(6.6, 0.55)),
        subscribes=wants.subscribes,
        subscribed_from=joined_at + int(who.exponential(12) * DAY),
        devices=tuple(
            a_device(who, country) for _ in range(1 + int(happens(who, 0.35)))
        ),
    )


def pick_country(who: np.random.Generator) -> Country:
    """A country by its share of the service's people."""
    at = who.random()
    for country in COUNTRIES:
        at -= country.share
        if at < 0:
            return country
    return COUNTRIES[0]


def a_device(who: np.random.Generator, country: Country) -> Device:
    """A new device with a context as the tracker would report it."""
    kind, browser, system, agent = _BROWSERS[int(who.integers(len(_BROWSERS)))]
    network = DOCUMENTATION_NETWORKS[int(who.integers(len(DOCUMENTATION_NETWORKS)))]
    return Device(
        anonymous_id=f"anon_{who.bytes(10).hex()}",
        mobile=kind != "desktop",
        timezone=country.timezone,
        context={
            "user_agent": agent,
            "ip_address": f"{network}{who.integers(1, 255)}",
            "device_type": kind,
            "browser": browser,
            "os": system,
        },
    )


def hour_of_day(who: np.random.Generator) -> int:
    """A local time of day in milliseconds since midnight, as people choose it."""
    return int((int(np.searchsorted(HOURS, who.random())) + who.random()) * HOUR)


def _joined_at(
    parameters: Parameters,
    who: np.random.Generator,
    country: Country,
    *,
    here_before: bool,
) -> int:
    """When the account was made; growth is steady, weekends bring a few more."""
    first_day = parameters.history_from // DAY
    if here_before:
        day = first_day - 5 - int(who.exponential(150))
    else:
        day = first_day + int(who.random() * (parameters.days + 1))
    return from_local(country.timezone, day, hour_of_day(who))


def _identifiers(who: np.random.Generator, country: Country, index: int) -> Identifiers:
    first = country.first_names[int(who.integers(len(country.first_names)))]
    last = country.last_names[int(who.integers(len(country.last_names)))]
    domain = MAIL_DOMAINS[int(who.integers(len(MAIL_DOMAINS)))]
    digits = "".join(
        str(who.integers(10)) if sign == "#" else sign for sign in country.phone
    )
    return Identifiers(
        first_name=first,
        last_name=last,
        email=f"{_latin(first) or 'player'}.{index}@{domain}",
        phone=digits if happens(who, 0.6) else "",
    )


def _latin(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(sign for sign in plain.lower() if sign.isalpha())
