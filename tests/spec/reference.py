"""The models once more, slow and plain: what the SQL is held against.

Nothing here is clever. Each function says its definition the way a person would, over
lists in memory, and shares no line with the SQL.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

SILENCE = timedelta(minutes=30)
CAP = timedelta(hours=24)
FUNNEL_WINDOW = timedelta(days=30)
FUNNEL = (
    "user_signed_up",
    "character_created",
    "game_session_started",
    "payment_completed",
)
PASSIVE = {"consent_decided", "payment_refunded"}
DIGITS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
Rates = Mapping[str, Mapping[date, Decimal]]


def _shipped() -> Rates:
    """The rates in the repository: units per euro, by currency and day."""
    seed = Path(__file__).resolve().parents[2] / "dbt_project/seeds/exchange_rates.csv"
    rates: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for row in csv.DictReader(seed.read_text().splitlines()):
        day = date.fromisoformat(row["rate_on"])
        rates[row["currency"]][day] = Decimal(row["units_per_eur"])
    return rates


SHIPPED = _shipped()


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One received copy of an event."""

    event_id: str
    event_name: str
    user_id: str = ""
    anonymous_id: str = ""
    occurred_at: datetime
    received_at: datetime
    sent_at: datetime | None = None
    sequence: int | None = None
    game_id: str = ""
    amount: str = ""
    amount_cents: int | None = None
    currency: str = ""
    purpose: str = ""
    granted: bool = False
    content_hash: int = 0

    @property
    def order(self) -> tuple[datetime, int, tuple[int, int]]:
        """Place among the events of a person; ids in the order of ClickHouse.

        It compares the second half of a UUID before the first.
        """
        first, second = divmod(UUID(self.event_id).int, 1 << 64)
        return self.occurred_at, self.sequence or 0, (second, first)


def deduplicated(copies: Iterable[Copy]) -> list[Copy]:
    """One copy per event: the first received, then the smaller content hash."""
    kept: dict[str, Copy] = {}
    for copy in sorted(copies, key=lambda one: (one.received_at, one.content_hash)):
        kept.setdefault(copy.event_id, copy)
    return list(kept.values())


def conflicts(copies: Sequence[Copy]) -> set[tuple[str, int]]:
    """Event and content of every copy that differs from the one kept."""
    kept = {copy.event_id: copy.content_hash for copy in deduplicated(copies)}
    return {
        (copy.event_id, copy.content_hash)
        for copy in copies
        if copy.content_hash != kept[copy.event_id]
    }


Word = tuple[str, str, bool]
"""An id, a person, and whether they are one from now on, or not any more."""
NO_WORDS: Sequence[Word] = ()
"""Nobody was declared to be somebody else, and nothing was cut."""


def people(events: Sequence[Copy], words: Sequence[Word] = NO_WORDS) -> dict[str, str]:
    """The person of every event, when exactly these events are known.

    `words` were said in this order; the latest on an id and a person counts.
    """
    latest = {(own, person): linked for own, person, linked in words}
    declared, names = defaultdict(set), defaultdict(set)
    for (own, person), linked in latest.items():
        declared[own].update({person} if linked else ())
    for event in events:
        device = f"anon:{event.anonymous_id}"
        if (
            event.user_id
            and event.anonymous_id
            and (device, event.user_id) not in latest
        ):
            names[device].add(event.user_id)
    found = {}
    for event in events:
        device = f"anon:{event.anonymous_id}"
        whose = {
            one_person(user, declared)
            for user in (declared.get(device) or names.get(device, set()))
        }
        if event.user_id:
            found[event.event_id] = one_person(event.user_id, declared)
        else:
            found[event.event_id] = whose.pop() if len(whose) == 1 else device
    return found


def one_person(user: str, declared: Mapping[str, set[str]]) -> str:
    """Whose a user id is: all that links reach, in either direction, are one."""
    links = {
        (own, person)
        for own, persons in declared.items()
        for person in persons
        if not own.startswith("anon:") and own != person
    }
    reached, before = {user}, set[str]()
    while reached != before:
        before = set(reached)
        for link in links:
            reached |= set(link) if reached & set(link) else set()
    anothers = {own for own, _ in links}
    return min(reached - anothers or reached)


def by_person(
    events: Sequence[Copy], words: Sequence[Word] = NO_WORDS
) -> dict[str, list[Copy]]:
    """The events of every person, in order."""
    person = people(events, words)
    grouped = defaultdict(list)
    for event in sorted(events, key=lambda one: one.order):
        grouped[person[event.event_id]].append(event)
    return grouped


def sessions(ordered: Sequence[Copy]) -> list[list[Copy]]:
    """One person's events, cut where silence is longer than the limit."""
    found: list[list[Copy]] = []
    for event in ordered:
        if found and event.occurred_at - found[-1][-1].occurred_at <= SILENCE:
            found[-1].append(event)
        else:
            found.append([event])
    return found


def runaway_days(ordered: Sequence[Copy], zone: ZoneInfo) -> set[date]:
    """The days that one person's sessions of over 24 hours touch."""
    return {
        _day(session[0], zone) + timedelta(days=later)
        for session in sessions(ordered)
        if session[-1].occurred_at - session[0].occurred_at > CAP
        for later in range((_day(session[-1], zone) - _day(session[0], zone)).days + 1)
    }


def numbered_sessions(
    ordered: Sequence[Copy], zone: ZoneInfo
) -> list[tuple[int, int, bool]]:
    """Number, events and whether on a runaway's day, of one person's sessions."""
    days = runaway_days(ordered, zone)
    return [
        (number, len(session), _day(session[0], zone) in days)
        for number, session in enumerate(sessions(ordered), start=1)
    ]


def _day(event: Copy, zone: ZoneInfo) -> date:
    return event.occurred_at.astimezone(zone).date()


def minor(event: Copy) -> int | None:
    """Signed minor units of a payment or refund; None when unreadable."""
    sign = -1 if event.event_name == "payment_refunded" else 1
    if event.amount_cents is not None:
        return sign * event.amount_cents
    if not event.amount or event.currency not in DIGITS:
        return None
    exact = Decimal(event.amount).scaleb(DIGITS[event.currency])
    return sign * int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def reported(event: Copy, currency: str) -> int | None:
    """The same in the reporting currency."""
    return converted(
        minor(event), event.currency, currency, on=event.occurred_at.date()
    )


def converted(
    amount: int | None,
    currency: str,
    to: str,
    *,
    on: date,
    rates: Rates = SHIPPED,
) -> int | None:
    """Minor units of another currency, by the rates of a day."""
    if amount is None or currency == to:
        return amount
    paid, reported_in = _rate(currency, on, rates), _rate(to, on, rates)
    if not paid or not reported_in:
        return None
    # a fraction of whole numbers: sixty digits hold the largest exactly enough
    with localcontext(prec=60):
        exact = Decimal(abs(amount)).scaleb(DIGITS[to] - DIGITS[currency])
        found = int((exact * reported_in / paid).quantize(Decimal(1), ROUND_HALF_UP))
    if found >= 10**18:
        return None
    return found if amount > 0 else -found


def _rate(currency: str, on: date, rates: Rates) -> Decimal | None:
    """Units per euro on a day: those of the latest day that is not after it."""
    if currency == "EUR":
        return Decimal(1)
    days = [day for day in rates.get(currency, {}) if day <= on]
    return rates[currency][max(days)] if days and currency in DIGITS else None


def funnel(events: Sequence[Copy], words: Sequence[Word] = NO_WORDS) -> list[int]:
    """People who came as far as each step: every start is tried on its own."""
    furthest = [
        max(
            (_steps_from(ordered, start) for start in range(len(ordered))),
            default=0,
        )
        for ordered in by_person(events, words).values()
    ]
    return [sum(1 for far in furthest if far > step) for step in range(len(FUNNEL))]


def _steps_from(ordered: Sequence[Copy], start: int) -> int:
    if ordered[start].event_name != FUNNEL[0]:
        return 0
    taken = 1
    for event in ordered[start + 1 :]:
        in_time = event.occurred_at - ordered[start].occurred_at <= FUNNEL_WINDOW
        if in_time and taken < len(FUNNEL) and event.event_name == FUNNEL[taken]:
            taken += 1
    return taken


def retention(
    events: Sequence[Copy],
    zone: ZoneInfo,
    words: Sequence[Word] = NO_WORDS,
) -> set[tuple[date, int, int, int, bool]]:
    """Cohort week, weeks later, people, returned, whether the week is over."""
    ends = max(event.received_at for event in events).astimezone(zone).date()
    ends += timedelta(days=1)
    weeks = {
        person: {_monday(event.occurred_at, zone) for event in active}
        for person, ordered in by_person(events, words).items()
        if (active := [e for e in ordered if e.event_name not in PASSIVE])
    }
    cohorts = defaultdict(list)
    for person, active_weeks in weeks.items():
        cohorts[min(active_weeks)].append(person)
    cells = set()
    for cohort, members in cohorts.items():
        week, later = cohort, 0
        while week < ends or later == 0:
            returned = sum(1 for person in members if week in weeks[person])
            over = week + timedelta(days=7) <= ends
            cells.add((cohort, later, len(members), returned, over))
            week, later = week + timedelta(days=7), later + 1
    return cells


def _monday(moment: datetime, zone: ZoneInfo) -> date:
    day = moment.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def features(
    copies: Sequence[Copy], as_of: date, currency: str
) -> dict[str, dict[str, object]]:
    """Features of known people: everything learned from `as_of` on is thrown away."""
    moment = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
    known = deduplicated(copy for copy in copies if copy.received_at < moment)
    person = people(known)
    groups = defaultdict(set)
    for event in known:
        if event.game_id and 1 <= _days_ago(event, as_of) <= 56:
            whose = person[event.event_id]
            groups[event.game_id].update([] if whose.startswith("anon:") else [whose])
    return {
        name: _described(ordered, as_of, currency)
        | {"group_size_56": max([len(g) for g in groups.values() if name in g] or [0])}
        for name, ordered in by_person(known).items()
        if not name.startswith("anon:") and _may_be_analysed(ordered)
    }


def _days_ago(event: Copy, as_of: date) -> int:
    return (as_of - event.occurred_at.astimezone(UTC).date()).days


def _may_be_analysed(ordered: Sequence[Copy]) -> bool:
    decisions = [
        (event.occurred_at, event.sequence or 0, not event.granted)
        for event in ordered
        if event.purpose == "analytics"
    ]
    return not max(decisions)[2] if decisions else True


def _described(
    ordered: Sequence[Copy], as_of: date, currency: str
) -> dict[str, object]:
    ago = [_days_ago(e, as_of) for e in ordered if e.event_name not in PASSIVE]
    recent = [days for days in ago if 1 <= days <= 56]
    opened = [_days_ago(session[0], as_of) for session in sessions(ordered)]
    tenure = max(0, *(_days_ago(event, as_of) for event in ordered))
    return _purchases(ordered, as_of, currency) | {
        "tenure_days": tenure,
        "days_since_last_active": max(0, min(ago)) if ago else tenure,
        "active_days_7": len({days for days in recent if days <= 7}),
        "active_days_28": len({days for days in recent if days <= 28}),
        "active_days_56": len(set(recent)),
        "events_28": sum(1 for days in recent if days <= 28),
        "sessions_28": sum(1 for days in opened if 1 <= days <= 28),
        "sessions_prev_28": sum(1 for days in opened if 29 <= days <= 56),
        "is_active_56": bool(recent),
    }


def _purchases(
    ordered: Sequence[Copy], as_of: date, currency: str
) -> dict[str, object]:
    paid = [
        (_days_ago(event, as_of), event.event_name, reported(event, currency) or 0)
        for event in ordered
        if event.event_name.startswith("payment_") and _days_ago(event, as_of) >= 1
    ]
    days: dict[int, int] = defaultdict(int)
    for ago, name, amount in paid:
        if name == "payment_completed":
            days[ago] += amount
    bought = {ago: amount for ago, amount in days.items() if amount > 0}
    return {
        "payments_56": sum(
            1 for ago, name, _ in paid if name == "payment_completed" and ago <= 56
        ),
        "revenue_minor_56": sum(amount for ago, _, amount in paid if ago <= 56),
        "revenue_minor_total": sum(amount for _, _, amount in paid),
        "purchase_frequency": max(len(bought) - 1, 0),
        "purchase_age_days": max(bought, default=0),
        "purchase_recency_days": max(bought, default=0) - min(bought, default=0),
        "purchase_mean_minor": sum(bought.values()) / len(bought) if bought else None,
    }
