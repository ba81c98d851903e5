"""A stream of dice rolls as files of three forms, with what must come of them.

One roll in a thousand has a name nobody planned, for the table of refusals. All lines
are distinct, and in an order of ids that helps no index.
"""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

FORMS: Final = ("jsonl", "csv", "parquet")

_BEGAN: Final = datetime(2026, 2, 1, 10, tzinfo=UTC)
_REFUSED_EVERY: Final = 1_000
_PEOPLE: Final = 50_000
_ROWS_AT_ONCE: Final = 50_000
_COLUMNS: Final = ("roll", "kind", "at", "who", "dice", "result")
_MAPPING: Final = """\
timezone: UTC
event_id: roll
event_name: kind
timestamp: {}
user_id: who
properties:
  dice: dice
  result: {{column: result, type: integer}}
"""
_MOMENTS: Final = {
    "csv": '{column: at, format: "%d.%m.%Y %H:%M:%S.%f"}',
    "parquet": "at",
}


@dataclass(frozen=True, slots=True)
class RollFile:
    """A file of rolls; a table has a mapping beside it."""

    form: str
    path: Path
    mapping: Path | None
    rows: int

    @property
    def refused(self) -> int:
        """How many of its rows the door must refuse."""
        return self.rows // _REFUSED_EVERY

    @property
    def words(self) -> list[str]:
        """What `questlog import` is told about it."""
        mapped = [] if self.mapping is None else ["--mapping", str(self.mapping)]
        return [str(self.path), *mapped]


@dataclass(frozen=True, slots=True)
class _Roll:
    event_id: str
    kind: str
    at: datetime
    who: str
    dice: str
    result: int


def written(folder: Path, form: str, rows: int) -> RollFile:
    """A file of a form, `jsonl` (gzipped), `csv` or `parquet`, with so many rows."""
    ending = ".jsonl.gz" if form == "jsonl" else f".{form}"
    path, mapping = folder / f"rolls{ending}", None
    {"jsonl": _write_jsonl, "csv": _write_csv, "parquet": _write_parquet}[form](
        path, rows
    )
    if form in _MOMENTS:
        mapping = folder / f"{form}.yml"
        mapping.write_text(_MAPPING.format(_MOMENTS[form]), encoding="utf-8")
    return RollFile(form, path, mapping, rows)


def json_lines(rows: int) -> Iterator[bytes]:
    """The rolls as events, one JSON object a line."""
    for roll in _rolls(rows):
        at = f"{roll.at.replace(tzinfo=None).isoformat('T', 'milliseconds')}Z"
        event = {
            "event_id": roll.event_id,
            "timestamp": at,
            "event_name": roll.kind,
            "user_id": roll.who,
            "properties": {"dice": roll.dice, "result": roll.result},
        }
        yield json.dumps(event, separators=(",", ":")).encode() + b"\n"


def _rolls(rows: int) -> Iterator[_Roll]:
    for n in range(rows):
        is_refused = n % _REFUSED_EVERY == _REFUSED_EVERY - 1
        yield _Roll(
            event_id=f"{n * 2654435761 % 2**32:08x}-0000-4000-8000-{n:012x}",
            kind="dragon_tamed" if is_refused else "rolled",
            at=_BEGAN + timedelta(milliseconds=37 * n),
            who=f"p{n % _PEOPLE}",
            dice="1d20",
            result=n % 20 + 1,
        )


def _write_jsonl(path: Path, rows: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(json_lines(rows))


def _write_csv(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for one in _rolls(rows):
            at = f"{one.at:%d.%m.%Y %H:%M:%S.%f}"
            writer.writerow((one.event_id, one.kind, at, one.who, one.dice, one.result))


def _write_parquet(path: Path, rows: int) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = dict.fromkeys(_COLUMNS, pa.string())
    types |= {"at": pa.timestamp("us", tz="UTC"), "result": pa.int64()}
    schema = pa.schema(list(types.items()))
    waiting = _rolls(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, _ROWS_AT_ONCE):
            some = [next(waiting) for _ in range(min(_ROWS_AT_ONCE, rows - start))]
            columns = {
                "roll": [one.event_id for one in some],
                "kind": [one.kind for one in some],
                "at": [one.at for one in some],
                "who": [one.who for one in some],
                "dice": [one.dice for one in some],
                "result": [one.result for one in some],
            }
            writer.write_table(pa.table(columns, schema=schema))
