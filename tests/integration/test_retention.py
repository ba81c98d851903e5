"""Events go when their time is over; their ids stay, and builds go on being equal."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from warehouse import audit
from warehouse.clickhouse import connect, rows
from warehouse.migrations import migrate
from warehouse.retention import Due, due, horizon, let_go
from warehouse.settings import Settings
from warehouse.taxonomy import Taxonomy, load
from warehouse.transformation import run_dbt

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TODAY = date(2026, 3, 15)
BUILT = ("path:models/staging", "path:models/intermediate", "path:models/marts")
COMPARED = ("marts_build.fct_events", "marts_build.dim_people", "staging.stg_events")
OLD, YOUNG, LATE = (UUID(int=number) for number in (1, 2, 3))
PAID = UUID(int=4)


@pytest.fixture
def settings(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Any]],
) -> Iterator[Settings]:
    made = new_settings()
    with run_endpoint(made):
        with connect(made) as client:
            migrate(client)
        yield made


@pytest.fixture
def client(settings: Settings) -> "Iterator[Client]":
    with connect(settings) as connected:
        yield connected


def taxonomy(months: int = 3) -> Taxonomy:
    """Ours, in which page views are kept for some months and all else for good."""
    shipped = load()
    events = {
        name: replace(event, keep_for_months=months if name == "page_viewed" else None)
        for name, event in shipped.events.items()
    }
    return replace(shipped, events=events)


def receive(client: "Client", event_id: UUID, at: str, **changed: str) -> None:
    """One copy of an event of ann; loaded when it was received."""
    row = {
        "event_id": str(event_id),
        "event_name": "page_viewed",
        "user_id": "ann",
        "occurred_at": at,
        "received_at": at,
        "loaded_at": at,
        "known_at": at,
        "properties": '{"path": "/"}',
    } | changed
    client.insert("raw.events", [list(row.values())], column_names=list(row))


def held(client: "Client") -> list[UUID]:
    found = rows(client, "select event_id from raw.events order by event_id, loaded_at")
    return [row["event_id"] for row in found]


def act() -> audit.Act:
    return audit.act(by="keeper", because="tried", at=datetime(2026, 3, 15, tzinfo=UTC))


def build(settings: Settings, *, anew: bool = False) -> None:
    words = ["run", "--quiet", "--select", *BUILT]
    words += ["--full-refresh"] if anew else []
    run_dbt(settings, words, variables={"as_of": ""})


def contents(client: "Client") -> dict[str, list[dict[str, Any]]]:
    return {
        table: rows(client, f"select * from {table} order by all") for table in COMPARED
    }


@pytest.mark.parametrize(
    ("as_of", "months", "first_kept"),
    [
        (date(2026, 3, 15), 3, date(2025, 12, 1)),
        (date(2026, 3, 1), 3, date(2025, 12, 1)),
        (date(2026, 1, 31), 1, date(2025, 12, 1)),
        (date(2026, 3, 15), 25, date(2024, 2, 1)),
    ],
)
def test_the_horizon_is_the_first_of_a_month(
    as_of: date, months: int, first_kept: date
) -> None:
    assert horizon(as_of, months) == first_kept


def test_rows_go_with_their_copies_and_ids_stay(client: "Client") -> None:
    receive(client, OLD, "2025-11-30 23:59:59.999")
    # the same event once more, from a queue, under another name even
    receive(client, OLD, "2026-03-01 10:00:00", event_name="screen_viewed")
    receive(client, YOUNG, "2025-12-01 00:00:00")
    receive(client, PAID, "2020-01-01 10:00:00", event_name="payment_completed")

    overdue = due(client, taxonomy(), TODAY)
    gone = let_go(client, overdue, act())

    assert overdue == [Due("page_viewed", date(2025, 12, 1), 1)]
    assert gone == 2
    assert held(client) == [YOUNG, PAID]
    expired = rows(client, "select event_id from raw.expired_ids")
    assert [row["event_id"] for row in expired] == [OLD]
    assert rows(
        client, "select action, subject, done_by from ops.audit where action != ''"
    ) == [{"action": "retention", "subject": "page_viewed", "done_by": "keeper"}]
    # again: nothing is over, and nothing goes
    assert due(client, taxonomy(), TODAY) == []
    assert let_go(client, [], act()) == 0


def test_an_import_of_old_events_is_judged_by_when_they_happened(
    client: "Client",
) -> None:
    # known when it happened, loaded today
    receive(client, OLD, "2025-01-01 10:00:00", loaded_at="2026-03-15 10:00:00")

    let_go(client, due(client, taxonomy(), TODAY), act())

    assert held(client) == []


def test_what_was_killed_between_ids_and_rows_is_finished_by_the_next(
    client: "Client",
) -> None:
    receive(client, OLD, "2025-01-01 10:00:00")
    client.command(f"insert into raw.expired_ids values ('{OLD}', now64(3))")

    let_go(client, [], act())

    assert held(client) == []


@pytest.mark.timeout(600)
def test_a_late_copy_is_no_new_event_and_increments_equal_a_rebuild(
    settings: Settings, client: "Client"
) -> None:
    run_dbt(settings, ["seed", "--quiet"], variables={"as_of": ""})
    receive(client, OLD, "2025-11-01 10:00:00")
    receive(client, YOUNG, "2026-03-01 10:00:00")
    receive(client, PAID, "2026-03-01 10:05:00", user_id="bob")
    build(settings)
    before = rows(client, "select count() as events from marts_build.fct_events")

    let_go(client, due(client, taxonomy(), TODAY), act())
    build(settings)
    after = contents(client)
    # from a queue that was offline, in one load with a new event
    receive(client, OLD, "2026-03-10 10:00:00")
    receive(client, LATE, "2026-03-10 10:00:00")
    build(settings)
    increment = contents(client)
    build(settings, anew=True)
    rebuilt = contents(client)

    assert before == [{"events": 3}]
    assert {row["event_id"] for row in after["staging.stg_events"]} == {YOUNG, PAID}
    assert increment == rebuilt
    kept = {row["event_id"] for row in rebuilt["staging.stg_events"]}
    assert kept == {YOUNG, PAID, LATE}
    # the late copy goes with the next letting go
    assert let_go(client, [], act()) == 1
    assert OLD not in held(client)


def test_the_shipped_taxonomy_keeps_what_is_asked_for_long() -> None:
    kept = {e.name: e.keep_for_months for e in load().events.values()}

    assert kept["rolled"] == kept["page_viewed"] == 25
    assert kept["payment_completed"] is kept["consent_decided"] is None
