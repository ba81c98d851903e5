"""Run the ingest service of an installation until SIGTERM."""

import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ingestion.app import WRITERS, Service, application
from ingestion.canary import sing
from ingestion.consent import Standing
from ingestion.countries import opened as opened_countries
from ingestion.disk import Watermark, free_bytes
from ingestion.door import Keeping
from ingestion.giving_back import keep_giving_back, settle
from ingestion.journal import tell_as_json
from ingestion.judging import Rules
from ingestion.kafka import Committed, KafkaLog, Topic
from ingestion.keys import KeyRing
from ingestion.listening import listening, shared
from ingestion.loader import ledger_of
from ingestion.log import Log
from ingestion.logs import log_folder
from ingestion.metrics import Measure, Metrics
from ingestion.quotas import Buckets, Quotas
from ingestion.sealing import sealing_of
from ingestion.segments import SegmentLog
from ingestion.shared_buckets import SharedBuckets
from ingestion.told_together import Numbers, ToldTogether
from ingestion.webhooks.definitions import secrets_of, webhooks
from ingestion.workers import Workers
from warehouse.durable import private_folder
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.taxonomy import load
from warehouse.vault import open_vault

if TYPE_CHECKING:
    from types import FrameType

OF_A_LOG: Final = frozenset(
    f"questlog_{name}"
    for name in (
        "log_position_bytes",
        "loaded_position_bytes",
        "loader_lag_bytes",
        "log_bytes",
    )
)
"""The measures that add up over the logs of several workers."""

# idle connections end at once; this is for requests that are under way
GRACE_S: Final = 8

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """Which worker a process is, and what it shares with the others."""

    worker: int = 0
    numbers: Numbers | None = None
    buckets: Buckets | None = None


ALONE: Final = Post()


def serve_ingest(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; what was taken by then is kept and answered.

    Raises StackFailed when the port is taken, Unavailable when another process
    writes the log, BadTaxonomy when the event definitions have faults, BadSetting
    for secrets of webhooks that nobody defined.
    """
    tell_as_json()
    count = settings.ingest_workers
    if count == 1:
        with listening(settings) as alone:
            _serve(settings, ALONE, alone)
        return
    numbers = _numbers(settings, count)
    numbers.forget()
    buckets = SharedBuckets()

    def serve(number: int, mine: socket.socket, ready: Callable[[], None]) -> None:
        post = Post(number, numbers.of(number), buckets)
        _serve(settings, post, mine, ready)

    with shared(settings, count) as sockets:
        Workers(sockets, serve).run()


def _serve(
    settings: Settings,
    post: Post,
    listens: socket.socket,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve as one worker."""
    import uvicorn

    now = partial(datetime.now, UTC)
    with opened(settings, now, post) as service:
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
        host, port = listens.getsockname()[:2]
        _logger.info("The ingest service listens on http://%s:%s", host, port)
        # uvicorn raises the signal again once it has stopped
        signal.signal(signal.SIGTERM, _end)
        settle()
        ready()
        # what is there now stays: it need not be looked through for garbage again
        gc.collect()
        gc.freeze()
        uvicorn.Server(config).run(sockets=[listens])


def _end(_signal: int, _frame: "FrameType | None") -> None:
    sys.exit(0)


def _numbers(settings: Settings, workers: int) -> Numbers:
    run = Home(settings.home).run
    private_folder(run)
    # on Kafka all workers see one topic, whole
    is_shared = Topic.of(settings) is not None
    return Numbers(
        files=[run / f"door-{number}.json" for number in range(workers)],
        summed=frozenset() if is_shared else OF_A_LOG,
    )


@contextmanager
def opened(
    settings: Settings, now: Callable[[], datetime], post: Post = ALONE
) -> Iterator[Service]:
    """The service of an installation: its log held, its vault open."""
    home = Home(settings.home)
    taxonomy = load()
    countries = opened_countries(settings.country_database)
    rules = Rules.of(taxonomy, country_of=countries)
    told = webhooks(secrets_of(settings.webhook_secrets), taxonomy)
    free = partial(free_bytes, home.root)
    reserve = settings.ingest_disk_reserve_mb * 1024**2
    with (
        _kept(settings, post.worker) as kept,
        open_vault(settings) as vault,
        ThreadPoolExecutor(WRITERS, thread_name_prefix="writer") as writers,
    ):
        standing = Standing(
            vault, allowed_by_default=settings.analytics_consent_default
        )
        metrics = Metrics(
            log_position=kept.log.end,
            loaded_position=kept.loaded,
            measures=(
                *kept.measures,
                ("disk_free_bytes", "Free beside the log", free),
                ("disk_reserve_bytes", "With fewer free: 503", lambda: reserve),
            ),
        )
        together = post.numbers and ToldTogether(metrics, post.numbers)
        canary = _canary(settings, post, kept.log, writers, now)
        yield Service(
            rules=rules,
            keeping=Keeping(kept.log, vault, standing),
            keys=KeyRing(
                home.write_keys, environment=settings.ingest_environment, now=now
            ),
            metrics=metrics,
            now=now,
            writers=writers,
            quotas=Quotas(settings.ingest_events_per_second, post.buckets),
            disk=Watermark(free, reserve=reserve),
            webhooks=told,
            beside=(
                keep_giving_back,
                *canary,
                *((together.keep_on,) if together else ()),
            ),
            exposed=together.exposed if together else None,
        )


def _canary(
    settings: Settings,
    post: Post,
    log: Log,
    writers: ThreadPoolExecutor,
    now: Callable[[], datetime],
) -> Iterator[Callable[[], Coroutine[Any, Any, None]]]:
    if settings.ingest_canary_seconds:
        address = f"{socket.gethostname()}:{settings.ingest_port}"
        yield partial(
            sing,
            log,
            writers,
            door=f"{address}/{post.worker}" if post.worker else address,
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
def _kept(settings: Settings, worker: int) -> Iterator[_Kept]:
    home = Home(settings.home)
    topic = Topic.of(settings)
    if topic is not None:
        with closing(Committed(topic)) as committed, closing(KafkaLog(topic)) as log:
            yield _Kept(log, lambda: committed.position)
        return
    folder = log_folder(home.log, worker)
    ledger = ledger_of(folder)
    with closing(SegmentLog.open(folder, sealing=sealing_of(settings))) as segments:
        yield _Kept(
            segments,
            lambda: ledger.read(segments.identity).position,
            (("log_bytes", "Size of the log", partial(_log_bytes, folder)),),
        )


def _log_bytes(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in folder.glob("*.segment"))
