"""The audiences DAG, run for real: a task for each audience at each platform."""

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from activation.standins.google import running as google_running
from activation.standins.serving import running as graph_running
from questlog.stack.airflow import prepare
from tests.dags.test_models_run import DAY, environ_of, run_dag
from warehouse.clickhouse import connect
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import Settings
from warehouse.vault import Secret, open_vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NEXT_DAY = "2026-03-02"
NAMES = [f"p{number:03}" for number in range(120)]


def fill(settings: Settings) -> None:
    """People who consent, all scored."""
    with open_vault(settings) as vault:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        vault.tokens(
            [Secret(f"user:{n}", "email", f"{n}@example.com", at) for n in NAMES]
        )
    with connect(settings) as client:
        migrate(client)
        client.command("create database marts")
        client.command(
            "create table marts.dim_people (person_id String, country String,"
            " payments UInt32, advertising_consent Bool)"
            " engine = MergeTree order by person_id"
        )
        client.insert("marts.dim_people", [[name, "DE", 1, True] for name in NAMES])
        score(client, "ml.lifetime_values", DAY, NAMES)
        score(client, "ml.churn_scores", DAY, NAMES)


def score(client: "Client", table: str, day: str, names: Sequence[str]) -> None:
    column = {
        "ml.lifetime_values": "expected_value_minor",
        "ml.churn_scores": "churn_probability",
    }[table]
    client.insert(
        table,
        [[datetime.fromisoformat(day).date(), name, 0.5] for name in names],
        column_names=["as_of", "person_id", column],
    )


def members(graph: str, audience: str) -> int:
    state = requests.get(f"{graph}/_standin/state", timeout=60).json()
    return len(state["7"][audience])


def kept_by_airflow(settings: Settings) -> str:
    """All that its database holds of tasks' results and notes, as text."""
    path = Home(settings.home).airflow / "airflow.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        tables = [
            name
            for (name,) in database.execute(
                "select name from sqlite_master where type = 'table'"
            )
        ]
        return "".join(
            str(database.execute(f"select * from {name}").fetchall())
            for name in tables
            if name in {"xcom", "rendered_task_instance_fields", "dag_run_note"}
        )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_audience_at_each_platform_is_a_task_and_airflow_keeps_nobody(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Any]],
) -> None:
    with graph_running() as graph, google_running() as (endpoint, google):
        settings = replace(new_settings(), lookalike_country="DE")
        account = {
            "META_GRAPH_URL": graph,
            "META_ACCESS_TOKEN": "a-token",
            "META_AD_ACCOUNT_ID": "act_7",
            "GOOGLE_ENDPOINT": endpoint,
            "GOOGLE_DEVELOPER_TOKEN": "a-token",
            "GOOGLE_CUSTOMER_ID": "1234567890",
        }
        with run_endpoint(settings), pytest.MonkeyPatch.context() as patched:
            fill(settings)
            prepare(settings, os.environ | environ_of(settings))
            for name, value in account.items():
                patched.setenv(name, value)

            states, said = run_dag("audiences", settings)
            # of the next day churn scores nearly nobody, so that `at_risk` shrinks
            with connect(settings) as client:
                score(client, "ml.lifetime_values", NEXT_DAY, NAMES)
                score(client, "ml.churn_scores", NEXT_DAY, NAMES[:20])
            at_risk = members(graph, "Questlog at_risk")
            bad, told = run_dag("audiences", settings, NEXT_DAY)
            assert members(graph, "Questlog at_risk") == at_risk

        state = requests.get(f"{graph}/_standin/state", timeout=60).json()["7"]
        there = google.state.members("1234567890", "Questlog value_seed")
    assert set(states.values()) == {"success"}, said[-3000:]
    # the audience that is bad is kept back at both platforms, and no other is
    assert {name for name, state in bad.items() if state != "success"} == {
        "gate",
        "push at_risk at meta",
        "push at_risk at google",
    }, told[-3000:]
    assert "closed for at_risk on 2026-03-02: audience_has_not_gravely_shrunk" in told
    assert len(state["Questlog value_seed"]) == len(there) == len(NAMES)
    kept = kept_by_airflow(settings)
    secrets = [f"{n}@example.com" for n in NAMES]
    secrets += [hashlib.sha256(one.encode()).hexdigest() for one in secrets]
    assert "value_seed" in kept
    assert [one for one in secrets if one in kept + said] == []
    assert "value_seed at google: delivered; 120 sent, 120 held" in said
