"""A table of events: each row once in the warehouse, killed and resumed or not."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from warehouse.clickhouse import connect, rows
from warehouse.settings import REPOSITORY, Settings

_ROWS = 4_000
_MAPPING = """\
timezone: UTC
event_id:
  derived_from: [roll]
event_name: {constant: rolled}
timestamp: at
user_id: who
properties:
  dice: dice
  result: {column: result, type: integer}
"""
_IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import ingestion.imports as imports
from ingestion.judging import Source
from warehouse.settings import Settings
imports.LINES_A_BLOCK = 40
settings = Settings(home=Path(sys.argv[3]), endpoint_port=int(sys.argv[4]))
print("ready", flush=True)
summary = imports.import_file(
    Path(sys.argv[1]), settings, now=lambda: datetime.now(UTC),
    source=Source(sys.argv[5]), mapping=Path(sys.argv[2]),
)
print(summary.accepted, sum(summary.refused.values()), summary.already_imported)
"""


def test_a_table_killed_twice_and_resumed_is_as_one_imported_once(
    endpoint: Settings, tmp_path: Path
) -> None:
    table, mapping = tmp_path / "rolls.csv", tmp_path / "map.yml"
    mapping.write_text(_MAPPING)
    told = [f"{n},2026-02-01 10:00,p{n % 9},1d20,{n % 20}\n" for n in range(_ROWS)]
    told.insert(70, "torn\n")
    table.write_text("roll,at,who,dice,result\n" + "".join(told))

    def command(source: str) -> list[str]:
        words = [str(table), str(mapping), str(endpoint.home)]
        port = str(endpoint.endpoint_port)
        return [sys.executable, "-c", _IMPORT, *words, port, source]

    there = []
    for _ in range(2):
        with subprocess.Popen(
            command("torn-table"), cwd=REPOSITORY, stdout=subprocess.PIPE
        ) as process:
            _wait_for_more(endpoint, there[-1] if there else 0)
            process.kill()
        there.append(_count(endpoint))
    outputs = [
        subprocess.check_output(command(source), cwd=REPOSITORY, text=True)
        for source in ("torn-table", "whole-table", "torn-table")
    ]

    assert 0 < there[0] < there[1] < _ROWS
    assert [output.split()[1:] for output in outputs] == [
        ["4000", "1", "False"],
        ["4000", "1", "False"],
        ["4000", "1", "True"],
    ]
    assert len(_stored(endpoint, "torn-table")) == _ROWS
    assert _stored(endpoint, "torn-table") == _stored(endpoint, "whole-table")
    query = "select objections from raw.refused_events where source = 'torn-table'"
    with connect(endpoint) as client:
        (refusal,) = rows(client, query)
    assert refusal["objections"] == [
        "row 71: not_json: The row has 1 fields, the header 5."
    ]


def _stored(settings: Settings, source: str) -> list[Any]:
    query = """
        select event_id, occurred_at, user_id, properties, content_hash
        from raw.events where source = {source:String} order by event_id
    """
    with connect(settings) as client:
        return rows(client, query, {"source": source})


def _count(settings: Settings) -> int:
    with connect(settings) as client:
        query = "select count() as events from raw.events where source = 'torn-table'"
        return int(rows(client, query)[0]["events"])


def _wait_for_more(settings: Settings, than: int) -> None:
    deadline = time.monotonic() + 60
    while _count(settings) <= than:
        assert time.monotonic() < deadline
        time.sleep(0.02)
