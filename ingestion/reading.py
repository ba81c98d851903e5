"""Read the body of a request: bounded in time and length, unpacked, split."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect, Request

from ingestion.bodies import LARGEST_BODY, LINES, Body, TooMany, split, split_lines
from ingestion.unpacking import ENCODINGS, TooLong, UnknownEncoding, unpacked
from warehouse.errors import BadInput

SLOWEST_BODY_S: Final = 30

_Found = TypeVar("_Found")

_OUR_CHARSETS: Final = frozenset({"", "utf-8", "utf8", "us-ascii"})


@dataclass(frozen=True, slots=True)
class Unread:
    """Why the body of a request could not be read, as HTTP says it."""

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


class _UnknownCharset(BadInput):
    """A body is written in an encoding other than UTF-8."""


async def read(request: Request) -> Body | Unread:
    """The events of a request, or why there are none."""
    return await _read(request, _split)


async def read_bytes(request: Request) -> bytes | Unread:
    """The body of a request, unpacked, whatever it holds; or why there is none."""
    return await _read(request, lambda _, raw: raw)


async def _read(
    request: Request, understood: Callable[[Request, bytes], _Found]
) -> _Found | Unread:
    try:
        async with asyncio.timeout(SLOWEST_BODY_S):
            raw = await whole_body(request)
        encoding = request.headers.get("content-encoding", "")
        if encoding:
            raw = unpacked(raw, encoding, limit=LARGEST_BODY)
        return understood(request, raw)
    except TimeoutError:
        return Unread(408, f"The body took longer than {SLOWEST_BODY_S} s; retry.")
    except (TooLong, TooMany) as error:
        return Unread(413, str(error))
    except (UnknownEncoding, _UnknownCharset) as error:
        return Unread(415, str(error), {"Accept-Encoding": ", ".join(ENCODINGS)})
    except BadInput as error:
        return Unread(400, str(error))
    except ClientDisconnect:
        return Unread(400, "The sender went away.")


async def whole_body(request: Request) -> bytes:
    """The bytes of a body as they were sent. Raises TooLong, ClientDisconnect."""
    too_long = TooLong(
        f"The body is longer than {LARGEST_BODY // 1024**2} MiB; send smaller batches."
    )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > LARGEST_BODY:
        raise too_long
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LARGEST_BODY:
            raise too_long
        parts.append(part)
    return b"".join(parts)


def _split(request: Request, raw: bytes) -> Body:
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if parameters and _charset(parameters) not in _OUR_CHARSETS:
        raise _UnknownCharset("Events are sent in UTF-8, whatever their language.")
    if kind.strip().lower() in LINES:
        return split_lines(raw)
    # what else a type says is not asked: a beacon can only send text/plain
    return split(raw)


def _charset(parameters: str) -> str:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"').lower()
    return ""
