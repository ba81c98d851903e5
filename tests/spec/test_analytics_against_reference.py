"""Questions answer what the plain reference says, on random streams."""

import itertools
import random
from collections import Counter
from datetime import UTC, date, datetime
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import pytest

from tests.spec import analytics_reference as reference
from tests.spec.analytics_reference import DAY_MS
from tests.spec.analytics_streams import (
    CHANNELS,
    EVENTS,
    STAGED,
    START_MS,
    ZONES,
    ask,
    load,
    make_tables,
    stream,
    streams,
)
from warehouse.questions.registry import question
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@pytest.fixture
def client(warehouse_client: "Client") -> "Client":
    make_tables(warehouse_client)
    return warehouse_client


@streams(15)
def test_lifecycle_says_what_the_reference_says(client: "Client", seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events = stream(chance)
    asked = {
        "event": chance.choice((None, "page_view")),
        "period": chance.choice(("day", "week", "month")),
        "week_start": chance.choice(("monday", "sunday")),
        "first_seen_by": chance.choice(("any", "event")),
        "periods": chance.choice((1, 9, 60)),
    }
    zone, first_ms = chance.choice(ZONES), START_MS + chance.randrange(30 * DAY_MS)
    load(client, events)

    found = ask(
        client,
        "ask_lifecycle",
        events=EVENTS,
        first_moment=first_ms,
        timezone=zone,
        **asked,
    )

    told = [
        {name: row[name] for name in ("new", "returning", "resurrecting", "dormant")}
        for row in found
    ]
    assert told == reference.lifecycle(events, first_ms=first_ms, zone=zone, **asked)
    active = reference.active_people(
        events,
        asked["event"],
        lambda ms: reference.period_start(
            ms, asked["period"], zone, asked["week_start"]
        ),
    )
    starts = [row["period_start"].replace(tzinfo=None) for row in found]
    assert [row["active"] for row in found] == [active[start] for start in starts]


@streams(15)
def test_stickiness_says_what_the_reference_says(client: "Client", seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events, zone = stream(chance), chance.choice(ZONES)
    interval = chance.choice(("day", "week", "month"))
    between = (START_MS + DAY_MS // 3, START_MS + chance.randrange(80) * DAY_MS)
    load(client, events)

    found = ask(
        client,
        "ask_stickiness",
        events=EVENTS,
        from_moment=between[0],
        to_moment=between[1],
        intervals=90,
        event="touch",
        interval=interval,
        timezone=zone,
    )

    assert [row["people"] for row in found] == reference.stickiness(
        events,
        event="touch",
        between=between,
        intervals=90,
        starts=lambda ms: reference.period_start(ms, interval, zone, "monday"),
    )


@streams(12)
def test_paths_and_edges_say_what_the_reference_says(
    client: "Client", seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events, most = stream(chance), chance.choice((1, 3, 20))
    anchor, merge = chance.choice((None, "buy")), chance.random() < 0.5
    direction = chance.choice(("after", "before"))
    load(client, events)
    asked = {
        "events": EVENTS,
        "anchor": anchor,
        "max_length": most,
        "collapse_runs": merge,
    }

    found, edges = _paths_and_edges(client, direction, top_events=2, **asked)
    _, every_edge = _paths_and_edges(client, direction, top_events=99, **asked)

    paths = [
        reference.path(
            [one.name for one in theirs],
            anchor=anchor,
            most=most,
            direction=direction,
            merge=merge,
        )
        for theirs in reference.by_person(events).values()
    ]
    taken = Counter(path for path in paths if path is not None)
    assert {tuple(row["path"]): row["users"] for row in found} == taken
    walked = Counter(
        (step, *pair)
        for path in taken.elements()
        for step, pair in enumerate(itertools.pairwise(path), start=1)
    )
    assert walked == {
        (row["step"], row["from_event"], row["to_event"]): row["people"]
        for row in every_edge
    }
    assert _people_at(edges) == _people_at(every_edge)
    assert all(
        len({row["from_event"] for row in edges if row["step"] == step}) <= 3
        for step in range(1, 20)
    )


def _paths_and_edges(
    client: "Client", direction: str, **asked: Any
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    asked["anchor_event"] = asked.pop("anchor")
    events = asked.pop("events")
    answered: dict[str, Any] = question("paths").ask(client, events, asked)
    return answered[direction], answered[f"edges_{direction}"]


def _people_at(edges: list[dict[str, Any]]) -> Counter[int]:
    people: Counter[int] = Counter()
    for row in edges:
        people[row["step"]] += row["people"]
    return people


@streams(12)
def test_sessions_say_what_the_reference_says(client: "Client", seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events, minutes = stream(chance), chance.choice((30, None, 720))
    load(client, events)

    asked = {
        "events": STAGED,
        "session_key": "tracker" if minutes is None else "inactivity",
        "timeout_minutes": minutes or 0,
    }

    found = ask(client, "ask_sessions", **asked)
    (summed,) = ask(client, "ask_sessions_summed", **asked)

    told = {
        (
            row["anonymous_id"],
            _ms(row["started_at"]),
            _ms(row["ended_at"]),
            row["total_events"],
            row["page_views"],
            row["first_page_url"],
            row["last_page_url"],
        )
        for row in found
    }
    timeout_ms = None if minutes is None else minutes * 60_000
    assert told == reference.sessions(events, timeout_ms=timeout_ms)
    assert len(found) == len({row["session_id"] for row in found})
    lasted = [row["duration_seconds"] for row in found]
    assert summed == {
        "count": len(found),
        "events": sum(row["total_events"] for row in found),
        "of_one_event": sum(row["total_events"] == 1 for row in found),
        "average_duration_seconds": pytest.approx(mean(lasted)) if lasted else None,
        "median_duration_seconds": pytest.approx(median(lasted)) if lasted else None,
    }


def _ms(moment: datetime) -> int:
    return round(moment.replace(tzinfo=UTC).timestamp() * 1000)


@streams(6)
def test_credits_say_what_the_reference_says_and_sum_to_what_was_made(
    client: "Client", seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events = stream(chance, people=chance.choice((3, 40)))
    exclude = set(chance.sample(CHANNELS, chance.randrange(3)))
    window = (START_MS + 5 * DAY_MS, START_MS + chance.choice((30, 90)) * DAY_MS)
    days = chance.choice((0.5, 1, 9, 30))
    load(client, events)
    asked = {
        "touches": render("q_touches", events=EVENTS, event="touch"),
        "conversions": render(
            "q_conversions",
            events=EVENTS,
            event="buy",
            revenue_properties=["absent", "revenue"],
        ),
        "lookback_days": days,
        "from_moment": window[0],
        "to_moment": window[1],
        "exclude": sorted(exclude),
    }

    paths = ask(client, "ask_attribution_paths", **asked)
    answered = ask(client, "ask_attribution", **asked, half_life_days=7)
    credited = [row for row in answered if row["model"]]

    ways = reference.ways(events, days=days, window=window, exclude=exclude)
    made = [way for way in ways if way.converted]
    assert sorted(
        (
            row["person_id"],
            _ms(row["converted_at"]),
            row["revenue"],
            tuple(row["path"]),
            tuple(row["transformed_path"]),
        )
        for row in paths
    ) == sorted(
        (way.person, way.ms, way.revenue, way.raw, way.channels) for way in made
    )
    expected = reference.credits_given(ways, half_life_ms=7 * DAY_MS)
    found = {
        (row["model"], row["channel"]): (row["conversions"], row["revenue"])
        for row in credited
    }
    for key in found.keys() | expected.keys():
        assert found.get(key, (0, 0)) == pytest.approx(
            expected.get(key, (0, 0)), abs=1e-6
        ), key
    for model in {row["model"] for row in credited}:
        sums = [
            sum(row[what] for row in credited if row["model"] == model)
            for what in ("conversions", "revenue")
        ]
        assert sums == pytest.approx([len(made), sum(way.revenue for way in made)])


@streams(8)
def test_rfm_says_what_the_reference_says_whatever_the_order_of_rows(
    client: "Client", seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    events = stream(chance)
    snapshot = date(2026, 3, chance.randrange(2, 32))
    load(client, events)

    asked = {
        "purchases": render(
            "q_purchases", events=EVENTS, event="buy", amount_property="revenue"
        ),
        "as_of": render("q_day", day=snapshot.isoformat()),
    }

    found = ask(client, "ask_rfm", **asked)
    cells = ask(client, "ask_rfm_cells", **asked)

    told = {
        row["person_id"]: (
            row["recency_days"],
            row["frequency"],
            float(row["monetary"]),
        )
        for row in found
    }
    expected = reference.rfm(events, snapshot)
    assert told == expected
    recencies, frequencies, amounts = (
        [bought[number] for bought in expected.values()] for number in range(3)
    )
    assert {
        row["person_id"]: (row["r_score"], row["f_score"], row["m_score"])
        for row in found
    } == {
        person: (
            reference.fifth(-recency, [-one for one in recencies]),
            reference.fifth(frequency, frequencies),
            reference.fifth(amount, amounts),
        )
        for person, (recency, frequency, amount) in expected.items()
    }
    names = ("r_score", "f_score", "m_score")
    assert {
        tuple(cell[name] for name in names): cell["customers"] for cell in cells
    } == (Counter(tuple(row[name] for name in names) for row in found))
    assert sum(cell["purchases"] for cell in cells) == sum(
        row["frequency"] for row in found
    )
    assert sum(cell["money"] for cell in cells) == sum(row["monetary"] for row in found)
