"""Import of a million rows as JSONL, CSV and Parquet, each killed thrice and resumed.

`questlog import` is killed at two moments and the engine at one between them; each time
the same command goes on. `lost` and `doubled` count rows and refusals of the file
against the same rows in the engine, by id and content. The speed is that of an import
left alone. Limit: the same rows straight into the engine as JSONEachRow, unjudged.
IMPORT_ROWS in the environment asks for another number of rows.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench._engine import Engine
from bench._memory import Watch
from bench._rolls import FORMS, RollFile, json_lines, written
from warehouse.clickhouse import connect, rows
from warehouse.line_insert import insert_lines

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

QUESTLOG: Final = (sys.executable, "-m", "questlog")

_ROWS: Final = 1_000_000
_SEED: Final = 7
_LINES_AT_ONCE: Final = 20_000
_PATIENCE_S: Final = 600
_EVERY_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 0.1

_ROLLS: Final = """
    create table bench.rolls
    (
        event_id UUID,
        timestamp DateTime64(3, 'UTC'),
        event_name LowCardinality(String),
        user_id String,
        properties String
    )
    engine = MergeTree order by event_id
    settings fsync_after_insert = 1, fsync_part_directory = 1
"""
_ROLLS_COLUMNS: Final = ("event_id", "timestamp", "event_name", "user_id", "properties")
_COMPARED: Final = """
    with

    told as (
        select event_id, event_name, user_id, timestamp, properties
        from bench.rolls
        where event_name = 'rolled'
    ),

    found as (
        select event_id, event_name, user_id, occurred_at, properties
        from raw.events
        where source = {source:String}
    ),

    refused as (
        select event_id, refusal_id
        from raw.refused_events
        where source = {source:String}
    )

    select
        (
            select countIf(
                (event_id, cityHash64(event_name, user_id, timestamp, properties))
                not in (
                    select
                        event_id,
                        cityHash64(event_name, user_id, occurred_at, properties)
                    from found
                )
            ) from told
        ) as rows_lost,
        (select count() - uniqExact(event_id) from found) as rows_doubled,
        (
            select countIf(event_id not in (select toUUID(event_id) from refused))
            from bench.rolls where event_name != 'rolled'
        ) as refusals_lost,
        (select count() - uniqExact(event_id) from refused) as refusals_doubled,
        (
            select countIf(event_id not in (select event_id from told)) from found
        ) as rows_of_no_line,
        (select count() from found) as events
"""
_EVENTS: Final = "select count() as n from raw.events where source = {source:String}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is in the warehouse after an import that was killed and resumed.

    `lost` and `doubled` count events and refusals, `unexplained` the events that no
    line of the file tells of; `added` is what the same command added when it was
    given once more, after the end.
    """

    kills: int
    lost: int
    doubled: int
    unexplained: int
    added: int


def run() -> dict[str, Any]:
    """Import files of the three forms into an empty warehouse."""
    count = int(os.environ.get("IMPORT_ROWS", _ROWS))
    began = time.monotonic()
    figures: dict[str, float] = {"rows": count}
    with tempfile.TemporaryDirectory() as folder, Engine(Path(folder) / "home") as it:
        limit_s = tell(it, count)
        outcomes = []
        peaks = []
        for form in FORMS:
            file = written(Path(folder), form, count)
            seconds, peak = _alone(it, file)
            outcomes.append(killed_and_resumed(it, file, seed=_SEED))
            peaks.append(peak)
            figures[f"{form}_rows_per_second"] = count / seconds
            figures[f"{form}_peak_bytes"] = peak
            file.path.unlink()
    figures |= {
        "kills": sum(one.kills for one in outcomes),
        "lost": sum(one.lost for one in outcomes),
        "doubled": sum(one.doubled for one in outcomes),
        "unexplained": sum(one.unexplained for one in outcomes),
        "added_by_repeat": sum(one.added for one in outcomes),
        "seconds": time.monotonic() - began,
        "peak_bytes": max(peaks),
    }
    limit = {"engine_jsoneachrow_rows_per_second": count / limit_s}
    return {
        "figures": figures,
        "compared_with": {"lost": 0, "doubled": 0, "unexplained": 0} | limit,
    }


def tell(engine: Engine, count: int) -> float:
    """Put the rolls straight into the engine; how long it took, in seconds.

    What an import leaves behind is compared with them.
    """
    lines = list(json_lines(count))
    blocks = [
        b"".join(lines[start : start + _LINES_AT_ONCE])
        for start in range(0, count, _LINES_AT_ONCE)
    ]
    with connect(engine.settings) as client:
        client.command("create database bench")
        client.command(_ROLLS)
        began = time.monotonic()
        for block in blocks:
            insert_lines(
                client,
                table="bench.rolls",
                columns=_ROLLS_COLUMNS,
                lines=block,
                settings={"date_time_input_format": "best_effort"},
            )
        return time.monotonic() - began


def killed_and_resumed(
    engine: Engine, file: RollFile, *, seed: int, questlog: Sequence[str] = QUESTLOG
) -> Outcome:
    """Import a file; kill the import, the engine and the import, resuming each time.

    The moments are drawn by `seed` as numbers of rows that are in the warehouse,
    and a pause after them, so that a kill falls anywhere within a block.
    """
    source = f"{file.form}-killed"
    command = [*questlog, "import", *file.words, "--source", source, "--json"]
    chance = random.Random(f"{seed}/{file.form}")  # noqa: S311 - no secret
    for first, last, victim in (
        (0.05, 0.25, "import"),
        (0.35, 0.5, "engine"),
        (0.6, 0.75, "import"),
    ):
        process = _started(engine, command)
        share = chance.uniform(first, last)
        _wait_for(engine, source, file.rows * share, process)
        time.sleep(chance.uniform(0, _LONGEST_PAUSE_S))
        _kill(victim, process, engine)
    _finish(_started(engine, command))
    with connect(engine.settings) as client:
        (after,) = rows(client, _COMPARED, {"source": source})
        _finish(_started(engine, command))
        added = _events(client, source) - after["events"]
    return Outcome(
        kills=3,
        lost=after["rows_lost"] + after["refusals_lost"],
        doubled=after["rows_doubled"] + after["refusals_doubled"],
        unexplained=after["rows_of_no_line"],
        added=added,
    )


def _alone(engine: Engine, file: RollFile) -> tuple[float, int]:
    """Seconds and peak bytes of an import that nobody disturbs."""
    command = [*QUESTLOG, "import", *file.words, "--source", file.form, "--json"]
    began = time.monotonic()
    process = _started(engine, command)
    with Watch(process.pid) as watch:
        _finish(process)
    return time.monotonic() - began, watch.peak_bytes


def _started(engine: Engine, command: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - our own command
        command,
        env=engine.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _finish(process: "subprocess.Popen[bytes]") -> None:
    _, said = process.communicate(timeout=_PATIENCE_S)
    if process.returncode:
        raise RuntimeError(f"The import failed: {said.decode()[-1000:]}")


def _kill(victim: str, process: "subprocess.Popen[bytes]", engine: Engine) -> None:
    """Kill one of the two; an import whose engine went away ends by itself."""
    if process.poll() is not None:
        raise RuntimeError("The import ended before it could be killed.")
    if victim == "import":
        process.kill()
        process.communicate()
        return
    engine.kill()
    process.communicate(timeout=_PATIENCE_S)
    if process.returncode == 0:
        raise RuntimeError("The import took no notice of an engine that was killed.")
    engine.start()


def _wait_for(
    engine: Engine, source: str, count: float, process: "subprocess.Popen[bytes]"
) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    with connect(engine.settings) as client:
        while _events(client, source) < count:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                _, said = process.communicate()
                raise RuntimeError(f"The import does not get on: {said.decode()}")
            time.sleep(_EVERY_S)


def _events(client: "Client", source: str) -> int:
    return int(rows(client, _EVENTS, {"source": source})[0]["n"])
