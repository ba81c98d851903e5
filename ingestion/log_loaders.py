"""One loader for all the logs of an installation: a block of each in turn."""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.breaker import Breaker
from ingestion.loader import Loader, ledger_of
from ingestion.loader_metrics import Waiting
from ingestion.logs import logs
from ingestion.sealing import Sealing
from ingestion.segments import SegmentReader, open_for_reading
from ingestion.sieve import Graveyard, SievedLog
from warehouse.errors import LogUnusable, QuestlogError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Opened:
    log: SegmentReader
    loader: Loader


@dataclass(slots=True)
class _SetAside:
    """Why a log is not loaded now, and when that is tried again."""

    error: QuestlogError
    again_at: float
    breaker: Breaker = field(default_factory=lambda: Breaker(random.random))


class LogLoaders:
    """The loaders of the logs in a folder; a log that comes later gets one too.

    Each log keeps its own ledger and its own order. Who reads by the moment of a load
    finds no block behind one of a later moment: blocks are cut one after the other,
    and those that a crash interrupted go first. A log that cannot be used holds up no
    other: it is set aside, told, and opened anew after a while, each time a longer one.
    """

    def __init__(
        self,
        folder: Path,
        graveyard: Graveyard,
        sealing: Sealing,
        now: Callable[[], datetime],
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._graveyard = graveyard
        self._sealing = sealing
        self._now = now
        self._seconds = seconds
        self._opened: dict[Path, _Opened] = {}
        self._aside: dict[Path, _SetAside] = {}
        self._open_those_there()

    def close(self) -> None:
        """Let go of the logs."""
        for one in self._opened.values():
            one.log.close()

    def positions(self) -> Iterator[tuple[Path, int]]:
        """The folder of each log, and up to where all of it is in ClickHouse."""
        for folder, one in self._opened.items():
            yield folder, one.loader.position

    def waiting(self) -> Iterator[Waiting]:
        """How far each log is loaded, by the name of its folder."""
        for folder, one in self._opened.items():
            yield one.loader.waiting(folder.name)

    @property
    def unusable(self) -> Mapping[Path, QuestlogError]:
        """What is wrong with each log that is not loaded now, by its folder."""
        return {folder: one.error for folder, one in self._aside.items()}

    def loaded(self, client: "Client") -> Iterator[int]:
        """Load until the logs' present ends; the records of each block once it is in.

        Raises as `Loader.drain`, but for what is wrong with one log.
        """
        self._open_those_there()
        begun = [
            (block.loaded_at, folder)
            for folder, one in self._opened.items()
            if (block := one.loader.begun) is not None
        ]
        for _, folder in sorted(begun):
            count = self._next(folder, self._opened[folder].loader.loaded(client))
            if count is not None:
                yield count
        rounds = {
            folder: one.loader.loaded(client) for folder, one in self._opened.items()
        }
        while rounds:
            for folder, blocks in list(rounds.items()):
                count = self._next(folder, blocks)
                if count is None:
                    del rounds[folder]
                else:
                    yield count

    def _next(self, folder: Path, blocks: Iterator[int]) -> int | None:
        try:
            count = next(blocks, None)
        except LogUnusable as error:
            self._opened.pop(folder).log.close()
            self._set_aside(folder, error)
            return None
        if self._aside.pop(folder, None) is not None:
            _logger.info("The log in %s is loaded again.", folder)
        return count

    def _open_those_there(self) -> None:
        for folder in logs(self._folder).values():
            aside = self._aside.get(folder)
            is_due = aside is None or self._seconds() >= aside.again_at
            if folder not in self._opened and is_due:
                try:
                    self._opened[folder] = self._open(folder)
                except QuestlogError as error:
                    self._set_aside(folder, error)

    def _open(self, folder: Path) -> _Opened:
        log = open_for_reading(folder, self._sealing)
        try:
            sieved = SievedLog(log, self._graveyard)
            return _Opened(log, Loader(sieved, ledger_of(folder), self._now))
        except BaseException:
            log.close()
            raise

    def _set_aside(self, folder: Path, error: QuestlogError) -> None:
        aside = self._aside.setdefault(folder, _SetAside(error, 0.0))
        wait = aside.breaker.failed()
        aside.error, aside.again_at = error, self._seconds() + wait
        _logger.warning(
            "The log in %s is not loaded, the others are: %s Trying again in %.1f s.",
            folder,
            error,
            wait,
        )
