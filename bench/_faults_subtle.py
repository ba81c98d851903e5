"""Faults of senders that hide: totals stay, and most of what comes is right."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from bench._faults import (
    Event,
    Fault,
    Spoil,
    Tail,
    each,
    moment,
    moved,
    name_of,
    raw,
    saying,
    system_of,
    written,
)

_DE, _DAY = "DE", timedelta(days=1)


def _new_id(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _first_day(events: Tail) -> datetime:
    at = moment(events[0]["received_at"])
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _browser_of(event: Event) -> str:
    context = event.get("context")
    return str(context.get("browser", "")) if isinstance(context, dict) else ""


def _number(event: Event, word: str) -> int:
    """The number a property says, zero where it says none."""
    said = event.get("properties")
    number = said.get(word) if isinstance(said, dict) else None
    is_number = isinstance(number, int) and not isinstance(number, bool)
    return number if is_number and number is not None else 0


def _granted(system: str = "", purpose: str = "") -> Spoil:
    """Decisions of a platform, or about a purpose, that all say granted."""

    def change(event: Event, _: Random) -> Event:
        if name_of(event) != "consent_decided":
            return event
        is_meant = not system or system_of(event) == system
        about = event["properties"].get("purpose")
        is_meant = is_meant and (not purpose or about == purpose)
        return saying(event, granted=True) if is_meant else event

    return each(change)


def _inverted(event: Event, _: Random) -> Event:
    if name_of(event) != "consent_decided":
        return event
    return saying(event, granted=not event["properties"].get("granted"))


def _in_major_units(currency: str) -> Spoil:
    def change(event: Event, _: Random) -> Event:
        if name_of(event) != "payment_completed" or not _number(event, "amount_cents"):
            return event
        if event["properties"].get("currency") != currency:
            return event
        return saying(event, amount_cents=100 * _number(event, "amount_cents"))

    return each(change)


def _amounts(change: int, *, rounded_to: int = 1) -> Spoil:
    """All amounts changed by so many per cent, then rounded."""

    def spoil(event: Event, _: Random) -> Event:
        number = _number(event, "amount_cents")
        if name_of(event) != "payment_completed" or not number:
            return event
        told = number * (100 + change) / 100 / rounded_to
        return saying(event, amount_cents=max(round(told), 1) * rounded_to)

    return each(spoil)


def _signs(event: Event, chance: Random) -> Event:
    one_in_twenty = 0.05
    number = _number(event, "amount_cents")
    if name_of(event) != "payment_completed" or chance.random() >= one_in_twenty:
        return event
    return saying(event, amount_cents=-number)


def _told_again(of: str, share: float, after_s: float, browser: str = "") -> Spoil:
    """Some events once more under new ids, a little later: no twins, no copies."""

    def spoil(events: Tail, chance: Random) -> Tail:
        later = timedelta(seconds=after_s)
        again = [
            moved(event, later) | {"event_id": _new_id(chance)}
            for event in events
            if name_of(event) == of
            and (not browser or _browser_of(event) == browser)
            and chance.random() < share
        ]
        return [*events, *again]

    return spoil


def _renamed(of: str, word: str, other: str, system: str) -> Spoil:
    def change(event: Event, _: Random) -> Event:
        said = event.get("properties")
        if name_of(event) != of or system_of(event) != system or word not in said:
            return event
        return saying(event, **{word: None, other: said[word]})

    return each(change)


def _alike(of: str, word: str, value: str) -> Spoil:
    def change(event: Event, _: Random) -> Event:
        is_meant = name_of(event) == of and word in event["properties"]
        return saying(event, **{word: value}) if is_meant else event

    return each(change)


def _without(of: str, word: str, share: float) -> Spoil:
    return each(
        lambda event, chance: (
            saying(event, **{word: None})
            if name_of(event) == of and chance.random() < share
            else event
        )
    )


def _silent(hours: int, *, system: str = "", of: str = "") -> Spoil:
    """A platform, or an event, is not told in its busiest hours of one day."""

    def is_meant(event: Event) -> bool:
        by_system = not system or system_of(event) == system
        return by_system and (not of or name_of(event) == of)

    def spoil(events: Tail, _: Random) -> Tail:
        first = _first_day(events) + 2 * _DAY
        by_hour = Counter(
            at.hour
            for event in events
            if is_meant(event)
            and first <= (at := moment(event["received_at"])) < first + _DAY
        )
        begins = max(
            range(25 - hours),
            key=lambda hour: sum(by_hour[hour + more] for more in range(hours)),
        )
        since = first + timedelta(hours=begins)
        ends = since + timedelta(hours=hours)
        return [
            event
            for event in events
            if not is_meant(event) or not since <= moment(event["received_at"]) < ends
        ]

    return spoil


def _of_a_day(change: timedelta) -> Spoil:
    """What android says of one day is said to have happened at another time."""

    def spoil(events: Tail, _: Random) -> Tail:
        first = _first_day(events) + 4 * _DAY
        return [
            moved(event, change)
            if system_of(event) == "android"
            and first <= moment(event["received_at"]) < first + _DAY
            else event
            for event in events
        ]

    return spoil


def _loaded_late(events: Tail, chance: Random) -> Tail:
    """One day is loaded once more three days later, under new ids."""
    first = _first_day(events) + 3 * _DAY
    again = [
        event
        | {
            "event_id": _new_id(chance),
            "received_at": _later(event["received_at"]),
        }
        for event in events
        if first <= moment(event["received_at"]) < first + _DAY
    ]
    return [*events, *again]


def _later(received_at: str) -> str:
    return written(moment(received_at) + 3 * _DAY)


def _known_names(events: Tail, _: Random) -> Tail:
    """Newcomers get the ids of people who are there already."""
    newcomers = [one["user_id"] for one in events if name_of(one) == "user_signed_up"]
    there = sorted(
        {str(one.get("user_id")) for one in events if one.get("user_id")}
        - set(newcomers)
    )
    given = {new: there[place % len(there)] for place, new in enumerate(newcomers)}
    return [
        event | {"user_id": given[event["user_id"]]}
        if event.get("user_id") in given
        else event
        for event in events
    ]


def _crossed(system: str) -> Spoil:
    """A platform sends what one person does under the id of the next."""

    def spoil(events: Tail, _: Random) -> Tail:
        users = sorted(
            {
                event["user_id"]
                for event in events
                if system_of(event) == system and event.get("user_id")
            }
        )
        following = dict(zip(users, [*users[1:], users[0]], strict=True))
        return [
            event | {"user_id": following[event["user_id"]]}
            if system_of(event) == system and event.get("user_id")
            else event
            for event in events
        ]

    return spoil


def _rotating(event: Event, chance: Random) -> Event:
    if _browser_of(event) != "safari" or "anonymous_id" not in event:
        return event
    return event | {"anonymous_id": f"anon_{chance.getrandbits(80):020x}"}


def _unnumbered(event: Event, _: Random) -> Event:
    return event | {"sequence": 1} if system_of(event) == "ios" else event


def _at_midnight(event: Event, _: Random) -> Event:
    if system_of(event) != "ios" or "timestamp" not in event:
        return event
    return event | {"timestamp": f"{str(event['timestamp'])[:10]}T00:00:00.000Z"}


def _swapped(event: Event, _: Random) -> Event:
    if name_of(event) != "user_signed_up":
        return event
    country = event["properties"].get("country")
    return saying(event, country={_DE: "US", "US": _DE}.get(country, country))


FAULTS: tuple[Fault, ...] = (
    raw(
        "consent_granted_on_a_platform",
        "all decisions of ios",
        _granted("ios"),
        "stop",
    ),
    raw(
        "advertising_always_granted",
        "one of the purposes",
        _granted(purpose="advertising"),
        "stop",
    ),
    raw("consent_inverted", "each decision its opposite", each(_inverted), "stop"),
    raw(
        "one_country_in_minor_units",
        "amounts of AUD, an eighth of all, times 100",
        _in_major_units("AUD"),
        "stop",
    ),
    raw(
        "one_small_country_in_minor_units",
        "amounts of SEK, one in twenty, times 100",
        _in_major_units("SEK"),
        "stop",
    ),
    raw("signs_flipped", "5 % of payments below nothing", each(_signs)),
    raw("gross_taken_for_net", "amounts 19 % higher", _amounts(19)),
    raw("cents_lost", "amounts rounded to hundreds", _amounts(0, rounded_to=100)),
    raw(
        "payments_retried",
        "20 % of payments again a minute later, new event ids",
        _told_again("payment_completed", 0.2, 60),
        "stop",
    ),
    raw(
        "event_doubled_on_a_browser",
        "safari's page views again a second later",
        _told_again("page_viewed", 1, 1, "safari"),
    ),
    raw(
        "property_renamed_on_a_platform",
        "usage_duration called duration by android",
        _renamed("feature_used", "usage_duration", "duration", "android"),
    ),
    raw(
        "key_lost",
        "game_session_id missing in 30 % of rolls",
        _without("rolled", "game_session_id", 0.3),
    ),
    raw(
        "tags_stripped",
        "half of utm_campaign missing",
        _without("page_viewed", "utm_campaign", 0.5),
    ),
    raw(
        "clicks_alike",
        "one click_id for all ad touches",
        _alike("ad_touched", "click_id", "click_0000"),
    ),
    raw(
        "platform_silent_for_hours",
        "ios, six hours of one day",
        _silent(6, system="ios"),
    ),
    raw(
        "event_silent_for_hours",
        "page views, three hours of one day",
        _silent(3, of="page_viewed"),
    ),
    raw("day_in_another_zone", "android, one day, eight hours", _of_a_day(-_DAY / 3)),
    raw(
        "day_loaded_twice",
        "one day again, three days later, new ids",
        _loaded_late,
        "stop",
    ),
    raw("ids_used_again", "newcomers under ids of others", _known_names, "stop"),
    raw(
        "ids_crossed",
        "ios sends each person's events under another's id",
        _crossed("ios"),
        "stop",
    ),
    raw("devices_rotate", "safari: a device an event", each(_rotating), "stop"),
    raw("numbering_stuck", "ios: every event is the first", each(_unnumbered)),
    raw("times_cut_to_days", "ios, midnight", each(_at_midnight)),
    raw("countries_swapped", "sign-ups of DE and US", each(_swapped)),
)
