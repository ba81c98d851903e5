"""Faults of senders: what a sender, a network or a release can do to events."""

from collections import Counter
from datetime import timedelta
from random import Random
from uuid import UUID
from zlib import crc32

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


def _lose(share: float, *, of: str = "", system: str = "") -> Spoil:
    def change(event: Event, chance: Random) -> Event | None:
        meant = name_of(event) == of if of else True
        meant = meant and (system_of(event) == system if system else True)
        return None if meant and chance.random() < share else event

    return each(change)


def _say(of: str, share: float = 1.0, *, system: str = "", **changed: object) -> Spoil:
    def change(event: Event, chance: Random) -> Event:
        meant = name_of(event) == of and (not system or system_of(event) == system)
        return saying(event, **changed) if meant and chance.random() < share else event

    return each(change)


def _scale(of: str, word: str, factor: float, *, currency: str = "") -> Spoil:
    def change(event: Event, _: Random) -> Event:
        said = event.get("properties")
        if name_of(event) != of or not isinstance(said, dict):
            return event
        number = said.get(word)
        if not isinstance(number, int | float) or isinstance(number, bool):
            return event
        if currency and said.get("currency") != currency:
            return event
        return saying(event, **{word: round(number * factor)})

    return each(change)


def _clock(system: str, hours: float) -> Spoil:
    return each(
        lambda event, _: (
            moved(event, timedelta(hours=hours))
            if system_of(event) == system
            else event
        )
    )


_REFUNDED, _A_YEAR_OLD = 0.2, 0.02


def _new_id(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _outage(events: Tail, _: Random) -> Tail:
    """The busiest hour of the first day is lost."""
    first = moment(events[0]["received_at"]).date()
    hours = Counter(
        at.hour
        for event in events
        if (at := moment(event["received_at"])).date() == first
    )
    busiest = hours.most_common(1)[0][0]
    return [
        event
        for event in events
        if (at := moment(event["received_at"])).date() != first or at.hour != busiest
    ]


def _decay(events: Tail, chance: Random) -> Tail:
    """Each day three per cent more of the uses of features are lost."""
    first = moment(events[0]["received_at"]).date()
    return [
        event
        for event in events
        if name_of(event) != "feature_used"
        or chance.random()
        > 0.06 * ((moment(event["received_at"]).date() - first).days + 1)
    ]


def _again(share: float, *, fresh: bool) -> Spoil:
    def spoil(events: Tail, chance: Random) -> Tail:
        copies = [
            event | ({"event_id": _new_id(chance)} if fresh else {})
            for event in events
            if chance.random() < share
        ]
        return [*events, *copies]

    return spoil


def _flood(events: Tail, chance: Random) -> Tail:
    """One device views three hundred pages an hour, day and night."""
    model = next(event for event in events if name_of(event) == "page_viewed")
    first = moment(events[0]["received_at"]).replace(minute=0, second=0)
    views = []
    for number in range(14 * 24 * 60):
        at = written(first + timedelta(minutes=number, seconds=chance.random() * 50))
        stamps = {"timestamp": at, "received_at": at, "sequence": number + 1}
        device = {"anonymous_id": "anon_f100d", "event_id": _new_id(chance)}
        views.append({**model, **stamps, **device, "session_id": "session_f100d"})
    return [*events, *views]


def _signups(events: Tail, chance: Random) -> Tail:
    """Two hundred accounts that a script made within one hour."""
    models = [event for event in events if name_of(event) == "user_signed_up"]
    first = moment(models[0]["received_at"])
    made = []
    for number in range(200):
        at = written(first + timedelta(seconds=15 * number))
        made.append(
            {
                **models[number % len(models)],
                "event_id": _new_id(chance),
                "user_id": f"user_9{number:04}",
                "anonymous_id": f"anon_{chance.getrandbits(80):020x}",
                "timestamp": at,
                "received_at": at,
            }
        )
    return [*events, *made]


def _stuck(events: Tail, _: Random) -> Tail:
    """What android sends in the first five days arrives two days late."""
    ends = moment(events[0]["received_at"]) + timedelta(days=5)
    return [
        event
        | {"received_at": written(moment(event["received_at"]) + timedelta(days=2))}
        if system_of(event) == "android" and moment(event["received_at"]) < ends
        else event
        for event in events
    ]


def _of_a_country(country: str, percent: int) -> Spoil:
    """No decision of a part of a country's newcomers arrives."""

    def spoil(events: Tail, _: Random) -> Tail:
        lost = {
            event["user_id"]
            for event in events
            if name_of(event) == "user_signed_up"
            and "user_id" in event
            and event["properties"].get("country") == country
            and crc32(event["user_id"].encode()) % 100 < percent
        }
        return [
            event
            for event in events
            if name_of(event) != "consent_decided" or event.get("user_id") not in lost
        ]

    return spoil


def _anonymous(system: str) -> Spoil:
    def change(event: Event, _: Random) -> Event:
        if system_of(event) != system or "anonymous_id" not in event:
            return event
        return {key: said for key, said in event.items() if key != "user_id"}

    return each(change)


def _with(share: float = 1.0, *, system: str = "", **changed: object) -> Spoil:
    def change(event: Event, chance: Random) -> Event:
        meant = not system or system_of(event) == system
        return event | changed if meant and chance.random() < share else event

    return each(change)


def _without_context(system: str) -> Spoil:
    return each(
        lambda event, _: (
            {key: said for key, said in event.items() if key != "context"}
            if system_of(event) == system
            else event
        )
    )


def _prefixed(event: Event, _: Random) -> Event:
    if system_of(event) == "android" and "user_id" in event:
        return event | {"user_id": f"usr-{event['user_id']}".upper()}
    return event


def _cut_words(event: Event, _: Random) -> Event:
    said = event.get("properties")
    if name_of(event) != "feature_used" or not isinstance(said, dict):
        return event
    return saying(event, feature_name=str(said.get("feature_name"))[:4])


def _zoneless(event: Event, _: Random) -> Event:
    """Local time sent as if it were UTC."""
    stamp = str(event.get("timestamp", ""))
    if stamp[-6:-5] in {"+", "-"}:
        return event | {"timestamp": stamp[:-6] + "Z"}
    return event


def _refunds(events: Tail, chance: Random) -> Tail:
    """One payment in five is refunded at once."""
    refunds = [
        saying(
            event
            | {
                "event_name": "billing.payment_refunded",
                "event_id": _new_id(chance),
            },
            product=None,
            plan=None,
            refund_id=f"refund_{chance.getrandbits(48):012x}",
        )
        for event in events
        if name_of(event) == "payment_completed" and chance.random() < _REFUNDED
    ]
    return [*events, *refunds]


FAULTS: tuple[Fault, ...] = (
    raw("events_dropped", "30 % of all events lost at random", _lose(0.3)),
    raw("outage_of_an_hour", "the busiest hour of one day lost", _outage),
    raw("source_gone", "one of four sources silent", _lose(1, system="ios")),
    raw("slow_decay", "6 % more of one event lost each day", _decay),
    raw(
        "event_gone_on_a_platform",
        "one event no longer sent by android",
        _lose(1, of="feature_used", system="android"),
    ),
    raw(
        "copies_burst", "40 % of events sent twice, same ids", _again(0.4, fresh=False)
    ),
    raw(
        "twins_burst",
        "20 % of events sent twice, new ids",
        _again(0.2, fresh=True),
        "stop",
    ),
    raw("bot_flood", "one device views a page a minute", _flood),
    raw("scripted_signups", "200 accounts within an hour", _signups),
    raw(
        "event_renamed",
        "one event under a name that is not planned",
        each(
            lambda event, _: (
                event | {"event_name": "dice_rolled"}
                if name_of(event) == "rolled"
                else event
            )
        ),
    ),
    raw(
        "required_property_lost",
        "feature_name missing in 10 % of feature_used",
        _say("feature_used", 0.1, feature_name=None),
    ),
    raw(
        "optional_property_lost",
        "feature_category no longer sent by ios",
        _say("feature_used", system="ios", feature_category=None),
    ),
    raw(
        "type_changed",
        "usage_duration as text from ios",
        _say("feature_used", system="ios", usage_duration="53 s"),
    ),
    raw(
        "property_added",
        "a property that is not planned in 10 % of one event",
        _say("user_logged_in", 0.1, browser_tab=3),
    ),
    raw(
        "word_respelled",
        "plan free written Free by android",
        _say("feature_used", system="android", plan_type="Free"),
    ),
    raw("words_cut", "feature names cut after four letters", each(_cut_words)),
    raw(
        "constant_property",
        "every roll says the same result",
        _say("rolled", result=1),
    ),
    raw(
        "unit_changed",
        "durations in milliseconds, a factor of 1,000",
        _scale("feature_used", "usage_duration", 1000),
    ),
    raw(
        "minor_units_taken_for_major",
        "amounts of one currency times 100",
        _scale("payment_completed", "amount_cents", 100, currency="EUR"),
        "stop",
    ),
    raw(
        "major_units_taken_for_minor",
        "all amounts divided by 100",
        _scale("payment_completed", "amount_cents", 0.01),
        "stop",
    ),
    raw(
        "currency_mislabelled",
        "all payments said to be in JPY",
        _say("payment_completed", currency="JPY"),
        "stop",
    ),
    raw("refunds_burst", "20 % of payments refunded at once", _refunds),
    raw("clock_an_hour_ahead", "ios, one hour", _clock("ios", 1)),
    raw("clock_an_hour_behind", "android, one hour", _clock("android", -1)),
    raw("zone_forgotten", "local times sent as UTC", each(_zoneless)),
    raw("stuck_batches", "android two days late, for five days", _stuck),
    raw(
        "year_wrong",
        "2 % of events a year old",
        each(
            lambda event, chance: (
                moved(event, timedelta(days=-365))
                if chance.random() < _A_YEAR_OLD
                else event
            )
        ),
    ),
    raw(
        "consent_of_half_a_country_lost",
        "no decision of half of DE's newcomers",
        _of_a_country("DE", 50),
    ),
    raw(
        "consent_always_granted",
        "every decision about anything says granted",
        _say("consent_decided", granted=True),
        "stop",
    ),
    raw("users_lost", "ios sends no user ids", _anonymous("ios")),
    raw(
        "user_ids_collapsed",
        "10 % of events under the user id null",
        _with(0.1, user_id="null"),
        "stop",
    ),
    raw(
        "user_ids_respelled",
        "android's in capitals with a prefix",
        each(_prefixed),
        "stop",
    ),
    raw(
        "devices_collapsed",
        "all of ios under one anonymous id",
        _with(system="ios", anonymous_id="anon_00000000000000000000"),
        "stop",
    ),
    raw(
        "sessions_lost",
        "android claims no session",
        _with(system="android", session_id=""),
    ),
    raw("context_lost", "windows sends no context", _without_context("windows")),
    raw(
        "country_lost", "sign-ups without country", _say("user_signed_up", country=None)
    ),
    raw(
        "signup_methods_alike",
        "every sign-up by email",
        _say("user_signed_up", signup_method="email"),
    ),
    raw(
        "clicks_lost",
        "ad touches without click_id",
        _say("ad_touched", click_id=None),
    ),
    raw(
        "old_schema",
        "ios sends event_version 0.9",
        _with(system="ios", event_version="0.9"),
    ),
)
