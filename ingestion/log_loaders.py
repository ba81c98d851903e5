"""One loader for all the logs of an installation: a block of each in turn."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.loader import Loader, ledger_of
from ingestion.logs import logs
from ingestion.sealing import Sealing
from ingestion.segments import SegmentReader, open_for_reading
from ingestion.sieve import Graveyard, SievedLog

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class LogLoaders:
    """The loaders of the logs in a folder; a log that comes later gets one too.

    Each log keeps its own ledger and its own order. Who reads by the moment of a load
    finds no block behind one of a later moment: blocks are cut one after the other,
    and those that a crash interrupted go first.
    """

    def __init__(
        self,
        folder: Path,
        graveyard: Graveyard,
        sealing: Sealing,
        now: Callable[[], datetime],
    ) -> None:
        self._folder = folder
        self._graveyard = graveyard
        self._sealing = sealing
        self._now = now
        self._logs: dict[Path, SegmentReader] = {}
        self._loaders: dict[Path, Loader] = {}
        self._find()

    def close(self) -> None:
        """Let go of the logs."""
        for log in self._logs.values():
            log.close()

    def positions(self) -> Iterator[tuple[Path, int]]:
        """The folder of each log, and up to where all of it is in ClickHouse."""
        for folder, loader in self._loaders.items():
            yield folder, loader.position

    def loaded(self, client: "Client") -> Iterator[int]:
        """Load until the logs' present ends; the records of each block once it is in.

        Raises as `Loader.drain`.
        """
        self._find()
        begun = [one for one in self._loaders.values() if one.begun is not None]
        for behind in sorted(begun, key=_cut_at):
            yield next(behind.loaded(client))
        rounds = [one.loaded(client) for one in self._loaders.values()]
        while rounds:
            for one in list(rounds):
                count = next(one, None)
                if count is None:
                    rounds.remove(one)
                else:
                    yield count

    def _find(self) -> None:
        for folder in logs(self._folder).values():
            if folder not in self._loaders:
                log = open_for_reading(folder, self._sealing)
                self._logs[folder] = log
                self._loaders[folder] = Loader(
                    SievedLog(log, self._graveyard), ledger_of(folder), self._now
                )


def _cut_at(loader: Loader) -> str:
    return "" if loader.begun is None else loader.begun.loaded_at
