"""OpenLineage events: valid, to a backend or a file, and never with what a run held."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.alerting_standins import receiving
from tests.integration.openlineage import faults, written
from warehouse.errors import GateClosed
from warehouse.lineage.columns import ROWS, Column
from warehouse.lineage.events import Assertion, Dataset, Ended, Job, run_event
from warehouse.lineage.telling import told
from warehouse.settings import Settings

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
SERVER = "clickhouse://127.0.0.1:18123"


def an_assertion() -> Assertion:
    return Assertion(name="unique", success=False, severity="stop", column="id")


def an_event(**changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "inputs": [
            Dataset(
                table="marts_build.fct_events",
                assertions=[
                    Assertion(
                        name="unique", success=False, severity="stop", column="id"
                    ),
                    Assertion(name="not_late", success=True, severity="warn"),
                ],
            )
        ],
        "outputs": [
            Dataset(
                table="marts.fct_events",
                rows=7,
                columns={
                    "id": [Column("raw.events", "event_id")],
                    "events": [Column("raw.events", ROWS)],
                },
            )
        ],
    } | changed
    parent = Job(name="build.marts", kind="BUILD")
    job = Job(name="gate.marts", kind="GATE", parent=(parent.run_id, parent.name))
    ended = Ended(state="FAIL", at=AT, because="2 expectations failed")
    return run_event(job, ended, server=SERVER, **made)


def test_an_event_is_one_of_the_specification() -> None:
    assert faults(an_event()) == []


@pytest.mark.parametrize("missing", ["run", "job", "eventTime", "producer"])
def test_the_facts_refuse_what_the_specification_does(missing: str) -> None:
    event = an_event()
    del event[missing]

    assert faults(event)


def test_an_event_says_what_was_expected_and_what_columns_are_made_of() -> None:
    event = an_event()
    asserted = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    facets = event["outputs"][0]["facets"]

    assert asserted == [
        {"assertion": "unique", "success": False, "severity": "error", "column": "id"},
        {"assertion": "not_late", "success": True, "severity": "warn"},
    ]
    # rows have no field to name
    assert facets["columnLineage"]["fields"] == {
        "id": {
            "inputFields": [
                {"namespace": SERVER, "name": "raw.events", "field": "event_id"}
            ]
        }
    }
    assert event["run"]["facets"]["parent"]["job"]["name"] == "build.marts"


def test_without_a_backend_events_lie_in_the_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    with told(settings, Job(name="publish.marts", kind="PUBLICATION")) as run:
        run.outputs = [Dataset(table="marts.fct_events", rows=7)]
    began, ended = written(tmp_path / "lineage" / "events.jsonl")

    assert (began["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert began["run"]["runId"] == ended["run"]["runId"]
    assert ended["outputs"][0]["name"] == "marts.fct_events"
    assert faults(began) == faults(ended) == []


def test_a_failure_is_told_in_our_own_words_only(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)

    with (
        pytest.raises(GateClosed),
        told(settings, Job(name="a", kind="GATE")),
    ):
        raise GateClosed("The gate marts is closed.")
    with (
        pytest.raises(ValueError, match="ann@example"),
        told(settings, Job(name="b", kind="GATE")),
    ):
        raise ValueError("ann@example.org cannot be read")
    events = written(tmp_path / "lineage" / "events.jsonl")
    said = [e["run"]["facets"]["errorMessage"]["message"] for e in events[1::2]]

    assert said == ["The gate marts is closed.", "ValueError"]
    assert [e["eventType"] for e in events[1::2]] == ["FAIL", "FAIL"]


def test_a_service_that_is_told_to_stop_has_not_failed(tmp_path: Path) -> None:
    with (
        pytest.raises(SystemExit),
        told(Settings(home=tmp_path), Job(name="load", kind="SERVICE")),
    ):
        raise SystemExit(0)

    assert written(tmp_path / "lineage" / "events.jsonl")[-1]["eventType"] == "COMPLETE"


def test_a_backend_gets_the_events_and_what_it_misses_is_kept(tmp_path: Path) -> None:
    with receiving() as received:
        settings = Settings(home=tmp_path, lineage_url=received.http)

        with told(settings, Job(name="a", kind="GATE")):
            pass

        assert len(received.at("/api/v1/lineage")) == 2
        assert not (tmp_path / "lineage").exists()

    away = replace(settings, lineage_url="http://127.0.0.1:1")
    with told(away, Job(name="a", kind="GATE")):
        pass

    assert len(written(tmp_path / "lineage" / "events.jsonl")) == 2


def test_a_home_that_cannot_be_written_stops_no_work(tmp_path: Path) -> None:
    (tmp_path / "lineage").write_text("a file where the folder should be")

    with told(Settings(home=tmp_path), Job(name="load", kind="SERVICE")):
        done = True

    assert done
