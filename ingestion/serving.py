"""Run the ingest service of an installation until SIGTERM."""

import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestion import breaker
from ingestion.app import WRITERS, Service, application
from ingestion.canary import sing
from ingestion.consent import Standing
from ingestion.countries import opened as opened_countries
from ingestion.disk import Watermark, free_bytes
from ingestion.door import Keeping
from ingestion.journal import tell_as_json
from ingestion.judging import Rules
from ingestion.kafka import Committed, KafkaLog, Topic
from ingestion.keys import KeyRing
from ingestion.loader import ledger_of, loader_state_of
from ingestion.log import Log
from ingestion.metrics import Measure, Metrics
from ingestion.quotas import Quotas
from ingestion.sealing import sealing_of
from ingestion.segments import SegmentLog
from ingestion.webhooks.definitions import secrets_of, webhooks
from warehouse.errors import StackFailed
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.taxonomy import load
from warehouse.vault import open_vault

if TYPE_CHECKING:
    from types import FrameType

# idle connections end at once; this is for requests that are under way
GRACE_S: Final = 8

_logger = logging.getLogger(__name__)


def serve_ingest(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; what was taken by then is kept and answered.

    Raises StackFailed when the port is taken, Unavailable when another process
    writes the log, BadTaxonomy when the event definitions have faults, BadSetting
    for secrets of webhooks that nobody defined.
    """
    import uvicorn

    tell_as_json()
    with ExitStack() as held:
        listening = held.enter_context(_listening(settings))
        service = held.enter_context(opened(settings, lambda: datetime.now(UTC)))
        config = uvicorn.Config(
            application(service),
            log_config=None,
            access_log=False,
            server_header=False,
            # nobody's address is asked for
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=30,
        )
        host, port = listening.getsockname()[:2]
        _logger.info("The ingest service listens on http://%s:%s", host, port)
        # uvicorn raises the signal again once it has stopped
        signal.signal(signal.SIGTERM, _end)
        uvicorn.Server(config).run(sockets=[listening])


def _end(_signal: int, _frame: "FrameType | None") -> None:
    sys.exit(0)


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.ingest_host, settings.ingest_port
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise StackFailed(
            f"The ingest service cannot listen on {host}:{port}: {error.strerror}."
            " Stop what holds the port, or set QUESTLOG_INGEST_PORT or"
            " QUESTLOG_INGEST_HOST."
        ) from error
    return listening


@contextmanager
def opened(settings: Settings, now: Callable[[], datetime]) -> Iterator[Service]:
    """The service of an installation: its log held, its vault open."""
    home = Home(settings.home)
    taxonomy = load()
    countries = opened_countries(settings.country_database)
    rules = Rules.of(taxonomy, country_of=countries)
    told = webhooks(secrets_of(settings.webhook_secrets), taxonomy)
    free = partial(free_bytes, home.root)
    reserve = settings.ingest_disk_reserve_mb * 1024**2
    with (
        _kept(settings) as kept,
        open_vault(settings) as vault,
        ThreadPoolExecutor(WRITERS, thread_name_prefix="writer") as writers,
    ):
        standing = Standing(
            vault, allowed_by_default=settings.analytics_consent_default
        )
        yield Service(
            rules=rules,
            keeping=Keeping(kept.log, vault, standing),
            keys=KeyRing(
                home.write_keys, environment=settings.ingest_environment, now=now
            ),
            metrics=Metrics(
                log_position=kept.log.end,
                loaded_position=kept.loaded,
                measures=(
                    *kept.measures,
                    ("disk_free_bytes", "Free beside the log", free),
                    ("disk_reserve_bytes", "With fewer free: 503", lambda: reserve),
                ),
            ),
            now=now,
            writers=writers,
            quotas=Quotas(settings.ingest_events_per_second),
            disk=Watermark(free, reserve=reserve),
            webhooks=told,
            canary=_canary(settings, kept.log, writers, now),
        )


def _canary(
    settings: Settings,
    log: Log,
    writers: ThreadPoolExecutor,
    now: Callable[[], datetime],
) -> Callable[[], Coroutine[Any, Any, None]] | None:
    if not settings.ingest_canary_seconds:
        return None
    return partial(
        sing,
        log,
        writers,
        door=f"{socket.gethostname()}:{settings.ingest_port}",
        now=now,
        every_s=settings.ingest_canary_seconds,
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """The log of an installation; `loaded` says up to where loaders are."""

    log: Log
    loaded: Callable[[], int]
    measures: tuple[Measure, ...] = ()


@contextmanager
def _kept(settings: Settings) -> Iterator[_Kept]:
    topic = Topic.of(settings)
    if topic is not None:
        with closing(Committed(topic)) as committed, closing(KafkaLog(topic)) as log:
            yield _Kept(log, lambda: committed.position)
        return
    folder = Home(settings.home).log
    ledger = ledger_of(folder)
    with closing(SegmentLog.open(folder, sealing=sealing_of(settings))) as segments:
        yield _Kept(
            segments,
            lambda: ledger.read(segments.identity).position,
            (
                *_of_the_loader(folder),
                ("log_bytes", "Size of the log", partial(_log_bytes, folder)),
            ),
        )


def _of_the_loader(folder: Path) -> Iterator[Measure]:
    told = loader_state_of(folder)
    meaning = "0 closed, 1 half open, 2 open (ClickHouse is away), -1 not known"
    yield "loader_breaker", meaning, lambda: breaker.told(told)
    meaning = "Seconds since the loader gave a sign of life; -1: never"
    yield (
        "loader_seen_seconds",
        meaning,
        lambda: breaker.told_s_ago(told, now=time.time()),
    )


def _log_bytes(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in folder.glob("*.segment"))
