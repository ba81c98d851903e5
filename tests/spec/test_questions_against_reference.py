"""Questions answer what the plain reference says, on many random people at once."""

import json
import random
from datetime import UTC, datetime
from statistics import mean, median
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.spec import questions_reference as reference
from warehouse.clickhouse import connect
from warehouse.questions.registry import KINDS
from warehouse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

EVENTS = "question_specs.events"
DAY_MS = 86_400_000

few = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def client(endpoint: Settings) -> "Iterator[Client]":
    with connect(endpoint) as connected:
        connected.command("create database if not exists question_specs")
        connected.command(
            f"create or replace table {EVENTS} (event_name LowCardinality(String),"
            " person_key UInt64 default sipHash64(person_id), rank_time UInt64,"
            " occurred_at DateTime64(3, 'UTC')"
            " default fromUnixTimestamp64Milli("
            "toInt64(intDiv(rank_time, 65536)), 'UTC'),"
            " person_id String, properties String)"
            " engine = MergeTree order by (event_name, person_key, rank_time)"
        )
        yield connected
        connected.command("drop database question_specs sync")


def hold(client: "Client", people: reference.Journeys) -> None:
    """Hold these people's events and no others."""
    client.command(f"truncate table {EVENTS}")
    client.insert(
        EVENTS,
        [
            [event.name, event.rank, person, json.dumps({"colour": event.colour})]
            for person, events in people.items()
            for event in events
        ],
        column_names=["event_name", "rank_time", "person_id", "properties"],
    )


def step(name: str | None, colour: str | None = None) -> dict[str, Any]:
    return {"event": name, "where": None if colour is None else {"colour": colour}}


def excluded(
    name: str, from_step: int | None = None, to_step: int | None = None
) -> dict[str, Any]:
    return {**step(name), "from_step": from_step, "to_step": to_step}


A, B, C = step("a"), step("b"), step("c")
FUNNELS: list[tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    *((order, [A, B, C], []) for order in ("ordered", "strict", "unordered")),
    *((order, [A, A, B], []) for order in ("ordered", "strict", "unordered")),
    *((order, [A, B, A], [excluded("x")]) for order in ("ordered", "unordered")),
    ("unordered", [A, A, A, B], [excluded("x")]),
    ("unordered", [A, B, C], [excluded("x", 0, 2)]),
    ("strict", [step("a", "red"), step(None)], []),
    ("ordered", [step("a", "red"), step("b", "blue"), step(None)], []),
    ("ordered", [A, B, C], [excluded("x", 0, 1)]),
    ("ordered", [A, B, C], [excluded("x", 1, 2), excluded("y")]),
    ("ordered", [A, B, C], [excluded("x", 0, 2), excluded("y", 1, 2)]),
    ("ordered", [A], [excluded("x")]),
    ("ordered", [A, B, C, A, B, C], [excluded("x"), excluded("y", 0, 1)]),
]


@few
@given(seed=st.integers(1, 2**32), window=st.sampled_from([0, 2, 3, 8]))
def test_funnels_follow_each_person_as_the_reference_does(
    client: "Client", seed: int, window: int
) -> None:
    people = reference.journeys(
        random.Random(seed),  # noqa: S311  journeys, no secret
        people=300,
        grid_ms=1000,
    )
    hold(client, people)

    for order, steps, exclusions in FUNNELS:
        asked = {
            "order": order,
            "steps": steps,
            "exclusions": exclusions,
            "window_ms": window * 1000,
        }
        found = KINDS["funnel"].answer(
            client,
            EVENTS,
            {
                "order": order,
                "steps": steps,
                "exclusions": exclusions,
                "window_seconds": window,
            },
        )

        taken = {
            person: reference.funnel(events, asked) for person, events in people.items()
        }
        assert found["users_at_step"] == [
            sorted(person for person, events in taken.items() if len(events) > place)
            for place in range(len(steps))
        ], (order, steps, exclusions, window, seed)
        assert found["counts"] == [len(at) for at in found["users_at_step"]]
        for place in range(1, len(steps)):
            seconds = [
                (events[place].ms - events[place - 1].ms) / 1000
                for events in taken.values()
                if len(events) > place
            ]
            averages = found["average_seconds_from_previous_step"]
            medians = found["median_seconds_from_previous_step"]
            assert isinstance(averages, list)
            assert isinstance(medians, list)
            if seconds:
                assert averages[place] == pytest.approx(mean(seconds))
                assert medians[place] == pytest.approx(median(seconds))
            else:
                assert averages[place] is None


@few
@given(seed=st.integers(1, 2**32))
def test_retention_finds_who_comes_back_as_the_reference_does(
    client: "Client", seed: int
) -> None:
    people = reference.journeys(
        random.Random(seed),  # noqa: S311  journeys, no secret
        people=300,
        grid_ms=DAY_MS // 2,
    )
    hold(client, people)

    for asked in (
        {
            "type": "recurring",
            "target_event": "a",
            "returning_event": "b",
            "where": None,
        },
        {
            "type": "first_time",
            "target_event": "a",
            "returning_event": None,
            "where": None,
        },
        {
            "type": "recurring",
            "target_event": None,
            "returning_event": "c",
            "where": {"colour": "red"},
        },
    ):
        for period, intervals in (("day", 5), ("week", 2)):
            found = KINDS["retention"].answer(
                client,
                EVENTS,
                {
                    **asked,
                    "period": period,
                    "intervals": intervals,
                    "first_interval": "2026-01-01T00:00:00Z",
                },
            )
            assert found["counts"] == reference.retention(
                people, asked, intervals, by_week=period == "week"
            ), (asked, period, seed)


@few
@given(seed=st.integers(1, 2**32))
def test_cohorts_and_unbounded_retention_are_as_the_reference_has_them(
    client: "Client", seed: int
) -> None:
    people = reference.journeys(
        random.Random(seed),  # noqa: S311  journeys, no secret
        people=300,
        grid_ms=DAY_MS // 2,
    )
    hold(client, people)
    anything = {
        "type": "first_time",
        "target_event": None,
        "returning_event": None,
        "where": None,
    }

    cohorts = KINDS["cohort_retention"].answer(
        client, EVENTS, {"period": "day", "days": 6, "first_day": "2026-01-01"}
    )
    asked = {"first_event": None, "returning_event": "b", "periods_days": [0, 1, 3]}
    unbounded = KINDS["unbounded_retention"].answer(
        client, EVENTS, {**asked, "date_from": "2026-01-01", "date_to": "2026-01-06"}
    )

    assert cohorts["full_table"] == reference.retention(people, anything, 6)
    span = (reference.START_MS, reference.START_MS + 5 * DAY_MS)
    total, retained = reference.unbounded(people, asked, span)
    assert (unbounded["total_users"], unbounded["unique_users"]) == (total, retained)


def test_a_window_that_is_still_open_is_said_to_be(client: "Client") -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    ms = round(start.timestamp() * 1000)
    hold(
        client,
        {
            "early": [reference.Event(ms, 0, "a", "red")],
            "late": [reference.Event(ms + 9_000, 0, "a", "red")],
            "done": [
                reference.Event(ms, 0, "a", "red"),
                reference.Event(ms + 10_000, 0, "b", "red"),
            ],
        },
    )

    found = KINDS["funnel"].answer(
        client, EVENTS, {"steps": ["a", "b"], "window_seconds": 10}
    )

    assert found["counts"] == [3, 1]
    assert found["still_open"] == [1, 0]


def test_a_breakdown_is_by_the_property_of_the_first_step(client: "Client") -> None:
    ms = reference.START_MS
    hold(
        client,
        {
            "one": [
                reference.Event(ms, 0, "a", "red"),
                reference.Event(ms + 1, 0, "b", "blue"),
            ],
            "two": [reference.Event(ms, 0, "a", "blue")],
        },
    )

    found = KINDS["funnel"].answer(
        client, EVENTS, {"steps": ["a", "b"], "breakdown": "colour"}
    )

    by_colour = found["breakdown"]
    assert isinstance(by_colour, dict)
    assert {value: part["counts"] for value, part in by_colour.items()} == {
        "red": [1, 1],
        "blue": [1, 0],
    }


def test_a_mode_of_the_engine_goes_by_its_earlier_name_too(client: "Client") -> None:
    ms = reference.START_MS
    names = ("a", "b", "b", "c")
    hold(
        client,
        {
            "one": [
                reference.Event(ms + at, 0, name, "red")
                for at, name in enumerate(names)
            ]
        },
    )

    levels = [
        KINDS["window_funnel"].answer(
            client,
            EVENTS,
            {"steps": ["a", "b", "c"], "window_seconds": 9, "mode": mode},
        )["tests"]
        for mode in ("strict", "strict_deduplication", [])
    ]

    assert [test["level_per_user"] for [test] in levels] == [
        {"one": 2},
        {"one": 2},
        {"one": 3},
    ]


@few
@given(seed=st.integers(1, 2**32))
def test_more_periods_than_a_number_has_bits_are_counted_as_fewer_are(
    client: "Client", seed: int
) -> None:
    people = reference.journeys(
        random.Random(seed),  # noqa: S311  journeys, no secret
        people=100,
        grid_ms=7 * DAY_MS,
    )
    hold(client, people)

    def lifecycle(periods: int) -> Any:
        asked = {"date_from": "2026-01-01", "event": "a", "periods": periods}
        return KINDS["lifecycle"].answer(client, EVENTS, asked)

    def cohorts(days: int) -> Any:
        asked = {"first_day": "2026-01-01", "days": days}
        return KINDS["cohort_retention"].answer(client, EVENTS, asked)["full_table"]

    many, table = lifecycle(90), cohorts(90)
    assert sum(many["new"]) > 0
    for few_enough in (63, 64):
        fewer = lifecycle(few_enough)
        assert fewer == {name: many[name][:few_enough] for name in fewer}
        assert cohorts(few_enough) == [
            row[: few_enough - place] for place, row in enumerate(table[:few_enough])
        ]
