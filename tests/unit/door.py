"""A door for tests: the routes over a log and a vault of their own."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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

RULES = Rules.of(load())
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Door:
    """A service on a folder of its own, with one planned and one open key."""

    service: Service
    planned: str
    open: str
    keys: Path

    def post(self, body: Any, *, key: str | None = None, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key or self.planned}"} | headers
        return self.client.post("/v1/events", content=content, headers=headers)

    @property
    def client(self) -> TestClient:
        return TestClient(application(self.service), raise_server_exceptions=False)

    def but(self, **changed: Any) -> "Door":
        return replace(self, service=replace(self.service, **changed))

    def rows(self, kind: str) -> list[dict[str, Any]]:
        records = self.service.keeping.log.read(0, limit=10_000).records
        return [row for one in records if one.kind == kind for row in one.named()]


@contextmanager
def a_door(folder: Path) -> Iterator[Door]:
    keys = folder / "write_keys.json"
    with (
        closing(SegmentLog.open(folder / "log")) as log,
        Vault.open(folder / "vault" / "vault.sqlite", b"k" * 32) as vault,
        ThreadPoolExecutor(2) as writers,
    ):
        service = Service(
            rules=RULES,
            keeping=Keeping(log, vault, Standing(vault, allowed_by_default=True)),
            keys=KeyRing(keys, now=lambda: NOW),
            metrics=Metrics(log_position=log.end, loaded_position=lambda: 0),
            now=lambda: NOW,
            writers=writers,
        )
        yield Door(
            service,
            planned=add(keys, source="web", mode="planned", now=NOW),
            open=add(keys, source="wild", mode="open", now=NOW),
            keys=keys,
        )


def an_event(number: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "event_id": f"5e0f6d0c-7b1c-4c5e-9a57-{number:012d}",
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "user_logged_in",
        "user_id": "ann",
        "properties": {"method": "email"},
    } | changed
