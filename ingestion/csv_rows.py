"""The rows of a CSV file; one that cannot be read costs its neighbours nothing."""

import csv
import gzip
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Self

from ingestion.files import opened
from warehouse.errors import BadInput

DELIMITERS: Final = (",", ";", "\t", "|")
# All are ASCII where ASCII is, so that a line ends at its newline byte.
ENCODINGS: Final = ("utf-8", "windows-1252", "iso-8859-1")

_LONGEST_ROW: Final = 1024 * 1024
_MARK: Final = "\ufeff"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class Row(NamedTuple):
    """A row below the header, counted from 1; with a fault it has no cells."""

    number: int
    cells: list[Any]
    raw: bytes = b""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a CSV file is written."""

    delimiter: str = ","
    encoding: str = "utf-8"


def header(path: Path, dialect: Dialect) -> list[str]:
    """The names of the columns. Raises BadInput when there is no first row."""
    with opened(path) as file:
        try:
            lines = _Lines(file, dialect.encoding)
            names = next(_reader(lines, dialect), [])
        except (csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadInput(
                f"The header of {path} cannot be read. Give a CSV file whose first"
                " row names the columns."
            ) from error
    if not lines.taken:
        raise BadInput(
            f"{path} is empty. Give a CSV file whose first row names the columns."
        )
    if lines.damaged or lines.taken[0].startswith(_UTF16_MARKS):
        raise BadInput(
            f"{path} is no text in {dialect.encoding}. Save it as UTF-8, or name its"
            f" encoding in the mapping: {', '.join(ENCODINGS)}."
        )
    if not any(name.strip() for name in names):
        raise BadInput(f"The first row of {path} must name the columns; it is blank.")
    return [name.strip() for name in names]


def rows(path: Path, dialect: Dialect, *, width: int) -> Iterator[Row]:
    """The rows below the header, blank ones left out; all others are `width` wide.

    Where a quote is never closed, only the line it stands in is lost: reading goes
    on with the next. Raises BadInput when a gzip file breaks off.
    """
    number = -1
    with opened(path) as file:
        lines = _Lines(file, dialect.encoding)
        reader = _reader(lines, dialect)
        while True:
            number += 1
            lines.begin_row()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(number, [], lines.only_first(), f"No CSV: {error}.")
                continue
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise BadInput(
                    f"{path} breaks off or is damaged after row {number - 1}:"
                    " it is no whole gzip file. Fetch it again."
                ) from error
            if number and any(line.strip() for line in lines.taken):
                yield _row(number, cells, lines, width)


def _row(number: int, cells: list[str], lines: "_Lines", width: int) -> Row:
    raw = b"".join(lines.taken)
    if lines.damaged:
        return Row(number, [], raw, f"This is no text in {lines.encoding}.")
    if len(cells) != width:
        says = f"The row has {len(cells)} fields, the header {width}."
        return Row(number, [], raw, says)
    return Row(number, cells, raw)


def _reader(lines: "_Lines", dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=dialect.delimiter, strict=True)


class _Lines:
    """The lines of a file as text; those a row took by mistake can be given back."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        self.encoding = encoding
        self.taken: list[bytes] = []
        self.damaged = False
        self._file = file
        self._length = 0
        self._is_first = True
        self._given_back: deque[bytes] = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else self._next_line()
        if not line:
            raise StopIteration
        self.taken.append(line)
        self._length += len(line)
        if self._length > _LONGEST_ROW:
            raise csv.Error(f"the row is longer than {_LONGEST_ROW} bytes")
        try:
            text = line.decode(self.encoding)
        except UnicodeDecodeError:
            self.damaged = True
            text = line.decode("iso-8859-1")
        if self._is_first:
            self._is_first = False
            return text.removeprefix(_MARK)
        return text

    def begin_row(self) -> None:
        """Forget the lines of the row before."""
        self.taken = []
        self.damaged = False
        self._length = 0

    def only_first(self) -> bytes:
        """The row's first line; the others are read again as rows of their own."""
        self._given_back.extendleft(reversed(self.taken[1:]))
        return self.taken[0]

    def _next_line(self) -> bytes:
        """A line, its end cut off when very long: it is refused all the same."""
        line = self._file.readline(_LONGEST_ROW + 1)
        if len(line) > _LONGEST_ROW:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = self._file.readline(_LONGEST_ROW)
        return line
