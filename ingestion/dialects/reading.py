"""The whole body of a request, bounded in time and length, unpacked."""

import asyncio
import zlib
from dataclasses import dataclass
from typing import Final

from starlette.requests import ClientDisconnect, Request

from ingestion.bodies import LARGEST_BODY

SLOWEST_BODY_S: Final = 30

_GZIP: Final = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a body could not be read, as HTTP says it."""

    status: int
    message: str


async def whole(request: Request) -> bytes | Unread:
    """The bytes of a body; gzip, as the field's clients send it, is unpacked."""
    try:
        async with asyncio.timeout(SLOWEST_BODY_S):
            raw = await _bounded(request)
    except TimeoutError:
        return Unread(408, f"The body took longer than {SLOWEST_BODY_S} s; retry.")
    except ClientDisconnect:
        return Unread(400, "The sender went away.")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if raw is not None and encoding == "gzip":
        return _unpacked(raw)
    if encoding not in {"", "identity", "gzip"}:
        return Unread(415, "The door unpacks gzip here, and nothing else.")
    return _too_long() if raw is None else raw


async def _bounded(request: Request) -> bytes | None:
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _unpacked(raw: bytes) -> bytes | Unread:
    stream = zlib.decompressobj(_GZIP)
    try:
        plain = stream.decompress(raw, LARGEST_BODY + 1)
    except zlib.error:
        return Unread(400, "The body cannot be unpacked: it is no whole gzip.")
    if len(plain) > LARGEST_BODY:
        return _too_long()
    if not stream.eof:
        return Unread(400, "The body cannot be unpacked: it is no whole gzip.")
    return plain


def _too_long() -> Unread:
    return Unread(413, f"The body is longer than {LARGEST_BODY // 1024**2} MiB.")
