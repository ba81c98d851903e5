"""ClickHouse's own compressed frames: `compress=1` and `decompress=1` over HTTP.

A frame is a checksum of 16 bytes over all that follows, a byte for the method, two
sizes of 4 bytes (of the nine bytes of head with the content, and of the plain
content), and the content.
"""

import struct
from collections.abc import Iterable, Iterator

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from warehouse.embedded.protocol import Fault, fault

_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_CHECKSUM_BYTES = 16
_HEAD = struct.Struct("<BII")
_PLAIN_BYTES = 1 << 20
_LARGEST_BYTES = 128 << 20
"""The largest frame taken, packed or plain: it lies in memory whole."""


class Framer:
    """A stream that is being cut into LZ4 frames of at most 1 MiB of content."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def compress(self, data: bytes) -> bytes:
        """The frames that are full now."""
        self._waiting += data
        full = len(self._waiting) // _PLAIN_BYTES * _PLAIN_BYTES
        ready = bytes(self._waiting[:full])
        del self._waiting[:full]
        return b"".join(
            _frame(ready[at : at + _PLAIN_BYTES]) for at in range(0, full, _PLAIN_BYTES)
        )

    def flush(self) -> bytes:
        """The last frame; nothing if nothing is left."""
        rest = bytes(self._waiting)
        self._waiting.clear()
        return _frame(rest) if rest else b""


def unframed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The plain bytes of a body of frames, one frame after the other.

    Raises Fault when a checksum, a size or a method is not what it must be.
    """
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        at = 0
        while size := _frame_size(waiting, at):
            yield _content(bytes(waiting[at : at + size]))
            at += size
        del waiting[:at]
    if waiting:
        raise _unreadable("the body ends within a frame")


def _frame(plain: bytes) -> bytes:
    packed: bytes = lz4.block.compress(plain, store_size=False)
    told = _HEAD.pack(_LZ4, _HEAD.size + len(packed), len(plain)) + packed
    return _checksum(told) + told


def _checksum(told: bytes) -> bytes:
    both = CityHash128(told)
    return struct.pack("<QQ", both >> 64, both & 0xFFFF_FFFF_FFFF_FFFF)


def _frame_size(waiting: bytearray, at: int) -> int:
    """The bytes of the frame that begins here; 0 until all of them are there."""
    if len(waiting) - at < _CHECKSUM_BYTES + _HEAD.size:
        return 0
    _, packed, plain = _HEAD.unpack_from(waiting, at + _CHECKSUM_BYTES)
    if packed < _HEAD.size:
        raise _unreadable(f"a frame states {packed} bytes, less than its own head")
    if max(packed, plain) > _LARGEST_BYTES:
        message = f"A compressed frame states {packed} bytes, {plain} when plain;"
        message += f" the largest taken is {_LARGEST_BYTES}: send smaller blocks"
        raise fault(12, "TOO_LARGE_SIZE_COMPRESSED", message)
    size: int = _CHECKSUM_BYTES + packed
    return size if len(waiting) - at >= size else 0


def _content(frame: bytes) -> bytes:
    stated, told = frame[:_CHECKSUM_BYTES], frame[_CHECKSUM_BYTES:]
    if _checksum(told) != stated:
        message = f"Checksum doesn't match: corrupted data. A frame of {len(told)}"
        message += f" bytes states {stated.hex()} and has {_checksum(told).hex()}"
        raise fault(40, "CHECKSUM_DOESNT_MATCH", message)
    method, _, size = _HEAD.unpack_from(told)
    plain = _unpacked(method, told[_HEAD.size :], size)
    if len(plain) != size:
        raise _unreadable(f"a frame states {size} plain bytes and does not have them")
    return plain


def _unpacked(method: int, packed: bytes, size: int) -> bytes:
    """The content of a frame, of which no more than `size` + 1 bytes are made."""
    if method == _NONE:
        return packed
    try:
        if method == _LZ4:
            plain: bytes = lz4.block.decompress(packed, uncompressed_size=size)
            return plain
        if method == _ZSTD:
            # a frame of zstd states a size of its own, which is not to be trusted
            reader = zstandard.ZstdDecompressor().stream_reader(packed)
            return bytes(reader.read(size + 1))
    except (lz4.block.LZ4BlockError, zstandard.ZstdError) as error:
        raise _unreadable(str(error)) from error
    message = f"Unknown compression method of a frame: 0x{method:02x};"
    message += " use LZ4 (0x82), ZSTD (0x90) or none (0x02)"
    raise fault(89, "UNKNOWN_COMPRESSION_METHOD", message)


def _unreadable(because: str) -> Fault:
    message = f"Cannot decompress the frames of the body: {because}"
    return fault(271, "CANNOT_DECOMPRESS", message)
