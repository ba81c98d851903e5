"""What the watch tells of batches, from the tables they leave, and to Prometheus."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as families
from starlette.testclient import TestClient

from ingestion.breaker import Breaker
from ingestion.loader_metrics import LoaderMetrics
from ingestion.serving import opened
from questlog.stack.pages import pages
from questlog.watch.exporter import application
from tests.runbooks import PAGES
from warehouse.clickhouse import connect, rows
from warehouse.latency import note_latency
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

RULES = REPOSITORY / "deploy" / "prometheus" / "rules.yml"
PROMETHEUS_OWN = {"up"}

FILLED = (Path(__file__).parent / "watch_rows.sql").read_text()


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Any]],
) -> Iterator[Settings]:
    made = new_settings()
    with run_endpoint(made):
        yield made


def told(settings: Settings) -> dict[str, dict[tuple[str, ...], float]]:
    """The values that Prometheus reads, by metric and label values."""
    text = TestClient(application(settings)).get("/metrics").text
    return {
        family.name: {
            tuple(sample.labels.values()): sample.value for sample in family.samples
        }
        for family in families(text)
    }


def test_a_warehouse_that_is_away_or_empty_is_told_as_such(
    new_settings: Callable[[], Settings], settings: Settings
) -> None:
    away = told(new_settings())
    empty = told(settings)

    assert away["questlog_warehouse_up"] == {(): 0.0}
    assert "questlog_gate_open" not in away
    assert empty["questlog_warehouse_up"] == {(): 1.0}
    assert empty["questlog_source_limit_seconds"] == {("raw.events",): 24 * 3600}


def test_batches_are_told_by_their_last_run(settings: Settings) -> None:
    with connect(settings) as client:
        migrate(client)
        for statement in FILLED.split(";"):
            client.command(statement)
    found = told(settings)

    assert found["questlog_gate_open"] == {
        ("audiences",): 0.0,
        ("marts",): 1.0,
        ("staging",): 0.0,
    }
    assert found["questlog_gate_stops"][("staging",)] == 1.0
    assert found["questlog_gate_stops"][("marts",)] == 0.0
    assert found["questlog_gate_warnings"][("marts",)] == 1.0
    assert found["questlog_gate_part_stops"] == {("audiences", "at_risk"): 2.0}
    assert found["questlog_published_rows"][("marts.fct_events",)] == 7.0
    assert found["questlog_published_limit_seconds"] == {
        ("marts.fct_events",): 3 * 3600,
        ("marts.fct_payments",): 2 * 3600,
    }
    assert found["questlog_model_drift"] == {("churn",): 0.3}
    # a rehearsal says nothing of what the platform has
    assert found["questlog_audience_failed"] == {("at_risk", "meta"): 1.0}
    assert found["questlog_build_seconds"] == {
        ("intermediate",): 30.0,
        ("marts",): 30.0,
    }
    assert found["questlog_build_failed_nodes"][("marts",)] == 1.0


def staged(client: "Client", *, load: str, seconds_old: int, imported: bool) -> None:
    client.command(
        "insert into raw.events (event_id, event_name, occurred_at, received_at,"
        " loaded_at, known_at, clock_offset_ms, imported)"
        f" select generateUUIDv4(), 'rolled', now64(3) - {seconds_old + 600},"
        f" now64(3) - {seconds_old}, '{load}', now64(3), 60000, {imported}"
        " from numbers(20)"
    )
    client.command(f"insert into staging.stg_loads values ('{load}', 20)")


def test_latency_is_of_what_a_publication_brought_and_not_of_imports(
    settings: Settings,
) -> None:
    with connect(settings) as client:
        migrate(client)
        note_latency(client)
        client.command("create database staging")
        client.command(
            "create table staging.stg_loads (loaded_at DateTime64(3, 'UTC'),"
            " copies UInt64) engine = MergeTree order by loaded_at"
        )
        staged(client, load="2026-03-01 10:00:00", seconds_old=9000, imported=True)
        note_latency(client)
        staged(client, load="2026-03-01 11:00:00", seconds_old=300, imported=False)
        note_latency(client)
        # nothing new: nothing to tell
        note_latency(client)
        found = rows(client, "select * from ops.latencies")

    assert len(found) == 1
    assert found[0]["events"] == 20
    assert 300 <= found[0]["receipt_p95_s"] < 330
    # the device's clock is a minute behind, and is corrected
    assert 840 <= found[0]["occurrence_p95_s"] < 870
    assert told(settings)["questlog_latency_p95_seconds"][("receipt",)] >= 300


def test_every_figure_that_an_alert_or_a_picture_asks_for_is_told(
    settings: Settings,
) -> None:
    with_airflow = replace(settings, airflow_url="http://127.0.0.1:1")
    with opened(settings, lambda: datetime.now(UTC)) as door:
        of_the_door = door.metrics.exposed().decode()
    texts = [
        of_the_door,
        generate_latest(LoaderMetrics(Breaker(lambda: 1.0)).registry).decode(),
        TestClient(application(with_airflow)).get("/metrics").text,
        TestClient(pages(settings)).get("/metrics").text,
    ]
    exposed = {
        name
        for text in texts
        for name in re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)
    }

    assert asked_for() - PROMETHEUS_OWN - exposed == set()
    # a page may name the beginning that several have in common
    assert {
        name for name in read_of() if not any(n.startswith(name) for n in exposed)
    } == set()


def read_of() -> set[str]:
    """The figures that pages name, those of people on call first."""
    pages = [*PAGES, *(REPOSITORY / "docs" / name for name in ("door.md", "alerts.md"))]
    text = "\n".join(page.read_text() for page in pages)
    return {name.strip("_") for name in re.findall(r"\bquestlog_[a-z_]+", text)}


def asked_for() -> set[str]:
    """The metrics of all rules and dashboards; of a histogram, its own name."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    queries = [rule["expr"] for group in groups for rule in group["rules"]]
    for dashboard in (REPOSITORY / "deploy" / "grafana").rglob("*.json"):
        queries += re.findall(r'"expr": "((?:[^"\\]|\\.)*)"', dashboard.read_text())
    names = {
        name
        for query in queries
        for name in re.findall(r"\bquestlog_\w+|\bup\b", query)
    }
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def test_a_service_counts_its_answers(settings: Settings) -> None:
    client = TestClient(pages(settings))

    client.get("/")
    client.get("/nowhere")
    text = client.get("/metrics").text

    assert 'requests_total{service="pages",status="2xx"} 1.0' in text
    assert 'requests_total{service="pages",status="4xx"} 1.0' in text
    assert "process_resident_memory_bytes" in text
