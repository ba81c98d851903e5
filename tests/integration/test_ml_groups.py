"""Segments, health, lookalikes and interventions between the tables, on an engine."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from subprocess import Popen
from typing import TYPE_CHECKING

import pytest

from ml.churn import training as churn
from ml.health import warehoused as health
from ml.interventions import warehoused as interventions
from ml.lookalikes import warehoused as lookalikes
from ml.segments import warehoused as segments
from tests.integration.feature_tables import AS_OF, PEOPLE, STEP, fill
from warehouse.clickhouse import connect, rows
from warehouse.errors import NotEnoughData
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Popen[bytes]]],
) -> Iterator[Settings]:
    """An engine of this file's own: it makes feature tables by hand."""
    made = new_settings()
    with run_endpoint(made), connect(made) as client:
        migrate(client)
        client.command("create database features")
        client.command("create database marts")
        yield made


@pytest.fixture
def client(settings: Settings) -> "Iterator[Client]":
    """A client of that engine, its feature tables filled afresh."""
    with connect(settings) as connected:
        fill(connected)
        yield connected


SILENT_ONES = {f"person-{one}" for one in range(0, 390, 3)}


def consents(client: "Client", *, denied: set[str]) -> None:
    """Publish who consents to personalisation: everybody but these."""
    client.command(
        "create or replace table marts.dim_people"
        " (person_id String, personalisation_consent Bool)"
        " engine = MergeTree order by person_id"
    )
    people = [f"person-{one}" for one in range(PEOPLE)]
    client.insert("marts.dim_people", [[who, who not in denied] for who in people])


def test_without_marts_that_say_who_consents_nobody_is_chosen(
    client: "Client",
) -> None:
    client.command("drop table if exists marts.dim_people")

    with pytest.raises(NotEnoughData, match="who consents to personalisation"):
        interventions.decide(client, AS_OF)


def test_segments_health_and_lookalikes_of_a_day_are_written_in_place(
    client: "Client",
) -> None:
    client.command("truncate table activation.audience_members")
    client.insert(
        "activation.audience_members",
        [[AS_OF, "best", f"person-{one}", 1.0, True, ""] for one in range(90)],
        column_names=[
            *("as_of", "audience", "person_id", "value", "sendable"),
            "withheld_because",
        ],
    )
    sizes = segments.run(client, AS_OF)
    for _ in range(2):
        scored = health.score(client, AS_OF)
        found = lookalikes.score(client, "best", AS_OF)

    counted = {
        table: rows(client, f"select count() as n from ml.{table}")[0]["n"]
        for table in ("segments", "health_scores", "lookalike_scores")
    }
    parts = rows(client, "select health, parts from ml.health_scores limit 9")
    assert sum(size.people for size in sizes if size.method == "kmeans") == 390
    assert counted == {
        "segments": sum(size.people for size in sizes),
        "health_scores": scored,
        "lookalike_scores": 300,
    }
    assert [sum(row["parts"].values()) for row in parts] == pytest.approx(
        [row["health"] for row in parts]
    )
    assert not found.beats_chance


def test_lookalikes_of_an_audience_nobody_chose_are_refused(client: "Client") -> None:
    with pytest.raises(NotEnoughData, match="No audience 'strangers' has members"):
        lookalikes.score(client, "strangers", AS_OF)


def test_a_trigger_fires_on_a_crossing_alone_and_its_effect_is_measured(
    client: "Client", settings: Settings
) -> None:
    before, tables = AS_OF - STEP, ("churn_scores", "health_scores", "segments")
    for table in (*tables, "interventions"):
        client.command(f"truncate table ml.{table}")
    consents(client, denied=SILENT_ONES)
    model = churn.train(client, settings, before - STEP)
    with pytest.raises(NotEnoughData, match="which trigger likely_to_leave reads"):
        interventions.decide(client, before)
    for day in (before - STEP, before):
        churn.score(client, settings, model, day)
        health.score(client, day)
        declining = [f"person-{one}" for one in range(3 * day.month)]
        client.insert(
            "ml.segments",
            [[day, "defined", "at_risk", who] for who in declining],
            column_names=["as_of", "method", "segment", "person_id"],
        )

    first = interventions.decide(client, before - STEP)
    decided = interventions.decide(client, before)
    again = interventions.decide(client, before)

    fired = rows(client, "select as_of, person_id, arm from ml.interventions")
    sent = interventions.written_to(client, before)
    told = interventions.uplifts(client, AS_OF)
    assert set(first.values()) == {0}
    assert decided == again
    assert len({row["person_id"] for row in fired}) == len(fired) > 0
    assert len(sent) == sum(row["arm"] == "written_to" for row in fired) < len(fired)
    assert not SILENT_ONES & {row["person_id"] for row in fired}
    consents(client, denied={sent[0]["person_id"]})
    assert interventions.written_to(client, before) == sent[1:]
    assert sum(each.written_to + each.held_out for each in told) == len(fired)
