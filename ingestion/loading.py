"""Run the loader of an installation, once or until SIGTERM."""

import contextlib
import logging
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestion.breaker import Breaker
from ingestion.disk import free_bytes
from ingestion.giving_back import EVERY_S, give_back, settle
from ingestion.journal import tell_as_json
from ingestion.kafka import Topic
from ingestion.loader import Following, follow, only_one
from ingestion.loader_metrics import LoaderMetrics, MetricsPort
from ingestion.log_loaders import LogLoaders
from ingestion.retention import drop_loaded
from ingestion.sealing import sealing_of
from ingestion.sieve import SievedLog
from warehouse.clickhouse import connect
from warehouse.errors import LogUnusable, Unavailable
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.vault import Vault, open_vault

if TYPE_CHECKING:
    from ingestion.kafka_loading import SharedLoader

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
    metrics = LoaderMetrics(state)
    port = MetricsPort(settings, metrics)
    # before the first try, which a hanging ClickHouse may hold up
    port.open()
    pause = threading.Event().wait
    with open_vault(settings) as vault, _loads(settings, vault, now) as loads:
        chores = Chores(
            Home(settings.home).log, settings, metrics, now, loads, port.open
        )
        how = Following(pause, state, metrics, after=chores.do)
        follow(loads, partial(connect, settings), how)


@contextmanager
def _loads(
    settings: Settings, vault: Vault, now: Callable[[], datetime]
) -> "Iterator[SharedLoader | LogLoaders]":
    """The loaders of the logs on this disk, or of our share of a topic."""
    folder = Home(settings.home).log
    topic = Topic.of(settings)
    if topic is not None:
        from ingestion.kafka_loading import SharedLoader

        sieved = partial(SievedLog, graveyard=vault)
        with SharedLoader(topic, now, sieved=sieved) as shared:
            yield shared
        return
    with (
        only_one(folder),
        closing(LogLoaders(folder, vault, sealing_of(settings), now)) as loaders,
    ):
        yield loaders


@dataclass(slots=True)
class Chores:
    """What is done beside loading, once a second at most: tell, and make room.

    Room is made on the disk, where the logs are on it, and, every ten seconds, in
    memory.
    """

    folder: Path
    settings: Settings
    metrics: LoaderMetrics
    now: Callable[[], datetime]
    loads: "SharedLoader | LogLoaders"
    open_port: Callable[[], None] = lambda: None
    _done_at: float = field(default=-_LOOKED_AFTER_S)
    _given_back_at: float = field(default_factory=time.monotonic)

    def do(self) -> None:
        """Do what is due."""
        self.metrics.alive()
        now = time.monotonic()
        if now - self._done_at < _LOOKED_AFTER_S:
            return
        self._done_at = now
        self.open_port()
        if now - self._given_back_at >= EVERY_S:
            self._given_back_at = now
            give_back()
        self._look()
        if isinstance(self.loads, LogLoaders):
            for folder, position in self.loads.positions():
                self._make_room(folder, position)

    def _look(self) -> None:
        loads = self.loads
        unusable = len(loads.unusable) if isinstance(loads, LogLoaders) else 0
        # brokers that are away are told of by loading itself, as a failure
        with contextlib.suppress(Unavailable):
            self.metrics.look(loads.waiting(), unusable=unusable)

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
