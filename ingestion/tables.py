"""Tables of events, CSV and Parquet: their rows as the lines of a JSONL file.

What follows, from the judging to the blocks, is the same for both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingestion import csv_rows, mapping_file, parquet_rows
from ingestion.consent import DECISION
from ingestion.csv_rows import Dialect, Row
from ingestion.files import EventFile, JsonLines, Line, Survey, sha256
from ingestion.mapping import ENVELOPE, SECTIONS, RowReader, TableMapping, by_envelope
from ingestion.rows import json_text
from warehouse.errors import BadInput
from warehouse.taxonomy.source import Source

_CSV: Final = (".csv", ".csv.gz")
_TSV: Final = (".tsv", ".tsv.gz")
_PARQUET: Final = ".parquet"
_TOO_DEEP: Final = "The row is nested too deep."


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table and what its columns mean."""

    path: Path
    mapping: TableMapping
    columns: tuple[str, ...]
    place: str = "row"

    @property
    def reading(self) -> str:
        """The mapping: mended, it makes another import of the same file."""
        return f"/{self.mapping.digest}"

    def survey(self) -> Survey:
        """Read the table through: fingerprint, number of rows, consent decisions.

        Raises BadInput when it is broken, or has no row that can be read.
        """
        reader = RowReader(self.mapping, self.columns)
        decisions, count, readable = [], 0, False
        for row in self._rows():
            count += 1
            if row.fault:
                continue
            readable = True
            if DECISION in reader.event_name(row.cells):
                decisions.append(_line(row, reader))
        if not readable:
            how = "Give a table with one event in each row below the header."
            what = "has no rows" if not count else "has no row that can be read"
            raise BadInput(f"{self.path} {what}. {how}")
        return Survey(sha256(self.path), count, tuple(decisions))

    def lines(self) -> Iterator[Line]:
        """The rows as events' texts."""
        reader = RowReader(self.mapping, self.columns)
        for row in self._rows():
            yield _line(row, reader)

    def _rows(self) -> Iterator[Row]:
        if _is_parquet(self.path):
            return parquet_rows.rows(self.path, self.columns)
        width = len(self.columns)
        return csv_rows.rows(self.path, self.mapping.dialect, width=width)


def _line(row: Row, reader: RowReader) -> Line:
    if row.fault:
        return Line(row.number, row.raw, row.fault)
    try:
        return Line(row.number, json_text(reader.event(row.cells)).encode())
    except RecursionError:
        return Line(row.number, row.raw, _TOO_DEEP)


def event_file(path: Path, mapping: Path | None) -> EventFile:
    """The file as its name says: a table by .csv, .tsv, .parquet, else JSONL.

    Raises BadInput when the mapping has faults, or the columns are strange without one.
    """
    if not is_table(path):
        if mapping is not None:
            raise BadInput(
                f"A mapping is for tables, and {path} is none by its name."
                " Name it .csv, .csv.gz, .tsv, .tsv.gz or .parquet."
            )
        return JsonLines(path)
    source = None if mapping is None else mapping_file.opened(mapping)
    dialect = _dialect(path, source)
    columns = _header(path, dialect)
    if source is None:
        _is_ours(path, columns)
        found = by_envelope(columns, dialect)
    else:
        found = mapping_file.mapping(source, columns, dialect)
    # of a Parquet file only what is mapped is read
    read = found.columns if _is_parquet(path) else tuple(columns)
    return TableFile(path, found, read)


def columns_of(path: Path) -> tuple[list[str], Dialect]:
    """A table's columns, and how it seems to be written: for a first mapping."""
    if _is_parquet(path):
        return parquet_rows.header(path), Dialect()
    usual = _dialect(path, None)
    found = [
        (csv_rows.header(path, Dialect(one)), Dialect(one))
        for one in (usual.delimiter, *csv_rows.DELIMITERS)
    ]
    return max(found, key=lambda pair: len(pair[0]))


def _dialect(path: Path, source: Source | None) -> Dialect:
    usual = Dialect("\t") if path.name.lower().endswith(_TSV) else Dialect()
    if source is None:
        return usual
    found = mapping_file.dialect_of(source, usual)
    if any(fault.at in ("", "delimiter", "encoding") for fault in source.faults):
        # the columns cannot be told without these
        mapping_file.without_faults(source)
    return found


def _header(path: Path, dialect: Dialect) -> list[str]:
    if _is_parquet(path):
        return parquet_rows.header(path)
    return csv_rows.header(path, dialect)


def _is_ours(path: Path, columns: list[str]) -> None:
    strange = [name for name in columns if name not in (*ENVELOPE, *SECTIONS)]
    missing = [name for name in ("event_name", "timestamp") if name not in columns]
    doubled = {name for name in columns if columns.count(name) > 1}
    if strange or missing or doubled:
        raise BadInput(
            f"The columns of {path} are not those of the envelope. Say what they mean"
            f" with --mapping; `questlog import {path} --show-mapping`"
            " proposes one to start from."
        )


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(_PARQUET)


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name."""
    return path.name.lower().endswith((*_CSV, *_TSV, _PARQUET))
