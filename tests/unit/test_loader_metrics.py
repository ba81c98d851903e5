"""What a loader tells of itself, whoever asks and however it stands."""

import re
from dataclasses import dataclass

from prometheus_client import generate_latest

from ingestion.breaker import Breaker
from ingestion.loader_metrics import LoaderMetrics, Waiting
from warehouse.errors import MigrationFailed, Unavailable


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def told(metrics: LoaderMetrics) -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {
        name.removeprefix("questlog_"): float(value)
        for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")
        if re.match(r"questlog_(?!.*(_bucket|_created))", name)
    }


def test_blocks_rows_and_tries_that_failed_are_counted() -> None:
    breaker = Breaker(lambda: 1.0)
    metrics = LoaderMetrics(breaker)
    metrics.loaded(500, took_s=0.2)
    metrics.loaded(20, took_s=0.3)
    for error in (Unavailable("away"), Unavailable("away"), MigrationFailed("no")):
        metrics.failed(error)
        breaker.failed()

    found = told(metrics)

    assert found["loader_blocks_total"] == 2
    assert found["loader_rows_total"] == 520
    assert found["loader_block_seconds_sum"] == 0.5
    assert found['loader_failures_total{error="Unavailable"}'] == 2
    assert found['loader_failures_total{error="MigrationFailed"}'] == 1
    assert found["loader_breaker"] == 2


def test_each_log_tells_what_waits_in_it_and_for_how_long() -> None:
    clock = Clock()
    metrics = LoaderMetrics(Breaker(lambda: 1.0), seconds=clock)
    metrics.look([Waiting("log", 0, 0), Waiting("worker-1", 40, 50)], unusable=1)
    clock.now += 10
    metrics.look([Waiting("log", 0, 300), Waiting("worker-1", 50, 50)], unusable=0)
    # the loader is held up: nobody looks, and time goes on
    clock.now += 60

    found = told(metrics)

    assert found['loader_waiting{log="log"}'] == 300
    assert found['loader_waiting_seconds{log="log"}'] == 60
    assert found['loader_waiting{log="worker-1"}'] == 0
    assert found['loader_waiting_seconds{log="worker-1"}'] == 0
    assert found["logs_unusable"] == 0
    assert found["loader_seen_seconds"] == 70


def test_a_log_that_another_loader_took_is_told_no_more() -> None:
    metrics = LoaderMetrics(Breaker(lambda: 1.0))
    metrics.look([Waiting("0", 1, 9), Waiting("1", 1, 9)], unusable=0)

    metrics.look([Waiting("1", 2, 9)], unusable=0)

    assert 'loader_waiting{log="0"}' not in told(metrics)
    assert told(metrics)['loader_waiting{log="1"}'] == 7
