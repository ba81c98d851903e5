"""The models hold what the plain reference says, on random streams."""

import dataclasses
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.spec import reference
from tests.spec.clocks_reference import set_right
from tests.spec.streams import load, stream
from warehouse.clickhouse import connect, rows
from warehouse.migrations import migrate
from warehouse.questions.registry import KINDS
from warehouse.settings import Settings
from warehouse.transformation import run_dbt

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

ZONE = "Europe/Berlin"
AS_OF = date(2026, 5, 4)
AS_OF_DAYS = [AS_OF - timedelta(days=28 * steps) for steps in range(3)]
Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]


@pytest.fixture(scope="module")
def engine(
    new_settings: Callable[[], Settings], run_endpoint: Endpoint
) -> Iterator[Settings]:
    """An engine of our own: these tests replace everything in it."""
    own = dataclasses.replace(new_settings(), reporting_timezone=ZONE)
    with run_endpoint(own):
        with connect(own) as client:
            migrate(client)
        run_dbt(own, ["seed", "--quiet"], variables={"as_of": AS_OF.isoformat()})
        yield own


@pytest.fixture
def client(engine: Settings) -> "Iterator[Client]":
    with connect(engine) as connected:
        yield connected


def build(engine: Settings) -> None:
    run_dbt(engine, ["run", "--quiet"], variables={"as_of": AS_OF.isoformat()})


def column(client: "Client", query: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in rows(client, query)]


def everything(client: "Client", databases: str) -> dict[str, list[str]]:
    """Every row of every table of some databases, as text, in order."""
    tables = column(
        client,
        "select database, name from system.tables"
        f" where database in ({databases}) and engine like '%MergeTree'",
    )
    return {
        f"{database}.{name}": sorted(
            str(row) for row in column(client, f"select * from {database}.{name}")
        )
        for database, name in tables
    }


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(1, 2**32))
def test_the_models_hold_what_the_reference_says(
    engine: Settings, client: "Client", seed: int
) -> None:
    copies = stream(random.Random(seed), users=60)  # noqa: S311  a stream, no secret
    load(client, copies)

    build(engine)

    events = reference.deduplicated(set_right(copies))
    the_rows_are_deduplicated(client, copies, events)
    people_and_sessions_agree(client, events)
    money_agrees(client, events)
    the_funnel_and_retention_agree(client, events)
    features_agree(client, set_right(copies))


def the_rows_are_deduplicated(
    client: "Client", copies: list[reference.Copy], events: list[reference.Copy]
) -> None:
    kept = column(
        client, "select toString(event_id), content_hash from staging.stg_events"
    )
    lost = column(
        client,
        "select toString(event_id), content_hash from"
        " intermediate.int_event_id_conflicts",
    )

    assert sorted(kept) == sorted((e.event_id, e.content_hash) for e in events)
    assert set(lost) == reference.conflicts(copies)


def people_and_sessions_agree(client: "Client", events: list[reference.Copy]) -> None:
    found = defaultdict(set)
    for event_id, person, session in column(
        client,
        "select toString(event_id), person_id, toString(session_key)"
        " from intermediate.int_events_sessionized",
    ):
        found[person, session].add(event_id)
    expected = [
        (person, {event.event_id for event in session})
        for person, ordered in reference.by_person(events).items()
        for session in reference.sessions(ordered)
    ]
    counted = column(
        client, "select count(), sum(events) from marts_build.fct_sessions"
    )

    assert sorted((person, sorted(ids)) for (person, _), ids in found.items()) == (
        sorted((person, sorted(ids)) for person, ids in expected)
    )
    assert counted == [(len(expected), len(events))]


def money_agrees(client: "Client", events: list[reference.Copy]) -> None:
    person = reference.people(events)
    paid = column(
        client,
        "select toString(event_id), person_id, amount_minor, reporting_amount_minor"
        " from marts_build.fct_payments",
    )

    assert sorted(paid, key=str) == sorted(
        (
            (
                event.event_id,
                person[event.event_id],
                reference.minor(event),
                reference.reported(event, "EUR"),
            )
            for event in events
            if event.event_name.startswith("payment_")
        ),
        key=str,
    )


def the_funnel_and_retention_agree(
    client: "Client", events: list[reference.Copy]
) -> None:
    steps = column(
        client,
        "select people, still_open, median_seconds_from_previous"
        " from marts_build.fct_activation_funnel order by step_number",
    )
    cells = column(
        client,
        "select cohort_week, weeks_later, people, returned, is_complete"
        " from marts_build.fct_weekly_retention",
    )

    asked = KINDS["funnel"].answer(
        client,
        "marts_build.fct_events",
        {"steps": list(reference.FUNNEL), "window_seconds": 30 * 86_400},
    )

    # one implementation: what is built is what is asked
    told = ("counts", "still_open", "median_seconds_from_previous_step")
    assert [list(figures) for figures in zip(*steps, strict=True)] == (
        [asked[name] for name in told]
    )
    assert asked["counts"] == reference.funnel(events)
    assert set(cells) == reference.retention(events, ZoneInfo(ZONE))
    assert len(set(cells)) == len(cells)


def features_agree(client: "Client", copies: list[reference.Copy]) -> None:
    for as_of in AS_OF_DAYS:
        expected = reference.features(copies, as_of, "EUR")
        names = sorted(next(iter(expected.values())))
        found = rows(
            client,
            f"select person_id, {', '.join(names)} from features_build.feat_people"
            f" where as_of = '{as_of}'",
        )

        assert len(expected) > 10
        assert {row.pop("person_id"): row for row in found} == expected


@pytest.fixture(scope="module")
def built(engine: Settings) -> tuple[list[reference.Copy], dict[str, list[str]]]:
    """One stream, and every table that came of it."""
    copies = stream(random.Random(7), users=60)  # noqa: S311  a stream, no secret
    with connect(engine) as client:
        load(client, copies)
        build(engine)
        return copies, everything(client, "'marts_build', 'features_build'")


def test_loading_again_in_another_order_changes_no_mart(
    built: tuple[list[reference.Copy], dict[str, list[str]]],
    engine: Settings,
    client: "Client",
) -> None:
    copies, tables = built
    doubled = [*copies, *copies, *copies[:50]]
    random.Random(8).shuffle(doubled)  # noqa: S311  an order, no secret
    load(client, doubled)

    build(engine)

    assert everything(client, "'marts_build', 'features_build'") == tables
