"""The log on Kafka's protocol: what is acknowledged is kept, and loaded once."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ingestion.bodies import split
from ingestion.consent import Standing
from ingestion.door import Keeping, judged, keep
from ingestion.judging import Rules, Source
from ingestion.kafka import KafkaLog, Topic
from ingestion.kafka_loading import PartitionReader, SharedLoader
from ingestion.keys import add
from ingestion.records import Record
from tests.integration.kafka_cluster import Cluster, kafka
from tests.integration.test_ingestion_serving import (
    ingest,
    post,
    wait_until_healthy,
)
from tests.integration.test_ingestion_workers import metric
from warehouse.clickhouse import connect, rows
from warehouse.errors import Unavailable
from warehouse.home import Home
from warehouse.ports import free_port
from warehouse.settings import Settings
from warehouse.taxonomy import load
from warehouse.vault import Vault

RULES = Rules.of(load())
NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
PRODUCE, NOT_LEADER, TIMED_OUT = 0, 6, 7


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with kafka() as found:
        yield found


def whole(topic: Topic) -> list[bytes]:
    with closing(PartitionReader(topic, 0)) as reader:
        return [record.rows for record in reader.read(0, limit=10_000).records]


def test_what_is_appended_is_read_back_and_long_records_are_cut(
    cluster: Cluster,
) -> None:
    topic = cluster.topic()
    row = b'["%s"]\n' % (b"x" * 100_000)
    with closing(KafkaLog(topic)) as log:
        log.append([Record("accepted", b'["one"]\n'), Record("refused", row * 20, 20)])

        assert log.end() == 4

    with closing(PartitionReader(topic, 0)) as reader:
        records = reader.read(0, limit=100).records
        assert [record.kind for record in records] == ["accepted", *3 * ["refused"]]
        assert [record.count for record in records] == [1, 8, 8, 4]
        assert b"".join(record.rows for record in records[1:]) == row * 20
        first = reader.read(0, limit=2)
        assert (first.last, first.rows) == (2, 9)
        assert reader.reread(1, 3).records == records[1:3]
        assert reader.read(4, limit=10).records == ()
        assert reader.reread(0, 2) == first


def test_faults_on_the_way_neither_lose_nor_double(cluster: Cluster) -> None:
    topic = cluster.topic()
    with closing(KafkaLog(topic)) as log:
        for number in range(30):
            if number % 5 == 0:
                cluster.fail(PRODUCE, NOT_LEADER, TIMED_OUT)
            log.append([Record("accepted", b"[%d]\n" % number)])

    assert whole(topic) == [b"[%d]\n" % number for number in range(30)]


def appended(log: KafkaLog, row: bytes) -> None:
    """Append a row again and again until it is taken.

    A producer's first row may wait a second for librdkafka's timers, and longer after
    brokers were away: more than these tests' short patience.
    """
    deadline = time.monotonic() + 60
    there = False
    while not there:
        assert time.monotonic() < deadline, "brokers took nothing for a minute"
        with contextlib.suppress(Unavailable):
            log.append([Record("accepted", row)])
            there = True


def test_brokers_that_are_away_are_unavailable_and_come_back(cluster: Cluster) -> None:
    topic = cluster.topic()
    with closing(KafkaLog(topic, patience_s=1)) as log:
        appended(log, b"[1]\n")
        cluster.down()
        try:
            with pytest.raises(Unavailable, match="did not take"):
                log.append([Record("accepted", b"[2]\n")])
        finally:
            cluster.up()
        appended(log, b"[3]\n")

    found = whole(topic)
    assert (found[0], found[-1]) == (b"[1]\n", b"[3]\n")


def an_event(**changed: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "rolled",
        "user_id": "ann",
        "properties": {"dice": "1d20", "result": 7},
    } | changed


def taken(
    topic: Topic, events: list[dict[str, Any]], *, source: str, folder: Path
) -> None:
    """Take events through the door into a topic, in many small requests."""
    with (
        closing(KafkaLog(topic)) as log,
        Vault.open(folder / "vault.sqlite", b"k" * 32) as vault,
    ):
        keeping = Keeping(log, vault, Standing(vault, allowed_by_default=True))
        for start in range(0, len(events), 3):
            body = split(json.dumps(events[start : start + 3]).encode())
            verdicts = judged(body, rules=RULES, source=Source(source), received_at=NOW)
            keep(verdicts, keeping, now=NOW)


def stored(settings: Settings, source: str) -> list[str]:
    query = "select event_id from raw.events where source = {source:String}"
    with connect(settings) as client:
        return sorted(
            str(row["event_id"]) for row in rows(client, query, {"source": source})
        )


def now() -> datetime:
    return datetime.now(UTC)


class _Crash(BaseException):
    """What ends a loader at once."""


class _Crashing:
    """A client whose caller dies when ClickHouse took a block, before that is noted."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def raw_insert(self, *words: Any, **named: Any) -> None:
        self._client.raw_insert(*words, **named)
        raise _Crash


def test_a_block_that_was_begun_is_sent_again_as_it_was_by_the_next_loader(
    cluster: Cluster, endpoint: Settings, tmp_path: Path
) -> None:
    topic = cluster.topic()
    events = [an_event() for _ in range(60)]
    taken(topic, events[:30], source="kafka-crash", folder=tmp_path)

    with connect(endpoint) as client, SharedLoader(topic, now) as first:
        first.wait_for_partitions()
        with pytest.raises(_Crash):
            first.drain(_Crashing(client))  # type: ignore[arg-type]
    taken(topic, events[30:], source="kafka-crash", folder=tmp_path)
    with connect(endpoint) as client, SharedLoader(topic, now) as second:
        second.wait_for_partitions()
        second.drain(client)
        assert second.drain(client) == 0

    assert stored(endpoint, "kafka-crash") == sorted(one["event_id"] for one in events)


def test_several_loaders_share_the_partitions_and_each_event_is_there_once(
    cluster: Cluster, endpoint: Settings, tmp_path: Path
) -> None:
    topic = cluster.topic(partitions=4)
    events = [an_event() for _ in range(600)]
    stop = threading.Event()
    held: dict[int, set[int]] = {1: set(), 2: set()}

    def work(number: int, last: threading.Event) -> None:
        with connect(endpoint) as client, SharedLoader(topic, now) as loader:
            while not last.is_set():
                try:
                    loader.drain(client)
                except Unavailable:
                    continue  # a partition was taken while its block was on its way
                held[number].update(loader.partitions)

    early = threading.Event()
    threads = [
        threading.Thread(target=work, args=(1, early)),
        threading.Thread(target=work, args=(2, stop)),
    ]
    threads[0].start()
    taken(topic, events[:300], source="kafka-shared", folder=tmp_path)
    threads[1].start()
    deadline = time.monotonic() + 60
    while not held[2] and time.monotonic() < deadline:
        time.sleep(0.1)
    taken(topic, events[300:], source="kafka-shared", folder=tmp_path)
    early.set()  # one goes: the other takes all
    threads[0].join()
    while len(stored(endpoint, "kafka-shared")) < 600 and time.monotonic() < deadline:
        time.sleep(0.2)
    stop.set()
    threads[1].join()

    assert held[1]
    assert held[2]
    assert stored(endpoint, "kafka-shared") == sorted(one["event_id"] for one in events)


def test_how_loaders_on_kafka_stand_is_told_by_them_and_by_the_door(
    cluster: Cluster, tmp_path: Path
) -> None:
    topic = cluster.topic()
    port, away, of_the_loader = free_port(), free_port(), free_port()
    on_kafka = {
        "QUESTLOG_KAFKA_BROKERS": topic.brokers,
        "QUESTLOG_KAFKA_TOPIC": topic.name,
    }
    key = add(Home(tmp_path).write_keys, source="web", mode="open", now=NOW)
    environ = os.environ | on_kafka | {"QUESTLOG_HOME": str(tmp_path)}
    clickhouse = {"CLICKHOUSE_HOST": "127.0.0.1", "CLICKHOUSE_PORT": str(away)}
    tells = {"QUESTLOG_LOADER_PORT": str(of_the_loader)}
    with (
        ingest(tmp_path, port, **on_kafka),
        subprocess.Popen(
            [sys.executable, "-m", "questlog", "load", "--follow"],
            env=environ | clickhouse | tells,
            stderr=subprocess.DEVNULL,
        ) as loader,
    ):
        try:
            wait_until_healthy(port)
            post(port, key, an_event())
            deadline = time.monotonic() + 60
            breaker = 0.0
            while breaker != 2 and time.monotonic() < deadline:
                time.sleep(0.2)
                with contextlib.suppress(OSError):  # it may just begin
                    breaker = metric(of_the_loader, "questlog_loader_breaker")
            lag = metric(port, "questlog_loader_lag_bytes")
            lag_s = metric(port, "questlog_loader_lag_seconds")
        finally:
            loader.kill()

    assert breaker == 2
    assert lag == 1
    assert lag_s > 0
