"""The truth about a world's files: a slow, plain reading, apart from any SQL.

It shares nothing with the warehouse but the words of docs/glossary.md, so that the two
can be checked against each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from questlog.world import counts
from questlog.world.parameters import DAY, MINUTE, day_of
from questlog.world.rates import Rates
from questlog.world.reading import Reading, Seen, deduplicated

FUNNEL = (
    "user_signed_up",
    "character_created",
    "game_session_started",
    "payment_completed",
)
SILENCE = 30 * MINUTE
FUNNEL_WINDOW = 30 * DAY


def observe(reading: Reading, rates: Rates, currency: str = "EUR") -> dict[str, Any]:
    """Everything true about what was read, as JSON; money adds up in a currency."""
    once, received = deduplicated(reading)
    persons = _persons(once)
    sessions = [run for events in persons.values() for run in _sessions(events)]
    consents = counts.consents(persons)
    return received | {
        "people": len(persons),
        "people_known": sum(not person.startswith("anon:") for person in persons),
        "sessions": len(sessions),
        "consented_advertising": consents["advertising"]["granted"],
        "funnel": _funnel(persons.values()),
        "cohorts": _cohorts(events[0].at for events in persons.values()),
        "cohorts_signed_up": _cohorts(
            seen.at for seen in once if seen.name == "user_signed_up"
        ),
        "events_by_name": dict(sorted(Counter(seen.name for seen in once).items())),
        **_money(once, rates, currency),
        "campaigns": counts.campaigns(persons, sessions),
        "devices": counts.devices(once),
        "bots": counts.bots(once),
        "clocks": counts.clocks(once),
        "refunds_by_kind": counts.refunds(once),
        "consents": consents,
    }


def added(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """What was added to a part to make the whole: counts of the stream and money."""
    keys = (
        *("lines", "accepted", "duplicates_removed", "conflicts", "conflicting_copies"),
        *("events_once", "payments", "refunds", "paid_minor", "refunded_minor"),
        *("revenue_minor",),
    )
    refused = Counter(whole["refused"])
    refused.subtract(part["refused"])
    return {
        "refused": {reason: n for reason, n in sorted(refused.items()) if n},
        **{key: whole[key] - part[key] for key in keys},
    }


def _persons(once: list[Seen]) -> dict[str, list[Seen]]:
    """Events by person, each person's in order.

    A device that one account alone has used speaks for that account, before the
    sign-up too; a device of several stays a person of its own while anonymous.
    """
    accounts: dict[str, set[str]] = defaultdict(set)
    for seen in once:
        if seen.user_id and seen.anonymous_id:
            accounts[seen.anonymous_id].add(seen.user_id)
    persons: dict[str, list[Seen]] = defaultdict(list)
    for seen in once:
        known = accounts.get(seen.anonymous_id, set())
        stitched = next(iter(known)) if len(known) == 1 else ""
        person = seen.user_id or stitched or f"anon:{seen.anonymous_id}"
        persons[person].append(seen)
    for events in persons.values():
        events.sort()
    return persons


def _sessions(events: list[Seen]) -> Iterator[list[Seen]]:
    """Runs of events with no silence over half an hour; half an hour itself stays."""
    run = events[:1]
    for seen in events[1:]:
        if seen.at - run[-1].at > SILENCE:
            yield run
            run = []
        run.append(seen)
    yield run


def _funnel(persons: Iterable[list[Seen]]) -> list[dict[str, Any]]:
    reached = Counter(_level(events) for events in persons)
    return [
        {
            "step": step,
            "people": sum(n for level, n in reached.items() if level > place),
        }
        for place, step in enumerate(FUNNEL)
    ]


def _level(events: list[Seen]) -> int:
    """How many steps a person took in order, each within the window of the first."""
    steps = [seen for seen in events if seen.name in FUNNEL]
    starts = [place for place, seen in enumerate(steps) if seen.name == FUNNEL[0]]
    best = 0
    for start in starts:
        taken = 0
        for seen in steps[start:]:
            in_time = seen.at - steps[start].at <= FUNNEL_WINDOW
            if taken < len(FUNNEL) and in_time and seen.name == FUNNEL[taken]:
                taken += 1
        best = max(best, taken)
    return best


def _cohorts(moments: Iterable[int]) -> dict[str, int]:
    """People by the week of a moment; weeks begin on Monday, UTC."""
    weeks = Counter(_monday(day_of(moment)) for moment in moments)
    return {week.isoformat(): count for week, count in sorted(weeks.items())}


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _money(once: list[Seen], rates: Rates, currency: str) -> dict[str, Any]:
    """Payments and refunds: each currency by itself, and all of them in one.

    What has no rate in that one is counted and not added.
    """
    kinds = {"payment_completed": "paid_minor", "payment_refunded": "refunded_minor"}
    money = [
        (kinds[seen.name], seen.properties["currency"], seen)
        for seen in once
        if seen.name in kinds
    ]
    own: dict[str, Counter[str]] = defaultdict(Counter)
    told: Counter[str] = Counter()
    for kind, paid_in, seen in money:
        amount, on = seen.properties["amount_cents"], day_of(seen.at)
        own[paid_in][kind] += amount
        own[paid_in][kind.replace("_minor", "")] += 1
        told[kind] += rates.told_in(currency, amount, paid_in, on) or 0
    return _totals(told) | {
        "payments": sum(counted["paid"] for counted in own.values()),
        "refunds": sum(counted["refunded"] for counted in own.values()),
        "money_by_currency": {
            paid_in: {"payments": counted["paid"], "refunds": counted["refunded"]}
            | _totals(counted)
            for paid_in, counted in sorted(own.items())
        },
    }


def _totals(counted: Counter[str]) -> dict[str, int]:
    paid, refunded = counted["paid_minor"], counted["refunded_minor"]
    return {
        "paid_minor": paid,
        "refunded_minor": refunded,
        "revenue_minor": paid - refunded,
    }
