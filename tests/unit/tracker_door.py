"""A real door on loopback, for the real trackers of others to be pointed at."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from ingestion.app import Service, application
from ingestion.consent import Standing
from ingestion.door import Keeping
from ingestion.judging import Rules
from ingestion.keys import KeyRing, add
from ingestion.metrics import Metrics
from ingestion.segments import SegmentLog
from warehouse.taxonomy import load
from warehouse.vault import Vault

TAXONOMY = load()
RULES = Rules.of(TAXONOMY)
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


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
        return [json.loads(one.row) for one in records if one.kind == kind]


def _read(row: dict[str, Any]) -> dict[str, Any]:
    objects = ("properties", "context", "user_properties")
    return row | {key: json.loads(row[key]) for key in objects}


@contextmanager
def a_door(folder: Path, *, real_time: bool = False) -> Iterator[TrackerDoor]:
    keys = folder / "write_keys.json"
    with (
        closing(SegmentLog.open(folder / "log")) as log,
        Vault.open(folder / "vault" / "vault.sqlite", b"k" * 32) as vault,
        ThreadPoolExecutor(2) as writers,
    ):
        service = Service(
            rules=RULES,
            keeping=Keeping(log, vault, Standing(vault, allowed_by_default=True)),
            keys=KeyRing(keys),
            metrics=Metrics(log_position=log.end, loaded_position=lambda: 0),
            now=(lambda: datetime.now(UTC)) if real_time else (lambda: NOW),
            writers=writers,
        )
        yield TrackerDoor(
            service,
            key=add(keys, source="shop", mode="planned", now=NOW),
            open_key=add(keys, source="wild", mode="open", now=NOW),
        )


@contextmanager
def served(door: TrackerDoor) -> Iterator[int]:
    """The port on which the door listens, over real HTTP."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application(door.service), log_config=None)
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
