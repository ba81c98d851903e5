"""librdkafka's mock cluster: Kafka's protocol over loopback, in this process.

It keeps 5 MB a partition and nothing on disk: a stand-in of the protocol, with faults
on demand, and no broker.
"""

import ctypes
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import confluent_kafka

from ingestion.kafka import Topic

_PRODUCER: Final = 0
_names: Final = itertools.count()


@dataclass(frozen=True)
class Cluster:
    """Brokers that do as they are told; api keys and errors are Kafka's numbers."""

    library: Any
    handle: int
    brokers: int

    def topic(self, *, partitions: int = 1) -> Topic:
        """A topic of its own."""
        name = f"log-{next(_names)}"
        made = self.library.rd_kafka_mock_topic_create(
            self.handle, name.encode(), partitions, self.brokers
        )
        assert made == 0
        found = self.library.rd_kafka_mock_cluster_bootstraps(self.handle)
        return Topic(found.decode(), name, {"session.timeout.ms": "6000"})

    def fail(self, api_key: int, *errors: int) -> None:
        """Answer the next requests of a kind with errors, one after the other."""
        told = (ctypes.c_int * len(errors))(*errors)
        self.library.rd_kafka_mock_push_request_errors_array(
            self.handle, ctypes.c_int16(api_key), ctypes.c_size_t(len(errors)), told
        )

    def down(self) -> None:
        """Take all brokers away."""
        for broker in range(1, self.brokers + 1):
            self.library.rd_kafka_mock_broker_set_down(self.handle, broker)

    def up(self) -> None:
        """Bring them back."""
        for broker in range(1, self.brokers + 1):
            self.library.rd_kafka_mock_broker_set_up(self.handle, broker)


@contextmanager
def kafka(*, brokers: int = 3) -> Iterator[Cluster]:
    """A cluster, gone at the end."""
    library = _library()
    error = ctypes.create_string_buffer(512)
    library.rd_kafka_conf_new.restype = ctypes.c_void_p
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    client = ctypes.c_void_p(
        library.rd_kafka_new(_PRODUCER, configuration, error, ctypes.c_size_t(512))
    )
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, brokers))
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
    try:
        yield Cluster(library, cluster, brokers)  # type: ignore[arg-type]
    finally:
        library.rd_kafka_mock_cluster_destroy(cluster)
        library.rd_kafka_destroy(client)


def _library() -> Any:
    """The library that confluent-kafka brings, already loaded by it."""
    folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
    (path,) = folder.glob("librdkafka-*.so*")
    library = ctypes.CDLL(str(path))
    for name in ("rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library
