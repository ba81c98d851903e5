"""Unpack a body that was sent compressed, never beyond a limit."""

import zlib
from typing import Final

from warehouse.errors import BadInput

ENCODINGS: Final = ("gzip", "deflate", "zstd", "br")

_MOST_LAYERS: Final = 2
_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15
_DEFLATE_METHOD: Final = 8


class UnknownEncoding(BadInput):
    """A body is packed in a way that the door does not know."""


class TooLong(BadInput):
    """A body is longer than the door takes."""


def unpacked(body: bytes, encoding: str, *, limit: int) -> bytes:
    """The plain bytes of a body; `encoding` is the header Content-Encoding.

    No more than `limit` bytes and one are ever unpacked. Raises UnknownEncoding,
    TooLong, and BadInput for bytes that are not of the encoding or break off.
    """
    for name in reversed(_names(encoding)):
        try:
            body = _unpacked_once(body, name, limit + 1)
        except (zlib.error, OSError) as error:
            raise BadInput(
                f"The body cannot be unpacked: it is no whole {name}."
            ) from error
        if len(body) > limit:
            raise TooLong(
                f"The body is longer than {limit // 1024**2} MiB once it is unpacked;"
                " send smaller batches."
            )
    return body


def _names(encoding: str) -> list[str]:
    """The encodings in the order they were applied."""
    names = [name.strip().lower() for name in encoding.split(",")]
    names = [name.removeprefix("x-") for name in names if name not in {"", "identity"}]
    unknown = [name for name in names if name not in ENCODINGS]
    if unknown or len(names) > _MOST_LAYERS:
        raise UnknownEncoding(
            f"The door does not unpack this Content-Encoding; it knows"
            f" {', '.join(ENCODINGS)}, at most {_MOST_LAYERS} of them at once."
        )
    return names


def _unpacked_once(body: bytes, name: str, most: int) -> bytes:
    if name == "gzip":
        return _inflated(body, _GZIP_BITS, most)
    if name == "deflate":
        # by the standard within zlib's frame; some senders leave the frame out
        bits = _ZLIB_BITS if _is_in_zlib_frame(body) else _RAW_BITS
        return _inflated(body, bits, most)
    return _from_arrow(body, "brotli" if name == "br" else name, most)


def _is_in_zlib_frame(body: bytes) -> bool:
    return (
        body[:1] != b""
        and body[0] & 0x0F == _DEFLATE_METHOD
        and int.from_bytes(body[:2], "big") % 31 == 0
    )


def _inflated(body: bytes, bits: int, most: int) -> bytes:
    """All members of a stream, one after the other. Raises zlib.error."""
    parts: list[bytes] = []
    length = 0
    while True:
        stream = zlib.decompressobj(bits)
        parts.append(stream.decompress(body, most - length))
        length += len(parts[-1])
        body = stream.unused_data
        if length >= most or (stream.eof and not body):
            return b"".join(parts)
        if not stream.eof:
            raise zlib.error("the stream breaks off")


def _from_arrow(body: bytes, codec: str, most: int) -> bytes:
    """Raises OSError, which Arrow's own errors are."""
    # a large library that most doors never need
    import pyarrow as pa

    if not body:
        raise OSError("an empty stream")
    with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
        plain: bytes = stream.read(most)
    return plain
