"""The encodings of HTTP bodies, both ways, in bounded memory."""

import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import lz4.frame
import zstandard

from warehouse.embedded.framing import Framer
from warehouse.embedded.protocol import fault

_CHUNK_BYTES = 1 << 20


class Compressor(Protocol):
    """A stream that is being compressed."""

    def compress(self, data: bytes) -> bytes:
        """What can be sent now of the data given so far."""

    def flush(self) -> bytes:
        """The rest."""


def decompressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The plain bytes of a body. Streams made of several frames are read to the end.

    Raises Fault when the encoding is not known or the bytes are not of it.
    """
    if encoding in {"", "identity"}:
        yield from chunks
        return
    if encoding == "br":
        yield from _from_brotli(chunks)
        return
    make = _decompressor(encoding)
    current = make()
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if current.eof:
                    current = make()
                yield current.decompress(rest)
                rest = (current.unused_data or b"") if current.eof else b""
    except (zlib.error, zstandard.ZstdError, RuntimeError) as error:
        message = f"Cannot decompress the body as {encoding}: {error}"
        raise fault(271, "CANNOT_DECOMPRESS", message) from error
    if not current.eof:
        message = f"The {encoding} body ends too early"
        raise fault(271, "CANNOT_DECOMPRESS", message)


def _decompressor(encoding: str) -> Callable[[], Any]:
    if encoding == "lz4":
        frame: Callable[[], Any] = lz4.frame.LZ4FrameDecompressor
        return frame
    if encoding == "zstd":
        return lambda: zstandard.ZstdDecompressor().decompressobj()
    if encoding in {"gzip", "x-gzip"}:
        return lambda: zlib.decompressobj(31)
    if encoding == "deflate":
        return zlib.decompressobj
    message = f"Unknown compression method {encoding}: use lz4, zstd, gzip, br"
    message += " or deflate"
    raise fault(779, "UNSUPPORTED_MEDIA_TYPE", message)


class _Lz4:
    def __init__(self) -> None:
        self._inner = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        head = b"" if self._begun else self._inner.begin()
        self._begun = True
        return bytes(head + self._inner.compress(data))

    def flush(self) -> bytes:
        head = b"" if self._begun else self._inner.begin()
        return bytes(head + self._inner.flush())


class _Sink(io.RawIOBase):
    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.written += data
        return len(data)


class _Brotli:
    def __init__(self) -> None:
        import pyarrow as pa

        self._sink = _Sink()
        sink = pa.PythonFile(self._sink, "w")
        self._out = pa.CompressedOutputStream(sink, "brotli")

    def compress(self, data: bytes) -> bytes:
        self._out.write(data)
        return self._taken()

    def flush(self) -> bytes:
        self._out.close()
        return self._taken()

    def _taken(self) -> bytes:
        content = bytes(self._sink.written)
        self._sink.written.clear()
        return content


class _Source(io.RawIOBase):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._chunks, b"")
        content, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(content)] = content
        return len(content)


def _from_brotli(chunks: Iterable[bytes]) -> Iterator[bytes]:
    import pyarrow as pa

    source = pa.PythonFile(_Source(filter(None, chunks)), "r")
    try:
        stream = pa.CompressedInputStream(source, "brotli")
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
    except (OSError, pa.ArrowException) as error:
        message = f"Cannot decompress the body as br: {error}"
        raise fault(271, "CANNOT_DECOMPRESS", message) from error


class _Layers:
    def __init__(self, inner: Compressor, outer: Compressor) -> None:
        self._inner = inner
        self._outer = outer

    def compress(self, data: bytes) -> bytes:
        return self._outer.compress(self._inner.compress(data))

    def flush(self) -> bytes:
        return self._outer.compress(self._inner.flush()) + self._outer.flush()


def framed(encoding: str) -> Compressor:
    """ClickHouse's own frames, within an encoding of HTTP unless it is empty."""
    return _Layers(Framer(), compressor(encoding)) if encoding else Framer()


def compressor(encoding: str) -> Compressor:
    """A compressor for one of the encodings that `request` chooses."""
    if encoding == "lz4":
        return _Lz4()
    if encoding == "br":
        return _Brotli()
    if encoding == "zstd":
        return zstandard.ZstdCompressor(level=1).compressobj()
    return zlib.compressobj(3, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
