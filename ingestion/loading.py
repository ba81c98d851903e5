"""Run the loader of an installation, once or until SIGTERM."""

import logging
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from ingestion import breaker
from ingestion.breaker import Breaker
from ingestion.disk import free_bytes
from ingestion.giving_back import EVERY_S, give_back, settle
from ingestion.journal import tell_as_json
from ingestion.kafka import Topic
from ingestion.loader import Following, follow, loader_state_of, only_one
from ingestion.log_loaders import LogLoaders, tell_unusable
from ingestion.retention import drop_loaded
from ingestion.sealing import sealing_of
from ingestion.sieve import SievedLog
from warehouse.clickhouse import connect
from warehouse.durable import private_folder
from warehouse.errors import LogUnusable
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.vault import open_vault

_LOOKED_AFTER_S: Final = 1.0

_logger = logging.getLogger(__name__)


def load_once(settings: Settings, now: Callable[[], datetime]) -> int:
    """Load what lies in the log now; how many records that were."""
    topic = Topic.of(settings)
    if topic is not None:
        from ingestion.kafka_loading import SharedLoader

        with (
            open_vault(settings) as vault,
            SharedLoader(
                topic, now, sieved=partial(SievedLog, graveyard=vault)
            ) as shared,
            connect(settings) as client,
        ):
            shared.wait_for_partitions()
            return shared.drain(client)
    folder = Home(settings.home).log
    with (
        only_one(folder),
        open_vault(settings) as vault,
        closing(LogLoaders(folder, vault, sealing_of(settings), now)) as loaders,
        connect(settings) as client,
    ):
        count = sum(loaders.loaded(client))
        if loaders.unusable:
            told = " ".join(str(error) for error in loaders.unusable.values())
            raise LogUnusable(f"{told} Of the other logs {count} records are loaded.")
        return count


def load_for_ever(settings: Settings, now: Callable[[], datetime]) -> None:
    """Load until SIGTERM.

    Raises Unavailable when another loader is at work on the disk's log; the loaders of
    a topic share it.
    """
    tell_as_json()
    settle()
    # whatever is under way may be left: the same block is sent again next time
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sys.exit(0))
    state = Breaker(random.random)
    pause = threading.Event().wait
    folder = Home(settings.home).log
    topic = Topic.of(settings)
    if topic is not None:
        from ingestion.kafka_loading import SharedLoader

        with (
            open_vault(settings) as vault,
            SharedLoader(
                topic, now, sieved=partial(SievedLog, graveyard=vault)
            ) as shared,
        ):
            private_folder(folder)
            chores = Chores(folder, settings, state, now)
            how = Following(pause, state, after=chores.do)
            follow(shared, partial(connect, settings), how)
        return
    with (
        only_one(folder),
        open_vault(settings) as vault,
        closing(LogLoaders(folder, vault, sealing_of(settings), now)) as loaders,
    ):
        chores = Chores(folder, settings, state, now, loaders)
        how = Following(pause, state, after=chores.do)
        follow(loaders, partial(connect, settings), how)


@dataclass(slots=True)
class Chores:
    """What is done beside loading, once a second at most: tell, and make room.

    `loaders` are of logs on this disk, where there are any. Room is made on the disk
    and, every ten seconds, in memory.
    """

    folder: Path
    settings: Settings
    breaker: Breaker
    now: Callable[[], datetime]
    loaders: LogLoaders | None = None
    _said: str = ""
    _unusable: int = -1
    _done_at: float = field(default=-_LOOKED_AFTER_S)
    _given_back_at: float = field(default_factory=time.monotonic)

    def do(self) -> None:
        """Do what is due."""
        is_time = time.monotonic() - self._done_at >= _LOOKED_AFTER_S
        if is_time or self._said != self.breaker.state:
            self._said = self.breaker.state
            breaker.tell(loader_state_of(self.folder), self.breaker.state)
        if is_time:
            self._done_at = time.monotonic()
            if self._done_at - self._given_back_at >= EVERY_S:
                self._given_back_at = self._done_at
                give_back()
            if self.loaders is not None:
                self._tell_unusable(len(self.loaders.unusable))
                for folder, position in self.loaders.positions():
                    self._make_room(folder, position)

    def _tell_unusable(self, count: int) -> None:
        if count != self._unusable:
            tell_unusable(self.folder, count)
            self._unusable = count

    def _make_room(self, folder: Path, position: int) -> None:
        reserve = self.settings.ingest_disk_reserve_mb * 1024**2
        try:
            drop_loaded(
                folder,
                loaded=position,
                now=self.now(),
                keep=timedelta(hours=self.settings.log_keep_hours),
                # before the door has to refuse events, which it does at the reserve
                is_low=free_bytes(self.folder) < 2 * reserve,
            )
        except OSError as error:
            # loading goes on without; the next second it is tried again
            _logger.warning(
                "Loaded segments stay in the log in %s: %s.", folder, error.strerror
            )
