"""The durable log on Kafka: a record is a message that all replicas have.

A message holds what a frame of the log on disk holds: the kind, the number of rows,
the rows. Long records are cut at rows, for brokers take messages of 1 MB.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ingestion.frames import packed, unpacked
from ingestion.records import Record
from warehouse.errors import BadSetting, Unavailable

if TYPE_CHECKING:
    from confluent_kafka import Message, Producer
    from confluent_kafka.admin import AdminClient

    from warehouse.settings import Settings

LOADERS: Final = "questlog-loaders"

_LONGEST_MESSAGE: Final = 900_000
_PATIENCE_S: Final = 10.0
_ASKED_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a cluster; `options` are librdkafka's, such as those of security."""

    brokers: str
    name: str
    options: Mapping[str, str]

    @classmethod
    def of(cls, settings: "Settings") -> "Topic | None":
        """The topic that the settings name; None where the log is on disk."""
        if not settings.kafka_brokers:
            return None
        pairs = [pair for pair in settings.kafka_options.split(",") if pair.strip()]
        options = dict(pair.strip().partition("=")[::2] for pair in pairs)
        return cls(settings.kafka_brokers, settings.kafka_topic, options)

    def configuration(self, **more: Any) -> dict[str, Any]:
        """What a client of the cluster is made with."""
        known = {"bootstrap.servers": self.brokers, "log_level": 0}
        return known | dict(self.options) | more


class KafkaLog:
    """The door's end: append, durable at return. Safe for several threads."""

    def __init__(self, topic: Topic, *, patience_s: float = _PATIENCE_S) -> None:
        self._topic = topic
        self._patience_s = patience_s
        self._ends: dict[int, int] = {}
        self._producer = _producer(topic, patience_s)
        self._closing = threading.Event()
        # delivery reports are given out by whoever polls: a thread of our own
        self._polling = threading.Thread(target=self._poll, name="kafka", daemon=True)
        self._polling.start()

    def close(self) -> None:
        """Wait for what is under way."""
        self._closing.set()
        self._polling.join()
        self._producer.flush(self._patience_s)

    def append(self, records: Sequence[Record]) -> int:
        """Have records written by all replicas; the position after the last.

        Raises Unavailable when that cannot be promised; they may then be there or not.
        """
        messages = [packed(part) for record in records for part in _cut(record)]
        delivery = _Delivery(len(messages))
        for message in messages:
            self._produce(message, delivery)
        if not delivery.over.wait(2 * self._patience_s) or delivery.failures:
            because = delivery.failures[0] if delivery.failures else "no answer"
            raise Unavailable(f"Kafka did not take events: {because}.")
        self._ends.update(delivery.ends)
        return self.end()

    def end(self) -> int:
        """How many messages the topic holds and held, as far as this process knows."""
        return sum(self._ends.values())

    def _produce(self, message: bytes, delivery: "_Delivery") -> None:
        try:
            self._producer.produce(
                self._topic.name, message, on_delivery=delivery.reported
            )
        except BufferError as error:
            told = "Kafka takes events more slowly than they come."
            raise Unavailable(told) from error

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(0.1)


class _Delivery:
    """What became of the messages of one append."""

    def __init__(self, expected: int) -> None:
        self.failures: list[str] = []
        self.ends: dict[int, int] = {}
        self.over = threading.Event()
        self._left = expected
        if not expected:
            self.over.set()

    def reported(self, error: Any, message: "Message") -> None:
        if error is not None:
            self.failures.append(error.name())
        else:
            self.ends[message.partition() or 0] = (message.offset() or 0) + 1
        self._left -= 1
        if self._left == 0:
            self.over.set()


class Committed:
    """How far loaders are in a topic, asked for now and then in a thread of its own."""

    def __init__(self, topic: Topic) -> None:
        self.position = 0
        self._topic = topic
        self._closing = threading.Event()
        self._asking = threading.Thread(target=self._ask, name="lag", daemon=True)
        self._asking.start()

    def close(self) -> None:
        """Ask no more."""
        self._closing.set()
        self._asking.join()

    def _ask(self) -> None:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        client = AdminClient(self._topic.configuration())
        while not self._closing.wait(_ASKED_EVERY_S):
            try:
                self.position = _committed(client)
            except KafkaException:
                continue  # brokers are away: what was known stays


def _committed(client: "AdminClient") -> int:
    from confluent_kafka import ConsumerGroupTopicPartitions

    asked = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(LOADERS)])
    found = asked[LOADERS].result(_PATIENCE_S).topic_partitions
    return sum(max(0, one.offset) for one in found)


def record_of(message: bytes) -> Record:
    """A message as the record it holds."""
    return unpacked(message)


def _producer(topic: Topic, patience_s: float) -> "Producer":
    from confluent_kafka import KafkaException, Producer

    try:
        return Producer(
            topic.configuration(
                **{
                    "acks": "all",
                    "enable.idempotence": True,
                    "message.timeout.ms": round(patience_s * 1000),
                    "linger.ms": 2,
                    "compression.type": "lz4",
                    # each append is a block of rows: partitions take turns
                    "sticky.partitioning.linger.ms": 0,
                }
            )
        )
    except KafkaException as error:
        raise BadSetting(
            f"Kafka's client does not take its options: {error.args[0].str()}."
            " See QUESTLOG_KAFKA_OPTIONS."
        ) from error


def _cut(record: Record) -> Iterator[Record]:
    """A record in parts that fit into a message, cut between rows."""
    if len(record.rows) <= _LONGEST_MESSAGE:
        yield record
        return
    rows: list[bytes] = []
    size = 0
    for row in record.rows.splitlines(keepends=True):
        if rows and size + len(row) > _LONGEST_MESSAGE:
            yield Record(record.kind, b"".join(rows), len(rows))
            rows, size = [], 0
        rows.append(row)
        size += len(row)
    yield Record(record.kind, b"".join(rows), len(rows))
