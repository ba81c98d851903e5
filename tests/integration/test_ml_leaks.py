"""No score of a day knows what came later; one that does is named."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import pytest

from ml.churn import training as churn
from ml.early_churn import training as early_churn
from ml.health import warehoused as health
from ml.lifetime_value import training as lifetime_value
from ml.lookalikes import warehoused as lookalikes
from ml.segments import warehoused as segments
from tests.integration.feature_tables import AS_OF, SPINE, STEP, fill, fill_newcomers
from warehouse.clickhouse import connect, rows
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

LEAKING = "default.leaking_scores"
SCORED = (
    *("ml.churn_scores", "ml.churn_reasons", "ml.early_churn_scores"),
    *("ml.lifetime_values", "ml.health_scores", "ml.segments"),
    *("ml.segment_figures", "ml.lookalike_scores", LEAKING),
)
Written = dict[str, list[str]]


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
        yield made


def written(client: "Client", settings: Settings) -> Written:
    """Every table of scores, once every room has judged the day."""
    for room in (churn, early_churn, lifetime_value):
        room.score(client, settings, room.train(client, settings, AS_OF), AS_OF)
    health.score(client, AS_OF)
    segments.run(client, AS_OF)
    lookalikes.score(client, "seed", AS_OF)
    # a score that is the outcome under another name
    client.command(
        f"create or replace table {LEAKING} engine = MergeTree order by person_id as"
        " select as_of, person_id, active_events = 0 as chance"
        " from features.feat_outcomes where as_of = {day:Date}",
        parameters={"day": AS_OF},
    )
    return {table: _rows(client, table) for table in SCORED}


def _rows(client: "Client", table: str) -> list[str]:
    """What a table holds of the day, but for when it was written."""
    database, _, name = table.partition(".")
    columns = rows(
        client,
        "select name from system.columns where database = {database:String}"
        " and table = {name:String} and default_expression not like 'now%'",
        {"database": database, "name": name},
    )
    named = ", ".join(str(row["name"]) for row in columns)
    found = rows(
        client,
        f"select {named} from {table} where as_of = {{day:Date}}",
        {"day": AS_OF},
    )
    return sorted(str(row) for row in found)


def choose(client: "Client", day: date, remainder: int) -> None:
    """An audience of a quarter of all people, another on each day."""
    client.command(
        "insert into activation.audience_members (as_of, audience, person_id)"
        " select {day:Date}, 'seed', person_id from features.feat_people"
        " where as_of = {known:Date} and cityHash64(person_id) % 4 = {rest:UInt8}",
        parameters={"day": day, "known": AS_OF, "rest": remainder},
    )


def forget_the_future(client: "Client") -> None:
    """What nobody could know on the day: outcomes, and who came later."""
    for table, later in {
        "feat_outcomes": "as_of + 28 > {day:Date}",
        "feat_newcomers": "as_of_moment > toDateTime64({day:Date}, 3, 'UTC')",
        "feat_newcomer_outcomes": "as_of_moment + toIntervalDay(10)"
        " > toDateTime64({day:Date}, 3, 'UTC')",
    }.items():
        _change(client, f"alter table features.{table} delete where {later}")


def invent_the_future(client: "Client") -> None:
    """All that came later, and the opposite of what outcomes were."""
    fill(client, [*SPINE, AS_OF + STEP, AS_OF - STEP + timedelta(days=3)])
    fill_newcomers(client)
    choose(client, AS_OF + STEP, 2)
    _change(
        client,
        "alter table features.feat_outcomes update is_complete = true,"
        " active_events = 1 - least(active_events, 1), revenue_minor = 999999"
        " where as_of + 28 > {day:Date}",
    )
    _change(
        client,
        "alter table features.feat_newcomer_outcomes update is_complete = true,"
        " active_events = 1 - least(active_events, 1) where as_of_moment"
        " + toIntervalDay(10) > toDateTime64({day:Date}, 3, 'UTC')",
    )


def _change(client: "Client", statement: str) -> None:
    settings: dict[str, Any] = {"mutations_sync": 2}
    client.command(statement, parameters={"day": AS_OF}, settings=settings)


def test_scores_that_know_the_future_are_named_and_no_others(
    settings: Settings,
) -> None:
    with connect(settings) as client:
        fill(client)
        fill_newcomers(client)
        choose(client, AS_OF, 1)
        forget_the_future(client)
        before = written(client, settings)

        invent_the_future(client)
        after = written(client, settings)

    assert all(before[table] for table in SCORED if table != LEAKING)
    assert [table for table in SCORED if before[table] != after[table]] == [LEAKING]
