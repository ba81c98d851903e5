"""Drain the durable log into ClickHouse: each record once, whatever happens.

Where a block begins and ends, and the moment it was cut, is on disk before it is
sent for the first time. After a crash or an error the very same block is sent under
the same token, which ClickHouse knows if it took it.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from zlib import crc32

import msgspec

from ingestion import moments
from ingestion.blocks import RECORDS_A_BLOCK, Block, insert, without_those_there
from ingestion.breaker import Breaker
from ingestion.loader_metrics import LoaderMetrics, Waiting
from ingestion.log import LogReader, Stretch
from ingestion.records import Record
from warehouse.durable import private_folder, put
from warehouse.errors import BadInput, LogUnusable, QuestlogError, Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EVERY_S: Final = 0.5

_logger = logging.getLogger(__name__)

Connect = Callable[[], AbstractContextManager["Client"]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a log is loaded, and the block that is on its way, if one is."""

    log: str
    position: int = 0
    block: Block | None = None


class Memory(Protocol):
    """Where a loader remembers its progress, so that another can go on with it."""

    def read(self, log: str) -> Progress:
        """The progress in a log. Raises Unavailable, BadInput."""

    def write(self, progress: Progress) -> None:
        """Remember; durable at return. Raises Unavailable."""


class Loads(Protocol):
    """What can be followed for ever."""

    def loaded(self, client: "Client") -> Iterator[int]:
        """Load what there is; the records of each block once it is in."""

    def waiting(self) -> Iterator[Waiting]:
        """How far each log is loaded. Raises Unavailable."""


class Ledger:
    """The loader's durable memory: one small file beside the log."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, log: str) -> Progress:
        """The progress in a log; none yet in one that was made anew.

        Raises LogUnusable when the disk refuses, BadInput when it cannot be read.
        """
        try:
            found = msgspec.json.decode(self._path.read_bytes(), type=Progress)
        except FileNotFoundError:
            return Progress(log)
        except OSError as error:
            raise LogUnusable(
                f"{self._path} cannot be read: {error.strerror}."
            ) from error
        except msgspec.DecodeError as error:
            raise BadInput(
                f"{self._path} does not say how far the log is loaded: {error}."
                " Restore it, or remove it to load the log from its beginning:"
                " copies of an event count once."
            ) from error
        return found if found.log == log else Progress(log)

    def write(self, progress: Progress) -> None:
        """Durable at return. Raises LogUnusable when the disk refuses."""
        try:
            put(self._path, msgspec.json.encode(asdict(progress)))
        except OSError as error:
            raise LogUnusable(
                f"{self._path} cannot be written: {error.strerror}."
            ) from error


def ledger_of(folder: Path) -> Ledger:
    """The ledger of the log in a folder."""
    return Ledger(folder / "loaded.json")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Be the one loader of the log in a folder. Raises Unavailable when another is."""
    private_folder(folder)
    lock = os.open(folder / "loader.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Unavailable(
            f"Another loader works on the log in {folder}."
            " It loads what there is; nothing needs to be done."
        ) from error
    finally:
        os.close(lock)


class Loader:
    """Moves a log's records into ClickHouse, block by block, in order."""

    def __init__(
        self,
        log: LogReader,
        ledger: Memory,
        now: Callable[[], datetime],
        *,
        records_a_block: int = RECORDS_A_BLOCK,
    ) -> None:
        self._log = log
        self._ledger = ledger
        self._now = now
        self._records_a_block = records_a_block
        progress = ledger.read(log.identity)
        # of what was dropped all was loaded, whatever an older ledger says
        if progress.position < log.begin():
            progress = Progress(log.identity, log.begin())
        self._progress = progress

    @property
    def position(self) -> int:
        """The position up to which everything is in ClickHouse."""
        return self._progress.position

    def waiting(self, name: str) -> Waiting:
        """How far the log, called so, is loaded. Raises Unavailable."""
        return Waiting(name, self.position, self._log.end())

    @property
    def begun(self) -> Block | None:
        """The block that may have been sent, and is not known to be there."""
        return self._progress.block

    def drain(self, client: "Client") -> int:
        """Load until the log's present end; the number of records loaded.

        Raises Unavailable or MigrationFailed when ClickHouse does not take a block,
        LogUnusable when the log does not give it; the same call later goes on with
        the same block.
        """
        return sum(self.loaded(client))

    def loaded(self, client: "Client") -> Iterator[int]:
        """Load until the log's present end; the records of each block once it is in.

        Raises as `drain`.
        """
        if self._progress.block is not None:
            block = self._progress.block
            with _told_as_the_logs_own():
                stretch = self._log.reread(block.first, block.last)
            left = without_those_there(client, block, stretch.records)
            yield self._load(client, block, left)
        # not as far as what comes meanwhile: under load that never ends, and every
        # block would be as small as what came during the one before
        end = self._log.end()
        while self.position != end:
            with _told_as_the_logs_own():
                stretch = self._log.read(self.position, limit=self._records_a_block)
            if not stretch.records:
                raise LogUnusable(
                    f"The log ends at {end} and cannot be read at {self.position},"
                    " up to where it is loaded: it is damaged there, or is an older"
                    " copy of itself. Restore it; or remove loaded.json beside it to"
                    " load it from its beginning: copies of an event count once."
                )
            block = Block(
                first=stretch.first,
                last=stretch.last,
                loaded_at=moments.stored(self._now()),
                token=self._token(stretch),
            )
            self._remember(Progress(self._log.identity, stretch.first, block))
            yield self._load(client, block, stretch.records)
            if self.position > end:
                return

    def _token(self, stretch: Stretch) -> str:
        """Of this content at this place: a copy of a log may go on otherwise."""
        content = 0
        for record in stretch.records:
            content = crc32(record.rows, content)
        place = f"{self._log.identity}-{stretch.first}-{stretch.last}"
        return f"{place}-{content:08x}"

    def _load(self, client: "Client", block: Block, records: Sequence[Record]) -> int:
        insert(client, block, records)
        self._remember(Progress(self._log.identity, block.last))
        return sum(record.count for record in records)

    def _remember(self, progress: Progress) -> None:
        self._ledger.write(progress)
        self._progress = progress


@contextmanager
def _told_as_the_logs_own() -> Iterator[None]:
    """A log that breaks off, or does not open under its key, stops no other."""
    try:
        yield
    except BadInput as error:
        raise LogUnusable(str(error)) from error


@dataclass(frozen=True, slots=True)
class Following:
    """How a loader goes on for ever; `pause(seconds)` sleeps and says whether to stop.

    `after` is called after each block, each round and each failure.
    """

    pause: Callable[[float], bool]
    breaker: Breaker
    metrics: LoaderMetrics
    after: Callable[[], None] = lambda: None
    every_s: float = EVERY_S


def follow(loader: Loads, connect: Connect, how: Following) -> None:
    """Load for ever; while ClickHouse is away wait longer and longer, and try again."""
    breaker, metrics = how.breaker, how.metrics
    while True:
        try:
            breaker.trying()
            with connect() as client:
                while True:
                    for rows, took_s in _timed(loader.loaded(client), metrics):
                        breaker.succeeded()
                        metrics.loaded(rows, took_s=took_s)
                        how.after()
                    breaker.succeeded()
                    how.after()
                    if how.pause(how.every_s):
                        return
        except QuestlogError as error:
            wait = breaker.failed()
            metrics.failed(error)
            # whatever it is, the door goes on taking events: say it until it is mended
            _logger.warning("%s Trying again in %.1f s.", error, wait)
        how.after()
        if how.pause(wait):
            return


def _timed(
    blocks: Iterator[int], metrics: LoaderMetrics
) -> Iterator[tuple[int, float]]:
    """Each block's records, and the seconds that it took."""
    began = metrics.seconds()
    for rows in blocks:
        yield rows, metrics.seconds() - began
        began = metrics.seconds()
