"""Adoption of features and revenue of cohorts hold the plain reference."""

import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.spec.analytics_reference import (
    DAY_MS,
    Event,
    by_person,
    period_after,
    period_start,
)
from tests.spec.analytics_streams import (
    EVENTS,
    START_MS,
    ask,
    load,
    make_tables,
    stream,
    streams,
)

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PEOPLE = (
    "(select person_id, min(occurred_at) as joined_at,"
    " [person_id < 'person2'] as segments"
    f" from {EVENTS} group by person_id)"
)
PAYMENTS = (
    "(select person_id, occurred_at as paid_at,"
    " toInt64(round(JSONExtractFloat(properties, 'revenue') * 100)) as amount"
    f" from {EVENTS} where event_name = 'buy')"
)


@pytest.fixture
def client(warehouse_client: "Client") -> "Client":
    make_tables(warehouse_client)
    return warehouse_client


def _start(ms: int, period: str) -> datetime:
    return period_start(ms, period, "Europe/Berlin", "monday")


@streams(6)
def test_adoption_says_what_the_reference_says(client: "Client", seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events, period = stream(chance), chance.choice(("day", "week", "month"))
    load(client, events)

    found = ask(
        client,
        "ask_feature_adoption",
        events=EVENTS,
        event="touch",
        feature_property="channel",
        period=period,
        timezone="Europe/Berlin",
    )

    told = {
        (row["feature"], row["period_start"].replace(tzinfo=None)): (
            row["uses"],
            row["people"],
            row["adopters"],
            row["adopters_so_far"],
            row["active_people"],
        )
        for row in found
    }
    assert told == _adoption(events, period)


def _adoption(events: list[Event], period: str) -> dict[Any, tuple[int, ...]]:
    uses: dict[Any, list[str]] = defaultdict(list)
    active: dict[datetime, set[str]] = defaultdict(set)
    first: dict[tuple[str, str], datetime] = {}
    for one in sorted(events, key=lambda one: one.rank):
        start = _start(one.ms, period)
        if one.name != "buy":
            active[start].add(one.person)
        if one.name == "touch" and one.channel:
            uses[one.channel, start].append(one.person)
            first.setdefault((one.channel, one.person), start)
    return {
        (feature, start): (
            len(people),
            len(set(people)),
            sum(first[feature, person] == start for person in set(people)),
            sum(name == feature and at <= start for (name, _), at in first.items()),
            len(active[start]),
        )
        for (feature, start), people in uses.items()
    }


@streams(6)
def test_cohort_revenue_says_what_the_reference_says(
    client: "Client", seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events, period = stream(chance), chance.choice(("week", "month"))
    ends_ms = START_MS + 120 * DAY_MS
    ends = datetime.fromtimestamp(ends_ms / 1000, UTC).replace(tzinfo=None)
    load(client, events)

    found = ask(
        client,
        "ask_cohort_revenue",
        people=PEOPLE,
        payments=PAYMENTS,
        ends_at=f"toDateTime64('{ends}', 3, 'UTC')",
        period=period,
        timezone="Europe/Berlin",
    )

    cells: dict[Any, list[Any]] = defaultdict(list)
    for row in found:
        cohort = (row["cohort_start"].replace(tzinfo=None), bool(row["segment"]))
        cells[cohort].append(row)
    people = by_person(events)
    joined: dict[Any, list[list[Event]]] = defaultdict(list)
    for person, theirs in people.items():
        joined[_start(theirs[0].ms, period), person < "person2"].append(theirs)
    assert cells.keys() == joined.keys()
    for cohort, rows_of_it in cells.items():
        _cells_agree(cohort[0], rows_of_it, joined[cohort], period, ends_ms)


def _cells_agree(
    start: datetime,
    found: list[dict[str, Any]],
    people: list[list[Event]],
    period: str,
    ends_ms: int,
) -> None:
    so_far = 0
    for later, row in enumerate(found):
        paid = [
            (one.person, round(one.revenue * 100))
            for theirs in people
            for one in theirs
            if one.name == "buy" and _start(one.ms, period) == start
        ]
        so_far += sum(cents for _, cents in paid)
        assert row["periods_later"] == later
        assert row["people"] == len(people)
        assert row["payers"] == len({person for person, _ in paid})
        assert row["revenue_so_far"] == so_far
        start = period_after(start, period)
        assert row["is_complete"] == (start <= _start(ends_ms, period))
    # the next one has not begun
    assert start > _start(ends_ms - 1, period)
