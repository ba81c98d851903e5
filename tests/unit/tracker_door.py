"""A real door on loopback, for the real trackers of others to be pointed at."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from ingestion.app import Service, application
from tests.unit import door

RULES, NOW = door.RULES, door.NOW
TAXONOMY = RULES.schemas.taxonomy


@dataclass(frozen=True)
class TrackerDoor:
    """A service in a folder of its own with a planned key, and one that is open."""

    service: Service
    key: str
    open_key: str

    @property
    def client(self) -> TestClient:
        return TestClient(application(self.service), raise_server_exceptions=False)

    def accepted(self) -> list[dict[str, Any]]:
        """What was let in, oldest first, its objects read."""
        return [_read(row) for row in self._rows("accepted")]

    def refused(self) -> list[dict[str, Any]]:
        return self._rows("refused")

    def _rows(self, kind: str) -> list[dict[str, Any]]:
        records = self.service.keeping.log.read(0, limit=10_000).records
        return [row for one in records if one.kind == kind for row in one.named()]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    objects = ("properties", "context", "user_properties")
    return row | {key: json.loads(row[key]) for key in objects}


@contextmanager
def a_door(folder: Path, *, real_time: bool = False) -> Iterator[TrackerDoor]:
    with door.a_door(folder) as found:
        one = found.but(now=lambda: datetime.now(UTC)) if real_time else found
        yield TrackerDoor(one.service, key=one.planned, open_key=one.open)


@contextmanager
def served(one: TrackerDoor) -> Iterator[int]:
    """The port on which the door listens, over real HTTP."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application(one.service), log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)
