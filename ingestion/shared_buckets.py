"""Buckets in memory that several workers share: a key's limit holds for all of them."""

import fcntl
import mmap
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ingestion.quotas import Bucket, OwnBuckets

_SLOT: Final = struct.Struct("<32sdd")
_SLOTS: Final = 4096


class SharedBuckets:
    """Made before the workers are forked, and theirs from then on.

    Each of 4,096 keys has a place; one beyond has a bucket in each worker. A lock of
    the system keeps them apart, and lets go of it when a worker is killed.
    """

    def __init__(self, slots: int = _SLOTS) -> None:
        self._slots = slots
        self._memory = mmap.mmap(-1, slots * _SLOT.size)
        self._lock = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._beyond = OwnBuckets()

    @contextmanager
    def held(self, key: str, new: Bucket) -> Iterator[Bucket]:
        """See Buckets."""
        digest = bytes.fromhex(key)
        # of the process, not of the open file: forked workers share that
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            place = self._place(digest)
            if place is None:
                with self._beyond.held(key, new) as bucket:
                    yield bucket
                return
            name, tokens, at = _SLOT.unpack_from(self._memory, place)
            bucket = Bucket(tokens, at) if name == digest else new
            yield bucket
            _SLOT.pack_into(self._memory, place, digest, bucket.tokens, bucket.at)
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def _place(self, digest: bytes) -> int | None:
        """Where a key's bucket is, or goes; None when all places are others'."""
        start = int.from_bytes(digest[:4], "big")
        for step in range(self._slots):
            place = (start + step) % self._slots * _SLOT.size
            name = self._memory[place : place + len(digest)]
            if name == digest or not any(name):
                return place
        return None
