"""Load from Kafka: several loaders share the partitions of a topic.

Where a block begins and ends is committed to Kafka as the metadata of its offset,
before the block is sent for the first time. Whoever gets the partition after a crash
or a rebalance finds it there and sends the identical block under the same token.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from ingestion.blocks import BYTES_A_BLOCK
from ingestion.frames import unpacked
from ingestion.kafka import LOADERS, Topic
from ingestion.loader import Loader, Progress
from ingestion.loader_metrics import Waiting
from ingestion.log import LogReader, Stretch
from ingestion.records import Record
from warehouse.errors import Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from confluent_kafka import Consumer, Message, TopicPartition

_PATIENCE_S: Final = 10.0
_MESSAGES_AT_ONCE: Final = 500


class PartitionReader:
    """One partition as a log; positions are offsets."""

    def __init__(self, topic: Topic, partition: int) -> None:
        from confluent_kafka import Consumer

        self._topic = topic
        self._partition = partition
        self._at = -1
        self._ahead: deque[tuple[int, Record]] = deque()
        self._consumer = Consumer(
            topic.configuration(
                **{
                    # a group is required, though none is joined
                    "group.id": f"{LOADERS}-reading",
                    "enable.auto.commit": False,
                    # events that the topic's retention took away are never skipped
                    "auto.offset.reset": "error",
                    "enable.partition.eof": False,
                }
            )
        )

    @property
    def identity(self) -> str:
        """The topic and the partition."""
        return f"kafka-{self._topic.name}-{self._partition}"

    def begin(self) -> int:
        """Nothing is taken for loaded because it is gone."""
        return 0

    def end(self) -> int:
        """The offset after the last message. Raises Unavailable."""
        return self._watermarks()[1]

    def first(self) -> int:
        """The first offset that is kept. Raises Unavailable."""
        return self._watermarks()[0]

    def read(self, position: int, *, limit: int) -> Stretch:
        """Records from an offset on until they have `limit` rows; none at the end."""
        return self._stretch(position, self.end(), limit)

    def reread(self, first: int, last: int) -> Stretch:
        """Exactly the records between two offsets. Raises Unavailable."""
        found = self._stretch(first, last, sys.maxsize)
        if found.last != last:
            raise Unavailable(
                f"Partition {self._partition} of {self._topic.name} gives no records"
                f" from {found.last} to {last}."
            )
        return found

    def close(self) -> None:
        """Let go of the partition."""
        self._consumer.close()

    def _stretch(self, first: int, last: int, limit: int) -> Stretch:
        records: list[Record] = []
        position, rows, size = first, 0, 0
        while position < last and rows < limit and size < BYTES_A_BLOCK:
            offset, record = self._next(position)
            if offset >= last:
                break
            records.append(record)
            rows, size = rows + record.count, size + len(record.rows)
            position = offset + 1
        return Stretch(first, position, tuple(records))

    def _next(self, position: int) -> tuple[int, Record]:
        """The message at a position or after it, with its offset."""
        if not self._ahead or self._ahead[0][0] < position or self._at != position:
            self._fetch(position)
        self._at = self._ahead[0][0] + 1
        return self._ahead.popleft()

    def _fetch(self, position: int) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        deadline = time.monotonic() + _PATIENCE_S
        try:
            if self._ahead or self._at != position:
                self._ahead.clear()
                place = TopicPartition(self._topic.name, self._partition, position)
                self._consumer.assign([place])
            while not self._ahead:
                for message in self._consumer.consume(_MESSAGES_AT_ONCE, timeout=0.5):
                    self._ahead.append(_read(message))
                if time.monotonic() > deadline:
                    raise Unavailable(f"Kafka gives nothing at {position}.")
        except KafkaException as error:
            self._at = -1
            raise _unavailable(error) from error

    def _watermarks(self) -> tuple[int, int]:
        from confluent_kafka import KafkaException, TopicPartition

        place = TopicPartition(self._topic.name, self._partition)
        try:
            found: tuple[int, int] | None = self._consumer.get_watermark_offsets(
                place, timeout=_PATIENCE_S
            )
        except KafkaException as error:
            raise _unavailable(error) from error
        if found is None:
            raise Unavailable("Kafka does not say where its partitions end.")
        return found


@dataclass(frozen=True, slots=True)
class CommitLedger:
    """The progress in a partition, kept in the offset that its group commits."""

    consumer: "Consumer"
    reader: PartitionReader
    place: "TopicPartition"

    def read(self, log: str) -> Progress:
        """The progress committed last; from the first kept message where none was."""
        from confluent_kafka import KafkaException

        try:
            (found,) = self.consumer.committed([self.place], timeout=_PATIENCE_S)
        except KafkaException as error:
            raise _unavailable(error) from error
        if found.offset < 0:
            return Progress(log, self.reader.first())
        if not found.metadata:
            return Progress(log, found.offset)
        return msgspec.json.decode(found.metadata, type=Progress)

    def write(self, progress: Progress) -> None:
        """Committed at return. Raises Unavailable, also when the partition is lost."""
        from confluent_kafka import KafkaException, TopicPartition

        metadata = msgspec.json.encode(asdict(progress)).decode()
        place = TopicPartition(
            self.place.topic,
            self.place.partition,
            progress.position,
            metadata if progress.block is not None else "",
        )
        try:
            done = self.consumer.commit(offsets=[place], asynchronous=False)
        except KafkaException as error:
            raise _unavailable(error) from error
        for one in done or ():
            if one.error is not None:
                raise Unavailable(f"Kafka does not commit: {one.error.name()}.")


class SharedLoader:
    """The loader of the partitions that its group gives it.

    `sieved` makes of each partition the log that is loaded.
    """

    def __init__(
        self,
        topic: Topic,
        now: Callable[[], datetime],
        *,
        sieved: Callable[[LogReader], LogReader] = lambda log: log,
    ) -> None:
        from confluent_kafka import Consumer

        self._topic = topic
        self._now = now
        self._sieved = sieved
        self._mine: dict[int, tuple[PartitionReader, Loader | None]] = {}
        self._group = Consumer(
            topic.configuration(
                **{
                    "group.id": LOADERS,
                    "enable.auto.commit": False,
                    "partition.assignment.strategy": "range",
                }
            )
        )
        self._group.subscribe(
            [topic.name],
            on_assign=self._given,
            on_revoke=self._taken,
            on_lost=self._taken,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for reader, _loader in self._mine.values():
            reader.close()
        self._group.close()

    @property
    def partitions(self) -> list[int]:
        """Which partitions are this loader's now."""
        return sorted(self._mine)

    def wait_for_partitions(self) -> None:
        """Wait until the group gave us some. Raises Unavailable when it does not."""
        deadline = time.monotonic() + 3 * _PATIENCE_S
        while not self._mine:
            self._group.poll(0.2)
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"No partition of {self._topic.name} is free, or no broker answers."
                )

    def loaded(self, client: "Client") -> Iterator[int]:
        """Load what lies in our partitions; the records of each block once it is in."""
        self._heard()
        for partition in self.partitions:
            # a rebalance may have taken it while another was loaded
            if (loader := self._loader(partition)) is not None:
                for count in loader.loaded(client):
                    yield count
                    self._heard()
                    if partition not in self._mine:
                        break

    def waiting(self) -> Iterator[Waiting]:
        """How far each of our partitions is loaded. Raises Unavailable."""
        for partition, (_reader, loader) in self._mine.items():
            if loader is not None:
                yield loader.waiting(str(partition))

    def drain(self, client: "Client") -> int:
        """Load what there is; the number of records loaded."""
        return sum(self.loaded(client))

    def _heard(self) -> None:
        """Let the group say what is new; no message is taken this way."""
        self._group.poll(0.05)

    def _loader(self, partition: int) -> Loader | None:
        from confluent_kafka import TopicPartition

        if partition not in self._mine:
            return None
        reader, loader = self._mine[partition]
        if loader is None:
            place = TopicPartition(self._topic.name, partition)
            ledger = CommitLedger(self._group, reader, place)
            loader = Loader(self._sieved(reader), ledger, self._now)
            self._mine[partition] = reader, loader
        return loader

    def _given(self, consumer: "Consumer", places: "list[TopicPartition]") -> None:
        consumer.assign(places)
        # membership and commits are this consumer's work, messages the readers'
        consumer.pause(places)
        for place in places:
            reader = PartitionReader(self._topic, place.partition)
            self._mine[place.partition] = reader, None

    def _taken(self, _consumer: "Consumer", places: "list[TopicPartition]") -> None:
        for place in places:
            reader, _ = self._mine.pop(place.partition)
            reader.close()


def _read(message: "Message") -> tuple[int, Record]:
    """A message's offset and record. Raises KafkaException."""
    from confluent_kafka import KafkaException

    if (error := message.error()) is not None:
        raise KafkaException(error)
    return message.offset() or 0, unpacked(message.value() or b"")


def _unavailable(error: Any) -> Unavailable:
    return Unavailable(f"Kafka does not serve the log: {error.args[0].str()}.")
