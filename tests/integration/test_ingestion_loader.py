"""From the log into ClickHouse: each record once, whoever is killed on the way."""

import json
import random
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ingestion.bodies import split
from ingestion.breaker import Breaker
from ingestion.canary import canary
from ingestion.consent import Standing
from ingestion.door import Keeping, judged, keep
from ingestion.judging import Accepted, Rules, Source
from ingestion.loader import Following, Ledger, Loader, follow, ledger_of
from ingestion.loader_metrics import LoaderMetrics
from ingestion.replaying import Replayed, replay
from ingestion.segments import SegmentLog, open_for_reading
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput, Unavailable
from warehouse.settings import REPOSITORY, Settings
from warehouse.taxonomy import load
from warehouse.vault import Vault

RULES = Rules.of(load())
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def an_event(**changed: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "rolled",
        "user_id": "ann",
        "properties": {"dice": "1d20", "result": 7},
    } | changed


def taken(
    folder: Path, events: list[dict[str, Any]], *, source: str, batch: int = 20
) -> int:
    """Take events through the door into a log; how many were accepted."""
    with (
        closing(SegmentLog.open(folder / "log")) as log,
        Vault.open(folder / "vault.sqlite", b"k" * 32) as vault,
    ):
        keeping = Keeping(log, vault, Standing(vault, allowed_by_default=True))
        accepted = 0
        for start in range(0, len(events), batch):
            body = split(json.dumps(events[start : start + batch]).encode())
            verdicts = judged(
                body, rules=RULES, source=Source(source, "open"), received_at=NOW
            )
            final = keep(verdicts, keeping, now=NOW)
            accepted += sum(isinstance(verdict, Accepted) for verdict in final)
        return accepted


def drained(folder: Path, settings: Settings, *, records_a_block: int = 50) -> int:
    with closing(open_for_reading(folder / "log")) as log, connect(settings) as client:
        ledger = ledger_of(folder / "log")
        loader = Loader(log, ledger, lambda: NOW, records_a_block=records_a_block)
        return loader.drain(client)


def stored(settings: Settings, source: str) -> list[dict[str, Any]]:
    query = "select * from raw.events where source = {source:String}"
    with connect(settings) as client:
        return rows(client, query, {"source": source})


def test_accepted_and_refused_events_arrive_in_their_tables(
    endpoint: Settings, tmp_path: Path
) -> None:
    good, bad = an_event(sequence=2**64 - 1), an_event(timestamp="2030-01-01T00:00:00Z")
    taken(tmp_path, [good, bad], source="arrive")

    assert drained(tmp_path, endpoint) == 2
    assert drained(tmp_path, endpoint) == 0

    (event,) = stored(endpoint, "arrive")
    assert event["event_id"] == UUID(good["event_id"])
    assert event["sequence"] == 2**64 - 1
    assert event["occurred_at"] == datetime(2026, 3, 1, 9, 59)  # noqa: DTZ001 - UTC, as the driver has it
    assert event["sent_at"] is None
    assert event["properties"] == '{"dice":"1d20","result":7}'
    with connect(endpoint) as client:
        (refusal,) = rows(
            client, "select * from raw.refused_events where source = 'arrive'"
        )
    assert refusal["event_id"] == bad["event_id"]
    assert refusal["reason"] == "future"
    assert refusal["objections"][0].startswith("future: /timestamp: Over 24 hours")


class CrashingLedger(Ledger):
    """Loses power at a given write: before it, or right after it."""

    def __init__(self, path: Path, *, survives: int) -> None:
        super().__init__(path)
        self.left = survives

    def write(self, progress: Any) -> None:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        super().write(progress)


def test_a_crash_at_any_write_of_the_ledger_repeats_and_loses_nothing(
    endpoint: Settings, tmp_path: Path
) -> None:
    events = [an_event() for _ in range(120)]
    taken(tmp_path, events, source="crashes", batch=3)
    path = tmp_path / "log" / "loaded.json"

    with closing(open_for_reading(tmp_path / "log")) as log:
        for survives in (0, 1, 2, 1, 3, 1):
            ledger = CrashingLedger(path, survives=survives)
            # each attempt would cut other blocks, were they not fixed before
            loader = Loader(log, ledger, lambda: NOW, records_a_block=20 + survives)
            with connect(endpoint) as client, pytest.raises(KeyboardInterrupt):
                loader.drain(client)
    drained(tmp_path, endpoint, records_a_block=17)

    found = [str(row["event_id"]) for row in stored(endpoint, "crashes")]
    assert sorted(found) == sorted(event["event_id"] for event in events)


def test_a_block_is_known_again_when_its_token_is_long_forgotten(
    endpoint: Settings, tmp_path: Path
) -> None:
    taken(tmp_path, [an_event(), an_event(timestamp="2030-01-01Z")], source="forgot")
    path = tmp_path / "log" / "loaded.json"
    with closing(open_for_reading(tmp_path / "log")) as log:
        ledger = CrashingLedger(path, survives=1)
        with connect(endpoint) as client, pytest.raises(KeyboardInterrupt):
            Loader(log, ledger, lambda: NOW).drain(client)
    # as another token's ten thousand blocks would make ClickHouse forget this one
    path.write_text(path.read_text().replace('"token":"', '"token":"forgotten-'))

    drained(tmp_path, endpoint)

    assert len(stored(endpoint, "forgot")) == 1
    with connect(endpoint) as client:
        query = "select 1 from raw.refused_events where source = 'forgot'"
        assert len(rows(client, query)) == 1


_LOADER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ingestion.loader import Loader, ledger_of
from ingestion.segments import open_for_reading
from warehouse.clickhouse import connect
from warehouse.settings import Settings
folder = Path(sys.argv[1])
settings = Settings(home=folder, endpoint_port=int(sys.argv[2]))
now = lambda: datetime.now(UTC)
loader = Loader(
    open_for_reading(folder), ledger_of(folder), now, records_a_block=20
)
with connect(settings) as client:
    print("ready", flush=True)
    loader.drain(client)
"""


def test_a_loader_killed_at_random_moments_leaves_every_event_once(
    endpoint: Settings, tmp_path: Path
) -> None:
    events = [an_event() for _ in range(4000)]
    taken(tmp_path, events, source="killed")
    chance = random.Random(7)  # noqa: S311 - not a secret

    killed = 0
    for _ in range(3):
        with subprocess.Popen(
            [
                *(sys.executable, "-c", _LOADER),
                *(str(tmp_path / "log"), str(endpoint.endpoint_port)),
            ],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0.02, 0.4))
            process.kill()
        killed += process.returncode == -signal.SIGKILL
    drained(tmp_path, endpoint)

    assert killed > 0
    found = [str(row["event_id"]) for row in stored(endpoint, "killed")]
    assert len(found) == len(events)
    assert set(found) == {event["event_id"] for event in events}


def test_while_clickhouse_is_away_the_loader_waits_and_goes_on(
    endpoint: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    taken(tmp_path, [an_event()], source="away")
    attempts = []

    @contextmanager
    def flaky() -> Any:
        attempts.append(1)
        if len(attempts) < 4:
            raise Unavailable("No ClickHouse answers.")
        with connect(endpoint) as client:
            yield client

    waits: list[float] = []
    states: list[str] = []
    breaker = Breaker(lambda: 1.0)

    def pause(seconds: float) -> bool:
        waits.append(seconds)
        return len(attempts) >= 4

    with closing(open_for_reading(tmp_path / "log")) as log:
        loader = Loader(log, ledger_of(tmp_path / "log"), lambda: NOW)
        how = Following(
            pause,
            breaker,
            metrics := LoaderMetrics(breaker),
            after=lambda: states.append(breaker.state),
            every_s=0.2,
        )
        follow(loader, flaky, how)

    assert waits == [0.5, 1.0, 2.0, 0.2]
    assert states == ["closed", "closed", "open", "closed", "closed"]
    assert "Trying again in 2.0 s" in caplog.text
    value = metrics.registry.get_sample_value
    assert value("questlog_loader_failures_total", {"error": "Unavailable"}) == 3
    assert value("questlog_loader_rows_total") == 1
    assert len(stored(endpoint, "away")) == 1


def test_a_log_made_anew_is_loaded_from_its_beginning(
    endpoint: Settings, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        taken(tmp_path / name, [an_event()], source="anew")
    drained(tmp_path / "one", endpoint)
    old = tmp_path / "one" / "log" / "loaded.json"
    (tmp_path / "two" / "log" / "loaded.json").write_bytes(old.read_bytes())

    drained(tmp_path / "two", endpoint)

    assert len(stored(endpoint, "anew")) == 2


def replayed(folder: Path, settings: Settings, first: int, last: int) -> Replayed:
    with closing(open_for_reading(folder / "log")) as log, connect(settings) as client:
        return replay(log, client, first=first, last=last, now=lambda: NOW)


def test_a_replay_brings_back_what_is_missing_and_nothing_else(
    endpoint: Settings, tmp_path: Path
) -> None:
    good = [an_event() for _ in range(30)]
    bad = an_event(timestamp="2030-01-01T00:00:00Z")
    # a copy of the same moment is told from the first by nothing: it is not missing
    taken(tmp_path, [*good, good[0], bad], source="replayed", batch=8)
    drained(tmp_path, endpoint)
    with closing(open_for_reading(tmp_path / "log")) as log:
        end = log.end()
        middle = log.read(0, limit=10).last

    before = replayed(tmp_path, endpoint, 0, end)
    with connect(endpoint) as client:
        for table in ("raw.events", "raw.refused_events"):
            client.command(f"delete from {table} where source = 'replayed'")
    part = replayed(tmp_path, endpoint, middle, end)
    rest = replayed(tmp_path, endpoint, 0, end)
    again = replayed(tmp_path, endpoint, 0, end)

    assert (before, again) == (Replayed(32, 0), Replayed(32, 0))
    assert part.missing == part.rows < 32
    assert (rest.rows, rest.missing) == (32, 31 - part.missing)
    found = sorted(str(row["event_id"]) for row in stored(endpoint, "replayed"))
    assert found == sorted(event["event_id"] for event in good)
    with pytest.raises(BadInput, match="No record can be read at 1"):
        replayed(tmp_path, endpoint, 1, end)


def test_a_canary_arrives_beside_the_events_of_its_block(
    endpoint: Settings, tmp_path: Path
) -> None:
    taken(tmp_path, [an_event()], source="sung")
    with closing(SegmentLog.open(tmp_path / "log")) as log:
        # ClickHouse drops canaries of other days
        log.append([canary("a-host:18080", datetime.now(UTC))])
        with connect(endpoint) as client:
            ledger = ledger_of(tmp_path / "log")
            Loader(log, ledger, partial(datetime.now, UTC)).drain(client)

    assert len(stored(endpoint, "sung")) == 1
    with connect(endpoint) as client:
        (found,) = rows(client, "select * from ops.canaries where door like 'a-host%'")
    assert found["received_at"] <= found["loaded_at"] <= found["arrived_at"]
