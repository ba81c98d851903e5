"""The durable log on a local disk: append-only segments, fsynced before the answer.

`durable` holds the position up to which readers may read: it moves
only after an fsync, so that nobody loads what a power cut could still take back.
"""

import contextlib
import fcntl
import itertools
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from uuid import uuid4

from ingestion.frames import frame, frames, segment_path, segment_starts
from ingestion.log import Stretch
from ingestion.mark import Mark, make_mark
from ingestion.records import Record
from ingestion.sealing import Plain, Sealing
from warehouse.durable import private_folder, put, synced_folder
from warehouse.errors import BadInput, LogUnusable, Unavailable

SEGMENT_BYTES: Final = 64 * 1024 * 1024
BYTES_AT_ONCE: Final = 64 * 1024 * 1024

PLAIN: Final = Plain()
_PATIENCE_S: Final = 2.0


class SegmentReader:
    """Reads a log that another process may be writing."""

    def __init__(self, folder: Path, sealing: Sealing = PLAIN) -> None:
        self._folder = folder
        self._sealing = sealing
        self._identity = _identity(folder)
        self._mark = Mark(folder)

    @property
    def identity(self) -> str:
        """The log's own id, made with its folder."""
        return self._identity

    def close(self) -> None:
        """Let go of the folder."""
        self._mark.close()

    def begin(self) -> int:
        """The position of the first record that is kept: those before were dropped."""
        return kept_from(self._folder)

    def end(self) -> int:
        """The position after the last durable record."""
        return self._mark.read()

    def read(
        self, position: int, *, limit: int, limit_bytes: int = BYTES_AT_ONCE
    ) -> Stretch:
        """Records from a position on until they have `limit` rows; none at the end."""
        with self._readable():
            found = _with_rows(self.frames(position, self.end()), limit)
            return _stretch(position, _up_to(found, position + limit_bytes))

    def reread(self, first: int, last: int) -> Stretch:
        """Exactly the records between two positions. Raises BadInput if it cannot."""
        with self._readable():
            stretch = _stretch(first, self.frames(first, last))
        if stretch.last != last:
            raise BadInput(
                f"The log in {self._folder} cannot be read from {first} to {last}:"
                f" it breaks off at {stretch.last}."
            )
        return stretch

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LogUnusable(
                f"The log in {self._folder} cannot be read: {error.strerror}."
            ) from error

    def frames(self, position: int, end: int) -> Iterator[tuple[Record, int]]:
        """The records between two positions, each with the position after it."""
        starts = segment_starts(self._folder)
        for start, following in itertools.pairwise([*starts, max(end, *starts, 0)]):
            if following <= position:
                continue
            if position >= end or position < start:
                return  # at the end, or what lies between cannot be read
            for record, after in frames(self._folder, start, position):
                if after > min(following, end):
                    break
                yield self._sealing.opened(record), after
                position = after


class SegmentLog(SegmentReader):
    """The log with the right to append: one process at a time."""

    def __init__(
        self,
        folder: Path,
        lock: int,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        sealing: Sealing = PLAIN,
    ) -> None:
        super().__init__(folder, sealing)
        self._lock_descriptor = lock
        self._segment_bytes = segment_bytes
        self._joining = threading.Lock()
        self._committing = threading.Lock()
        self._group = _Group()
        starts = segment_starts(folder) or [self._new_segment(0)]
        self._segment = self._opened(starts[-1])

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        sealing: Sealing = PLAIN,
    ) -> Self:
        """Open a log for appending: make it, or cut off what a crash left torn.

        Raises Unavailable when another process holds it or the disk says no,
        BadInput when what was acknowledged is damaged.
        """
        try:
            prepare(folder)
            lock = _locked(folder, patience_s=_PATIENCE_S)
            try:
                recover(folder)
                return cls(folder, lock, segment_bytes=segment_bytes, sealing=sealing)
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            raise Unavailable(
                f"The log in {folder} cannot be opened: {error.strerror}."
            ) from error

    def close(self) -> None:
        """Wait for what is being written, then let the next writer in."""
        with self._committing:
            os.close(self._segment.descriptor)
            os.close(self._lock_descriptor)
        super().close()

    def append(self, records: Sequence[Record]) -> int:
        """Put records at the end; durable at return.

        Callers that come while others wait for the disk share one fsync. Raises
        Unavailable when the disk refuses; the log is then as it was before.
        """
        framed = b"".join([frame(self._sealing.sealed(record)) for record in records])
        with self._joining:
            group = self._group
            place = group.join(framed)
        with self._committing:
            if not group.done:
                with self._joining:
                    self._group = _Group()
                self._commit(group)
        if group.failure is not None:
            raise Unavailable(
                f"The log in {self._folder} cannot be written:"
                f" {group.failure.strerror}."
            ) from group.failure
        return group.first + place

    def _commit(self, group: "_Group") -> None:
        try:
            if self._segment.size >= self._segment_bytes:
                start = self._new_segment(self._segment.end)
                os.close(self._segment.descriptor)
                self._segment = self._opened(start)
            self._write(b"".join(group.framed))
        except OSError as error:
            group.failure = error
        else:
            group.first = self._segment.end
            self._segment.size += group.size
            self._mark.write(self._segment.end)
        group.done = True

    def _write(self, framed: bytes) -> None:
        """All of it durably in the segment, or none."""
        segment = self._segment
        try:
            left = memoryview(framed)
            offset = segment.size
            while left:
                written = os.pwrite(segment.descriptor, left, offset)
                left, offset = left[written:], offset + written
            os.fdatasync(segment.descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(segment.descriptor, segment.size)
            raise

    def _new_segment(self, start: int) -> int:
        path = segment_path(self._folder, start)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        synced_folder(self._folder)
        return start

    def _opened(self, start: int) -> "_Segment":
        path = segment_path(self._folder, start)
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        return _Segment(start, path.stat().st_size, descriptor)


@dataclass(slots=True)
class _Segment:
    start: int
    size: int
    descriptor: int

    @property
    def end(self) -> int:
        return self.start + self.size


@dataclass(slots=True)
class _Group:
    """Appends that share one fsync."""

    framed: list[bytes] = field(default_factory=list)
    size: int = 0
    first: int = 0
    done: bool = False
    failure: OSError | None = None

    def join(self, framed: bytes) -> int:
        self.framed.append(framed)
        self.size += len(framed)
        return self.size


def open_for_reading(folder: Path, sealing: Sealing = PLAIN) -> SegmentReader:
    """Open a log to read. Where nobody writes it, what a crash left is mended first.

    Raises Unavailable when the folder cannot be used.
    """
    try:
        prepare(folder)
        with contextlib.suppress(Unavailable):
            lock = _locked(folder, patience_s=0)
            try:
                recover(folder)
            finally:
                os.close(lock)
        return SegmentReader(folder, sealing)
    except OSError as error:
        raise Unavailable(
            f"The log in {folder} cannot be opened: {error.strerror}."
        ) from error


def prepare(folder: Path) -> None:
    """Make the folder of a log with its identity and its mark, where absent."""
    private_folder(folder)
    if not (folder / "identity").exists():
        put(folder / "identity", uuid4().hex.encode(), only_new=True)
    make_mark(folder)


def recover(folder: Path) -> int:
    """Cut a torn tail off, make the rest durable; the log's end. Needs the lock.

    Raises BadInput, changing nothing, when bytes that were acknowledged are damaged:
    to cut there would take whole records after them away too.
    """
    starts = segment_starts(folder)
    end = 0
    with closing(Mark(folder)) as mark:
        if starts:
            end = starts[-1]
            for _, after in frames(folder, starts[-1], starts[-1]):
                end = after
            with segment_path(folder, starts[-1]).open("r+b") as file:
                if end < mark.read() <= starts[-1] + os.fstat(file.fileno()).st_size:
                    raise BadInput(
                        f"The log in {folder} is damaged at position {end}, before"
                        f" its durable end at {mark.read()}. Restore"
                        f" {Path(file.name).name} from a copy; or move the folder"
                        " away to start an empty log, and keep it: what stands"
                        " before the damage, and after, is not lost."
                    )
                file.truncate(end - starts[-1])
                os.fsync(file.fileno())
        mark.write(end)
    return end


def _locked(folder: Path, *, patience_s: float) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    attempts = max(1, round(patience_s / 0.05))
    for _ in range(attempts):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(min(patience_s, 0.05))
        else:
            return descriptor
    os.close(descriptor)
    raise Unavailable(
        f"Another process writes the log in {folder}: one ingest service a log."
        " Stop the other one, or give this one a QUESTLOG_HOME of its own."
    )


def kept_from(folder: Path) -> int:
    """Up to where the segments of a log were dropped, because they were loaded."""
    try:
        return int((folder / "dropped").read_text())
    except FileNotFoundError:
        return 0
    except ValueError as error:
        raise BadInput(
            f"{folder / 'dropped'} does not say where the log begins. Restore it, or"
            " write the number of the first segment's name into it."
        ) from error


def drop_before(folder: Path, start: int) -> list[Path]:
    """Drop the segments before the one that begins at `start`; which they were.

    What begins the log is noted durably first: a segment that is missing beyond it
    is a damage.
    """
    gone = [segment_path(folder, one) for one in segment_starts(folder) if one < start]
    if gone:
        put(folder / "dropped", str(start).encode())
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def _identity(folder: Path) -> str:
    return (folder / "identity").read_text().strip()


def _with_rows(
    framed: Iterable[tuple[Record, int]], limit: int
) -> Iterator[tuple[Record, int]]:
    """Frames until they have so many rows; the one that has the last is whole."""
    for record, after in framed:
        yield record, after
        limit -= record.count
        if limit <= 0:
            return


def _up_to(
    framed: Iterable[tuple[Record, int]], position: int
) -> Iterator[tuple[Record, int]]:
    """Frames until one ends at a position or beyond; that one is the last."""
    for record, after in framed:
        yield record, after
        if after >= position:
            return


def _stretch(first: int, framed: Iterable[tuple[Record, int]]) -> Stretch:
    records, last = [], first
    for record, after in framed:
        records.append(record)
        last = after
    return Stretch(first, last, tuple(records))
