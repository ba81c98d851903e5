"""The gates on an engine: a closed one says why, and shows nobody's values."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from expectations.gates import check, inspect
from tests.integration.gates.faults import (
    broken,
)
from tests.integration.gates.warehouse import (
    DAY,
    EVENT,
    FEATURES,
    OUTCOMES,
    TABLES,
    RunEndpoint,
    insert,
)
from warehouse.clickhouse import rows
from warehouse.errors import GateClosed, MigrationFailed, Unavailable
from warehouse.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Great Expectations reads a module that Python 3.11 calls old
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")


def test_a_closed_gate_names_the_rows_and_leaves_its_results(
    sound: "Client", settings: Settings
) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})

    with pytest.raises(GateClosed) as closed:
        check("staging", DAY, settings)

    assert f"person_is_present: 1 row, such as {EVENT}" in str(closed.value)
    (kept,) = rows(
        sound,
        "select * from ops.gate_results where not success"
        " and expectation = 'person_is_present' order by checked_at desc limit 1",
    )
    assert kept["gate"] == "staging"
    assert kept["as_of"] == DAY
    assert kept["suite"] == "staging.stg_events"
    assert kept["expectation"] == "person_is_present"
    assert kept["column_name"] == "user_id, anonymous_id"
    assert kept["checked_rows"] == 2
    assert kept["unexpected_rows"] == 1
    assert kept["sample_keys"] == [EVENT]


def test_data_docs_show_the_rule_offline_and_no_login(
    sound: "Client", settings: Settings
) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})

    report = inspect("staging", DAY, settings)

    (page,) = report.data_docs.glob("validations/staging/stg_events/**/*.html")
    text = page.read_text()
    assert "Every event belongs to a user or to a device." in text
    assert re.findall(r"(?:src=|url\(|<link [^>]*href=)\W?https?:", text) == []
    assert "<script" not in text
    assert "clickhousedb://" not in text
    assert EVENT in (report.data_docs / "index.html").read_text()


def test_no_value_but_the_key_of_a_bad_row_is_shown(
    sound: "Client", settings: Settings
) -> None:
    secret = {"properties": "{ann@example.org", "event_id": EVENT}
    insert(sound, "staging.stg_events", secret)

    report = inspect("staging", DAY, settings)

    shown = [json.dumps(report.as_json())]
    shown += [page.read_text() for page in report.data_docs.rglob("*.html")]
    assert not any("ann@example.org" in text for text in shown)


def test_a_table_that_was_never_built_closes_the_gate_and_says_what_to_run(
    sound: "Client", settings: Settings
) -> None:
    sound.command("rename table staging.stg_payments to staging.gone")
    try:
        with pytest.raises(GateClosed, match="does not exist; build it with"):
            check("staging", DAY, settings)
    finally:
        sound.command("rename table staging.gone to staging.stg_payments")


def test_a_column_that_is_gone_closes_the_gate_with_the_engines_reason(
    sound: "Client", settings: Settings
) -> None:
    sound.command("alter table staging.stg_payments rename column event_id to id")
    try:
        with pytest.raises(GateClosed, match=r"could not be judged \(UNKNOWN_"):
            check("staging", DAY, settings)
    finally:
        sound.command("alter table staging.stg_payments rename column id to event_id")


def test_an_empty_warehouse_lets_pass_with_a_warning(
    sound: "Client", settings: Settings
) -> None:
    for table in TABLES:
        sound.command(f"truncate table {table}")

    staging, marts = (inspect(gate, DAY, settings) for gate in ("staging", "marts"))

    assert staging.open
    assert [result.expectation for result in staging.warnings] == ["events_are_present"]
    assert marts.stops == ()


def test_staging_that_lost_what_raw_has_is_stopped(sound: "Client") -> None:
    sound.command("truncate table staging.stg_events")
    insert(sound, "raw.events", {"event_id": EVENT, "event_name": "page_viewed"})
    try:
        assert "events_were_not_lost" in broken(sound, "staging")
    finally:
        sound.command("truncate table raw.events")


def test_marts_may_not_be_empty_while_there_are_events(sound: "Client") -> None:
    sound.command("truncate table marts_build.fct_sessions")
    sound.command("truncate table marts_build.dim_people")

    assert {"sessions_are_present", "people_are_present"} <= broken(sound, "marts")


def test_features_of_another_day_are_not_those_of_the_day(sound: "Client") -> None:
    for table in (FEATURES, OUTCOMES):
        sound.command(f"truncate table {table}")
        insert(sound, table, {"as_of": "2026-02-01"})

    assert broken(sound, "features") == {"as_of_is_present"}


def test_a_warehouse_without_its_own_tables_is_told_to_migrate(
    new_settings: Callable[[], Settings], run_endpoint: RunEndpoint
) -> None:
    bare = new_settings()

    with run_endpoint(bare), pytest.raises(MigrationFailed, match="questlog migrate"):
        check("staging", DAY, bare)


def test_a_warehouse_that_is_away_may_be_tried_again(
    new_settings: Callable[[], Settings],
) -> None:
    with pytest.raises(Unavailable, match="No ClickHouse answers"):
        check("staging", DAY, new_settings())


def test_the_command_prints_json_and_ends_with_one_when_closed(
    sound: "Client", settings: Settings
) -> None:
    insert(sound, "staging.stg_events", {"event_id": EVENT, "user_id": ""})

    done = subprocess.run(
        [
            *(sys.executable, "-m", "questlog"),
            *("gate", "staging", "--as-of", "2026-03-01", "--json"),
        ],
        cwd=REPOSITORY,
        env=os.environ
        | {
            "QUESTLOG_HOME": str(settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert json.loads(done.stdout)["open"] is False
    assert "person_is_present: 1 row" in done.stderr
