"""Files of events; here those with one JSON object a line, plain or gzipped."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, Protocol

import msgspec

from ingestion.consent import DECISION
from warehouse.errors import BadInput

_GZIP_MAGIC: Final = b"\x1f\x8b"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DECISION_MARK: Final = DECISION.encode()
# far more than the door takes: what is longer is refused as too large by its beginning
_LONGEST_LINE: Final = 1024 * 1024
_BUFFER_BYTES: Final = 256 * 1024
_HOW: Final = "Give a file with one event as a JSON object on each line."


class Line(msgspec.Struct, frozen=True, gc=False):
    """An event's text, with the number of its line or row in the file, from 1.

    `fault` says why no event could be read there; the text is then the original.
    """

    number: int
    text: bytes
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a first reading tells of a file, before anything is kept."""

    sha256: str
    lines: int
    decisions: tuple[Line, ...]


class EventFile(Protocol):
    """A file that events are imported from, whatever its form."""

    @property
    def place(self) -> str:
        """What events are numbered by: `line` or `row`."""

    @property
    def reading(self) -> str:
        """What tells two readings of the same bytes apart; empty when nothing can."""

    def survey(self) -> Survey:
        """Read the file through before anything is kept."""

    def lines(self) -> Iterator[Line]:
        """The events' texts, always the same in the same order."""


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A file with one event as a JSON object on each line."""

    path: Path
    place: str = "line"
    reading: str = ""

    def survey(self) -> Survey:
        """See the function of this name."""
        return survey(self.path)

    def lines(self) -> Iterator[Line]:
        """See the function of this name."""
        return lines(self.path)


def survey(path: Path) -> Survey:
    """Read a file through: fingerprint, number of lines, consent decisions in it.

    Raises BadInput when it is missing, empty, broken, or holds no JSON object.
    """
    decisions, count, readable = [], 0, False
    for line in lines(path):
        count += 1
        readable = readable or _is_object(line.text)
        if _DECISION_MARK in line.text:
            decisions.append(line)
    if not count:
        raise BadInput(f"{path} is empty. {_HOW}")
    if not readable:
        raise BadInput(f"No line of {path} can be read as a JSON object. {_HOW}")
    return Survey(sha256(path), count, tuple(decisions))


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file, blank ones left out. Raises BadInput when it breaks off."""
    number = 0
    with opened(path) as file:
        try:
            for number, text in enumerate(_cut(file), start=1):
                stripped = text.strip(b" \t\r\n")
                if number == 1:
                    stripped = stripped.removeprefix(_BYTE_ORDER_MARK)
                if stripped:
                    yield Line(number, stripped)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadInput(
                f"{path} breaks off or is damaged after line {number}:"
                " it is no whole gzip file. Fetch it again."
            ) from error


def _cut(file: IO[bytes]) -> Iterator[bytes]:
    """Lines, of a very long one its beginning: a small file may unzip to gigabytes."""
    for text in iter(partial(file.readline, _LONGEST_LINE), b""):
        yield text
        rest = text
        while len(rest) == _LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(_LONGEST_LINE)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unzipped where it is zipped. Raises BadInput."""
    try:
        plain = path.open("rb")
    except FileNotFoundError as error:
        raise BadInput(
            f"{path} is not there. Check the path, or give another."
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    with plain:
        try:
            zipped = plain.read(2) == _GZIP_MAGIC
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
        plain.seek(0)
        if path.suffix == ".gz" and not zipped and path.stat().st_size:
            raise BadInput(
                f"{path} is named .gz and is no gzip file."
                " Take .gz off its name if it is plain text, or fetch it again."
            )
        if not zipped:
            yield plain
            return
        with gzip.open(plain, "rb") as unzipped:
            yield io.BufferedReader(_Unzipped(unzipped), _BUFFER_BYTES)


class _Unzipped(io.RawIOBase):
    """A gzip file as a buffer fills itself from it: gzip's own lines are slow.

    What was unzipped before a damage is given first.
    """

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        found = self._file.read1(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def _is_object(text: bytes) -> bool:
    if text[:1] != b"{":
        return False
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def sha256(path: Path) -> str:
    """The fingerprint of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
