"""The plain counts of each concern of a world: what came by campaign, on which device.

Like the reference, which calls these, they share nothing with the warehouse but words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from questlog.world.reading import CLOCK_ERROR, Seen

PURPOSES = ("analytics", "personalisation", "advertising")
NO_CAMPAIGN = "none"

_SAYS_SO = ("bot", "crawler", "spider")
_A_RHYTHM = 20
_STEADY = 0.9

Persons = Mapping[str, Sequence[Seen]]
Counts = dict[str, Any]


def campaigns(persons: Persons, sessions: Iterable[Sequence[Seen]]) -> Counts:
    """Where people and sessions came from, and which advertisements they met.

    A session's campaign is its first page view's. A person's first campaign is the
    first that a page view of theirs names; their first channel is how they came to
    their first page view. `none` stands for no campaign.
    """
    entries = Counter(_campaign(_views(session)) for session in sessions)
    views = {person: _views(events) for person, events in persons.items()}
    firsts = Counter(
        next((c for c in map(_named, seen) if c), NO_CAMPAIGN)
        for seen in views.values()
    )
    touches = [
        seen.properties
        for events in persons.values()
        for seen in events
        if seen.name == "ad_touched"
    ]
    return {
        "page_views": _sorted(
            Counter(_named(v) or NO_CAMPAIGN for seen in views.values() for v in seen)
        ),
        "sessions": _sorted(entries),
        "people_by_first_campaign": _sorted(firsts),
        "people_by_first_channel": _sorted(
            Counter(_channel(seen[0]) for seen in views.values() if seen)
        ),
        "ad_touches": _sorted(Counter(ad["touch"] for ad in touches)),
        "ad_clicks_by_campaign_id": _sorted(
            Counter(
                ad.get("campaign_id", "") for ad in touches if ad["touch"] == "click"
            )
        ),
    }


def devices(once: Iterable[Seen]) -> Counts:
    """Devices by kind, people by number of devices, and devices that several share."""
    kinds: dict[str, str] = {}
    accounts: dict[str, set[str]] = defaultdict(set)
    owned: dict[str, set[str]] = defaultdict(set)
    for seen in once:
        if seen.anonymous_id:
            kind = seen.context.get("device_type", "")
            kinds[seen.anonymous_id] = kind or kinds.get(seen.anonymous_id, "unknown")
        if seen.anonymous_id and seen.user_id:
            accounts[seen.anonymous_id].add(seen.user_id)
            owned[seen.user_id].add(seen.anonymous_id)
    numbers = Counter(len(found) for found in owned.values())
    return {
        "devices": len(kinds),
        "devices_by_kind": _sorted(Counter(kinds.values())),
        "devices_shared": sum(len(found) > 1 for found in accounts.values()),
        "people_by_devices": {str(n): people for n, people in sorted(numbers.items())},
        "people_on_several_devices": sum(p for n, p in numbers.items() if n > 1),
    }


def bots(once: Iterable[Seen]) -> Counts:
    """Devices that are no person's: they say so themselves, or keep time like one.

    A machine's rhythm: twenty events or more, nine of ten silences between them of
    one length to the millisecond.
    """
    by_device: dict[str, list[Seen]] = defaultdict(list)
    for seen in once:
        if seen.anonymous_id:
            by_device[seen.anonymous_id].append(seen)
    saying = {d: events for d, events in by_device.items() if _says_so(events)}
    steady = {d: events for d, events in by_device.items() if _is_steady(events)}
    either = saying | steady
    return {
        "devices": len(either),
        "events": sum(map(len, either.values())),
        "devices_by_agent": len(saying),
        "events_by_agent": sum(map(len, saying.values())),
        "devices_by_rhythm": len(steady),
        "events_by_rhythm": sum(map(len, steady.values())),
    }


def clocks(once: Iterable[Seen]) -> Counts:
    """Events whose wrong clock shows: corrected, or left alone ahead or behind.

    Only a sender ahead of our own clock is proven wrong, and only when it is sent;
    imported claims stay as they are. Corrections are in whole seconds.
    """
    wrong = [seen for seen in once if abs(seen.ahead) > CLOCK_ERROR]
    mended = [-seen.corrected for seen in wrong if seen.corrected]
    return {
        "corrected": len(mended),
        "corrected_by_seconds": {
            "least": min(mended, default=0) // 1000,
            "most": max(mended, default=0) // 1000,
        },
        "ahead_left_alone": sum(s.ahead > 0 and not s.corrected for s in wrong),
        "behind_left_alone": sum(seen.ahead < 0 for seen in wrong),
    }


def refunds(once: Iterable[Seen]) -> Counts:
    """Refunds in full and in part, and those that a bank took back."""
    paid: dict[str, int] = {}
    back: list[Mapping[str, Any]] = []
    for seen in once:
        if seen.name == "payment_completed":
            paid[seen.properties.get("payment_id", "")] = seen.properties[
                "amount_cents"
            ]
        elif seen.name == "payment_refunded":
            back.append(seen.properties)
    in_full = sum(paid.get(r.get("payment_id", "")) == r["amount_cents"] for r in back)
    return {
        "in_full": in_full,
        "in_part": len(back) - in_full,
        "chargebacks": sum(refund.get("reason") == "chargeback" for refund in back),
    }


def consents(persons: Persons) -> dict[str, Counts]:
    """For each purpose: people by their last word, and who changed their mind.

    `withdrawn` counts people who allowed it once and denied it later, `given_again`
    those of them who then allowed it once more.
    """
    words: dict[str, list[list[bool]]] = {purpose: [] for purpose in PURPOSES}
    for events in persons.values():
        said: dict[str, list[bool]] = defaultdict(list)
        for seen in events:
            if seen.name == "consent_decided":
                said[seen.properties["purpose"]].append(seen.properties["granted"])
        for purpose, answers in said.items():
            words[purpose].append(answers)
    return {
        purpose: {
            "granted": sum(answers[-1] for answers in people),
            "denied": sum(not answers[-1] for answers in people),
            "withdrawn": sum(_turns(answers, True, False) for answers in people),
            "given_again": sum(
                _turns(answers, True, False, True) for answers in people
            ),
        }
        for purpose, people in words.items()
    }


def _sorted(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items()))


def _views(events: Iterable[Seen]) -> list[Seen]:
    return [seen for seen in events if seen.name == "page_viewed"]


def _named(view: Seen) -> str:
    return str(view.properties.get("utm_campaign", ""))


def _campaign(views: Sequence[Seen]) -> str:
    return (_named(views[0]) if views else "") or NO_CAMPAIGN


def _channel(view: Seen) -> str:
    medium = view.properties.get("utm_medium", "")
    return medium or ("referral" if view.properties.get("referrer") else "direct")


def _says_so(events: Iterable[Seen]) -> bool:
    agents = {seen.context.get("user_agent", "") for seen in events}
    return any(word in agent.lower() for agent in agents for word in _SAYS_SO)


def _is_steady(events: Sequence[Seen]) -> bool:
    if len(events) < _A_RHYTHM:
        return False
    moments = sorted(seen.at for seen in events)
    silences = Counter(after - before for before, after in pairwise(moments))
    return max(silences.values()) >= _STEADY * (len(events) - 1)


def _turns(answers: Sequence[bool], *wanted: bool) -> bool:
    """Whether the wanted answers came in this order, whatever lay between."""
    rest = iter(answers)
    return all(one in rest for one in wanted)
