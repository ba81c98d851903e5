"""`questlog serve metrics`: what batches left in `ops`, and how Airflow is."""

import importlib.metadata
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from questlog.watch.airflow import health
from questlog.watch.figures import Figure, figures
from warehouse.clickhouse import connect
from warehouse.errors import QuestlogError
from warehouse.home import Home
from warehouse.service_levels import service_levels
from warehouse.settings import Settings

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_KEPT_S = 10.0


class Exporter:
    """Reads the figures when it is asked for them, every ten seconds at most."""

    def __init__(
        self, settings: Settings, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._seconds = seconds
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._kept: list[Figure] = []

    def collect(self) -> "Iterator[GaugeMetricFamily]":
        """The figures as prometheus_client wants them."""
        from prometheus_client.core import GaugeMetricFamily

        with self._lock:
            if self._seconds() - self._read_at >= _KEPT_S:
                self._kept = [
                    *self._of_the_warehouse(),
                    *self._of_airflow(),
                    *self._of_the_machine(),
                ]
                self._read_at = self._seconds()
            kept = self._kept
        for figure in kept:
            family = GaugeMetricFamily(
                f"questlog_{figure.name}", figure.meaning, labels=figure.labels
            )
            for labels, value in figure.values:
                family.add_metric(labels, value)
            yield family

    def _of_the_warehouse(self) -> list[Figure]:
        meaning = "1 while ClickHouse answers"
        try:
            with connect(self._settings) as client:
                found = figures(client, service_levels())
        except QuestlogError:
            # told as a figure, which an alert is about
            return [Figure("warehouse_up", meaning, (), (((), 0.0),))]
        return [Figure("warehouse_up", meaning, (), (((), 1.0),)), *found]

    def _of_airflow(self) -> list[Figure]:
        if not self._settings.airflow_url:
            return []
        values = tuple(
            ((part,), float(is_well))
            for part, is_well in health(self._settings.airflow_url).items()
        )
        meaning = "1 while this process of Airflow is well"
        return [Figure("airflow_up", meaning, ("process",), values)]

    def _of_the_machine(self) -> list[Figure]:
        disk = shutil.disk_usage(_existing(Home(self._settings.home.resolve()).root))
        version = importlib.metadata.version("questlog")
        return [
            Figure(
                "home_free_bytes",
                "Free on the disk of the home",
                (),
                (((), float(disk.free)),),
            ),
            Figure(
                "home_disk_bytes", "Size of that disk", (), (((), float(disk.total)),)
            ),
            Figure("build_info", "Always 1", ("version",), (((version,), 1.0),)),
        ]


def application(settings: Settings) -> "Starlette":
    """The exporter as a service: /metrics and /healthz."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
    from prometheus_client import generate_latest as exposed
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Route

    registry = CollectorRegistry()
    registry.register(Exporter(settings))

    # not async: the queries run in a thread
    def metrics(_: "Request") -> "Response":
        return Response(exposed(registry), media_type=CONTENT_TYPE_LATEST)

    async def healthy(_: "Request") -> "Response":
        return PlainTextResponse("ok")

    return Starlette(routes=[Route("/metrics", metrics), Route("/healthz", healthy)])


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(one for one in (folder, *folder.parents) if one.exists())
