"""How Airflow is, from what its own health says and from its silence."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as families
from starlette.testclient import TestClient

from questlog.watch.airflow import health
from questlog.watch.exporter import application
from warehouse.settings import Settings

# as Airflow 3.3 answers with a scheduler that was killed, and without a triggerer
HEALTH: dict[str, Any] = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {
        "status": "unhealthy",
        "latest_scheduler_heartbeat": "2026-03-01T02:11:09.530161+00:00",
    },
    "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
    "dag_processor": {
        "status": "healthy",
        "latest_dag_processor_heartbeat": "2026-03-01T02:14:11.030161+00:00",
    },
}


@contextlib.contextmanager
def airflow(*, status: int = 200, body: bytes = b"") -> Iterator[str]:
    """The one route of its API that is asked."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.path == "/api/v2/monitor/health"
            self.send_response(status if is_known else 404)
            self.end_headers()
            self.wfile.write(body or json.dumps(HEALTH).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_a_dead_scheduler_is_told_and_what_is_not_run_is_left_out() -> None:
    with airflow() as address:
        assert health(address) == {
            "api": True,
            "metadatabase": True,
            "scheduler": False,
            "dag_processor": True,
        }


def test_silence_and_an_answer_of_somebody_else_are_an_api_that_is_away() -> None:
    with airflow(status=500) as broken, airflow(body=b"<html>") as another:
        gone = broken
        assert health(broken) == health(another) == {"api": False}
    assert health(gone) == {"api": False}


def test_the_exporter_tells_each_process_where_it_has_an_address(
    tmp_path: Path,
) -> None:
    def told(address: str) -> dict[str, float]:
        # nothing answers at port 1: only Airflow is asked about
        settings = Settings(home=tmp_path, airflow_url=address, endpoint_port=1)
        text = TestClient(application(settings)).get("/metrics").text
        return {
            sample.labels["process"]: sample.value
            for family in families(text)
            if family.name == "questlog_airflow_up"
            for sample in family.samples
        }

    with airflow() as address:
        assert told(address)["scheduler"] == 0
        assert told(address)["dag_processor"] == 1
    assert told("") == {}
