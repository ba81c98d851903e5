"""A bad row closes a gate, and everybody who should see it does, in one run.

The whole local stack, Airflow's three processes, a real Prometheus, a real
Alertmanager with its three channels, and a browser.
"""

import contextlib
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from questlog.stack.airflow import USER, Api, password
from questlog.stack.local import running
from questlog.stack.watching import watching
from tests.end_to_end.browser import browsing, needs_chromium
from tests.integration.alerting_standins import Received, eventually, receiving
from tests.integration.alertmanager_process import (
    needs_alertmanager,
    running_alertmanager,
    told_to,
)
from warehouse.clickhouse import connect, rows
from warehouse.home import Home
from warehouse.ports import free_port
from warehouse.settings import Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    needs_alertmanager,
    needs_chromium,
]

DAY = date(2026, 3, 1)
GOOD = "00000000-0000-4000-8000-000000000001"
BAD = "00000000-0000-4000-8000-000000000002"


@dataclass(frozen=True)
class Watched:
    settings: Settings
    received: Received
    states: dict[str, str]


def an_event(**changed: str) -> dict[str, str]:
    moment = "2026-02-01 10:00:00.000"
    clocks = dict.fromkeys(
        ("occurred_at", "received_at", "loaded_at", "known_at"), moment
    )
    texts = dict.fromkeys(("properties", "context", "user_properties"), "{}")
    event = {"event_id": GOOD, "event_name": "page_viewed", "user_id": "ann"}
    return event | clocks | texts | changed


@pytest.fixture(scope="module")
def watched(
    new_settings: Callable[[], Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    ports = (
        *("ingest_port", "airflow_port", "pages_port", "metrics_port"),
        *("graph_standin_port", "google_standin_port", "google_standin_page_port"),
        "loader_port",
        *("prometheus_port", "alertmanager_port"),
    )
    own = {name: free_port() for name in ports}
    with receiving() as received:
        settings = told_to(received, replace(new_settings(), **own))
        folder = tmp_path_factory.mktemp("alertmanager")
        with running_alertmanager(settings, folder) as address:
            settings = replace(
                settings,
                alertmanager_url=address,
                alertmanager_port=int(address.rpartition(":")[2]),
            )
            with running(settings, os.environ) as stack:
                prometheus = [s for s in watching(settings) if s.name == "prometheus"]
                stack.start(prometheus)
                with connect(settings) as client:
                    events = [an_event(), an_event(event_id=BAD, event_name="petted")]
                    client.raw_insert(
                        "raw.events",
                        insert_block="\n".join(map(json.dumps, events)).encode(),
                        fmt="JSONEachRow",
                    )
                *_, states = Api(settings).run("models", DAY)
                yield Watched(settings, received, states)


def test_a_closed_gate_is_seen_in_airflow_in_data_docs_and_by_who_is_on_call(
    watched: Watched, tmp_path: Path
) -> None:
    # the run stopped exactly there
    assert watched.states["gate_staging"] == "failed"
    assert watched.states["publish_marts"] == "upstream_failed"

    # by who is on call: one message, from the red task and from the figures
    def told() -> list[dict[str, Any]]:
        return [
            message
            for message in watched.received.at("/hook")
            if message["groupLabels"] == {"alertname": "GateClosed"}
        ]

    first = eventually(told, what="the webhook")[0]["alerts"][0]
    assert first["labels"]["task"] == "gate_staging"
    assert f"event_name_is_planned_or_tagged: 1 row, such as {BAD}" in str(first)
    assert first["annotations"]["runbook"] == "docs/runbooks/gate-closed.md"
    eventually(
        lambda: (
            {"gate": "staging"}.items() <= told()[-1]["alerts"][-1]["labels"].items()
            or any("gate" in one["labels"] for one in told()[-1]["alerts"])
        ),
        what="the figure of the gate, by Prometheus",
    )
    assert any("GateClosed" in mail for mail in watched.received.mails)

    # in Data Docs, over the pages' own address
    pages = f"http://127.0.0.1:{watched.settings.pages_port}/data-docs/"
    index = requests.get(pages, timeout=60)
    assert index.ok
    docs = Home(watched.settings.home).data_docs / "staging"
    assert any(
        "event_name_is_planned_or_tagged" in page.read_text()
        and BAD in page.read_text()
        for page in docs.rglob("*.html")
    )

    # in Airflow's UI, by a browser
    airflow = f"http://127.0.0.1:{watched.settings.airflow_port}"
    login = {"username": USER, "password": password(watched.settings)}
    token = requests.post(f"{airflow}/auth/token", json=login, timeout=30).json()
    with browsing(tmp_path) as page:
        cookies = {"_token": token["access_token"]}
        page.open(f"{airflow}/dags/models/tasks/gate_staging", cookies=cookies)
        page.wait_for("gate_staging", "Failed")
        picture = page.picture(tmp_path / "gate.png")
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_a_run_past_its_deadline_is_told_by_airflow_itself(watched: Watched) -> None:
    path = Home(watched.settings.home).airflow / "airflow.db"
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as database:
        # nobody waits fifty minutes here: the scheduler finds it at its next look
        moved = database.execute(
            "update deadline set deadline_time = '2026-03-01 00:00:00.000000'"
            " where not missed"
        )
        database.commit()
    assert moved.rowcount >= 1

    late = eventually(
        lambda: [
            message
            for message in watched.received.at("/hook")
            if message["groupLabels"] == {"alertname": "DeadlineMissed"}
        ],
        what="that it is late",
    )[0]["alerts"][0]

    assert late["labels"]["dag"] == "models"
    assert late["annotations"]["summary"] == (
        "A run of the DAG models is past its deadline."
    )
    assert late["annotations"]["runbook"] == "docs/runbooks/dag-failed.md"


def test_airflow_and_the_loader_are_well_by_their_figures(watched: Watched) -> None:
    settings = watched.settings
    figures = requests.get(
        f"http://127.0.0.1:{settings.metrics_port}/metrics", timeout=10
    ).text
    targets = requests.get(
        f"http://127.0.0.1:{settings.prometheus_port}/api/v1/targets", timeout=10
    ).json()["data"]["activeTargets"]

    well = set(re.findall(r'questlog_airflow_up{process="(\w+)"} 1.0', figures))
    assert well == {"api", "metadatabase", "scheduler", "dag_processor"}
    ill = {one["labels"]["job"] for one in targets if one["health"] == "down"}
    # it was started beside the stack, at a port of its own
    assert ill <= {"alertmanager"}
    assert {"door", "loader", "clickhouse"} <= {one["labels"]["job"] for one in targets}


def test_the_alert_ends_when_the_row_is_mended_and_the_task_succeeds(
    watched: Watched,
) -> None:
    with connect(watched.settings) as client:
        client.command(
            "alter table raw.events delete where event_id = {bad:UUID}"
            " settings mutations_sync = 2",
            parameters={"bad": BAD},
        )
        assert rows(client, "select count() as n from raw.events") == [{"n": 1}]
    states: dict[str, str] = {}
    # of another day: a run of a day is made once
    for states in Api(watched.settings).run("models", DAY + timedelta(days=1)):
        if states.get("gate_staging") == "success":
            break

    assert states["gate_staging"] == "success"
    ended = eventually(
        lambda: [
            one
            for message in watched.received.at("/hook")
            for one in message["alerts"]
            if one["status"] == "resolved" and one["labels"].get("task")
        ],
        what="that it is over",
    )
    assert ended[0]["labels"]["alertname"] == "GateClosed"
