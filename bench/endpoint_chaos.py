"""The endpoint killed at random under writers: what was acknowledged, what is there.

Each writer sends batches under a deduplication token, sends one again until it is
acknowledged, and keeps a ledger. Kills seldom fall between a commit and its answer,
so a writer also ignores every fifth answer, at random. `landed_unacknowledged` counts
the batches whose retry had to be recognised. Bars: 20 rounds; 0 lost rows, 0 partial
batches, 0 doubled batches.
`ROUNDS=` sets the number of kills, `SEED=` the moments and sizes.
"""

import logging
import os
import random
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench._engine import Engine
from warehouse.clickhouse import connect
from warehouse.settings import Settings

_WRITERS = 4
_MOST_ROWS = 20_000
_IGNORED = 0.2
_TABLE = """
create table ledger (writer UInt8, batch UInt32, row UInt32)
engine = MergeTree order by (writer, batch)
settings non_replicated_deduplication_window = 10000
"""

Found = Mapping[tuple[int, int], tuple[int, int]]
"""Of each (writer, batch): its rows, and how many of them differ."""


@dataclass(slots=True)
class Writer:
    """One sender: `acknowledged` and `unanswered` map a batch to its rows."""

    number: int
    settings: Settings
    stop: threading.Event
    random: random.Random
    acknowledged: dict[int, int] = field(default_factory=dict)
    unanswered: dict[int, int] = field(default_factory=dict)
    retried: int = 0
    landed_unacknowledged: int = 0
    failure: BaseException | None = None

    def run(self) -> None:
        """Send batch after batch until told to stop."""
        batch = 0
        try:
            while not self.stop.is_set():
                self._send(batch, self.random.randint(1, _MOST_ROWS))
                batch += 1
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            self.failure = error

    def _send(self, batch: int, rows: int) -> None:
        self.unanswered[batch] = rows
        tries = 0
        while not self._tried(batch, rows, is_retry=tries > 0):
            tries += 1
            # long enough that a kill may come before the retry
            time.sleep(self.random.uniform(0.05, 1.5))
        self.retried += tries > 0
        self.acknowledged[batch] = self.unanswered.pop(batch)

    def _tried(self, batch: int, rows: int, *, is_retry: bool) -> bool:
        from clickhouse_connect.driver.exceptions import ClickHouseError
        from urllib3.exceptions import HTTPError

        from warehouse.errors import Unavailable

        try:
            with connect(self.settings) as client:
                # asked just before sending again, so that the retry is known as one
                landed = is_retry and client.command(
                    "select count() > 0 from ledger"
                    f" where writer = {self.number} and batch = {batch}"
                )
                client.insert(
                    "ledger",
                    [[self.number] * rows, [batch] * rows, list(range(rows))],
                    column_names=["writer", "batch", "row"],
                    column_oriented=True,
                    settings={"insert_deduplication_token": f"{self.number}-{batch}"},
                )
        except (ClickHouseError, HTTPError, OSError, Unavailable):
            return False
        if self.random.random() < _IGNORED:
            return False
        self.landed_unacknowledged += bool(landed)
        return True


def run() -> dict[str, Any]:
    """Kill an endpoint of its own, round after round, and compare the ledgers."""
    rounds = int(os.environ.get("ROUNDS", "20"))
    seed = int(os.environ.get("SEED", "7"))
    # a connection that breaks off is what this is about
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder, Engine(Path(folder) / "home") as it:
        with connect(it.settings) as client:
            client.command(_TABLE)
        stop = threading.Event()
        writers = [
            Writer(number, it.settings, stop, _chance(seed * 100 + number))
            for number in range(_WRITERS)
        ]
        slowest_start = _killed(it, writers, rounds, _chance(seed))
        with connect(it.settings) as client:
            found = {
                (writer, batch): (rows, different)
                for writer, batch, rows, different in client.query(
                    "select writer, batch, count(), uniqExact(row) from ledger"
                    " group by writer, batch"
                ).result_rows
            }
    figures = compared(writers, found) | {
        "rounds": rounds,
        "slowest_start_s": slowest_start,
    }
    bars = {"rounds_least": 20, "lost_most": 0, "partial_most": 0, "doubled_most": 0}
    return {"figures": figures, "compared_with": bars}


def compared(writers: list[Writer], found: Found) -> dict[str, float]:
    """What the writers were promised against what is there."""
    sent = {
        (writer.number, batch): rows
        for writer in writers
        for batch, rows in (writer.acknowledged | writer.unanswered).items()
    }
    promised = {(w.number, batch) for w in writers for batch in w.acknowledged}
    return {
        "acknowledged_batches": len(promised),
        "acknowledged_rows": sum(sent[key] for key in promised),
        "retried_batches": sum(writer.retried for writer in writers),
        "landed_unacknowledged": sum(w.landed_unacknowledged for w in writers),
        "lost": sum(sent[key] - found.get(key, (0, 0))[1] for key in promised),
        "partial": sum(found[key][1] != sent.get(key) for key in found),
        "doubled": sum(rows != different for rows, different in found.values()),
    }


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - chance, not secrecy


def _killed(
    engine: Engine, writers: list[Writer], rounds: int, chance: random.Random
) -> float:
    """Kill and start under the writers; seconds of the slowest start."""
    threads = [threading.Thread(target=writer.run, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    slowest = 0.0
    for _ in range(rounds):
        time.sleep(chance.uniform(0.2, 1.2))
        engine.kill()
        began = time.monotonic()
        engine.start()
        slowest = max(slowest, time.monotonic() - began)
    writers[0].stop.set()
    for thread in threads:
        thread.join(60)
    for writer in writers:
        if writer.failure is not None:
            raise writer.failure
    return slowest
