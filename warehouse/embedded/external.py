"""Tables that come with a query: the parts of a multipart body."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from warehouse.embedded import lexer
from warehouse.embedded.protocol import fault, refused
from warehouse.embedded.text import identifier

_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_ATTRIBUTE = re.compile(rb'\b(filename|name)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 16 << 10
_FIELD_BYTES = 16 << 20
_ABOUT = ("format", "structure", "types")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body and where its content lies in it."""

    name: str
    is_file: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table for the time of one query. `columns` is as CREATE TABLE has them."""

    name: str
    columns: str
    format: str
    content: Iterable[bytes]

    def load(self, handle: Any) -> None:
        """Make the table on a handle. Raises Fault, or RuntimeError from the engine."""
        create = f"create temporary table {identifier(self.name)} ({self.columns})"
        statement = lexer.read(create.encode())
        if statement.refused_because:
            raise refused(statement.refused_because)
        handle.query(create)
        into = f"insert into {identifier(self.name)}"
        inserter = handle.send_insert(into, self.format)
        try:
            for chunk in self.content:
                inserter.append(chunk)
            inserter.finish()
        finally:
            inserter.close()

    def drop(self, handle: Any) -> None:
        """Take the table off a handle that lives on."""
        handle.query(f"drop temporary table if exists {identifier(self.name)}")


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether a body is a multipart one, by its type."""
    kind = headers.get("content-type", "")
    return kind.lower().startswith("multipart/form-data")


def form(body: IO[bytes], headers: Mapping[str, str]) -> list[Part]:
    """The parts of a multipart body; empty when it is of another type.

    Raises Fault when the body is not what its type says.
    """
    if not is_form(headers):
        return []
    boundary = _BOUNDARY.search(headers["content-type"])
    if boundary is None:
        raise fault(36, "BAD_ARGUMENTS", "The multipart body names no boundary")
    mark = b"--" + boundary[1].encode("latin-1", "replace")
    places = list(_places(body, mark))
    if not places:
        raise fault(36, "BAD_ARGUMENTS", "The multipart body has no part")
    following = [*places[1:], None]
    return [
        _part(body, at + len(mark), end)
        for at, end in zip(places, following, strict=True)
        if end is not None
    ]


def fields(body: IO[bytes], parts: Iterable[Part]) -> dict[str, str]:
    """The parts that are parameters. Raises Fault when one is too large for that."""
    found = {}
    for part in parts:
        if not part.is_file:
            if part.end - part.start > _FIELD_BYTES:
                raise fault(36, "BAD_ARGUMENTS", f"The field {part.name} is too large")
            body.seek(part.start)
            found[part.name] = body.read(part.end - part.start).decode(errors="replace")
    return found


def names(parts: Iterable[Part]) -> frozenset[str]:
    """The parameters that speak of tables, and are no settings."""
    return frozenset(
        f"{part.name}_{about}" for part in parts if part.is_file for about in _ABOUT
    )


def tables(
    body: IO[bytes], parts: Iterable[Part], about: Mapping[str, str]
) -> list[Table]:
    """The parts that are tables. Raises Fault when one has no columns."""
    return [
        Table(
            part.name,
            _columns(part.name, about),
            about.get(f"{part.name}_format") or "TabSeparated",
            _content(body, part),
        )
        for part in parts
        if part.is_file
    ]


def _columns(name: str, about: Mapping[str, str]) -> str:
    if structure := about.get(f"{name}_structure"):
        return structure
    if types := about.get(f"{name}_types"):
        return ", ".join(
            f"`_{number}` {kind}" for number, kind in enumerate(_split(types), start=1)
        )
    message = f"The external table {name} has neither {name}_structure nor {name}_types"
    raise fault(36, "BAD_ARGUMENTS", message)


def _split(types: str) -> list[str]:
    """Cut at the commas that lie in no brackets."""
    pieces, depth = [""], 0
    for sign in types:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += sign
    return [piece.strip() for piece in pieces]


def _places(body: IO[bytes], mark: bytes) -> Iterator[int]:
    """Where lines begin with the mark, with no more than a chunk in memory."""
    body.seek(0)
    # the body's first byte begins a line too
    seen, start = b"\r\n", -2
    needle = b"\r\n" + mark
    while chunk := body.read(_CHUNK_BYTES):
        seen += chunk
        at = seen.find(needle)
        while at >= 0:
            yield start + at + 2
            at = seen.find(needle, at + 1)
        kept = seen[-(len(needle) - 1) :]
        start += len(seen) - len(kept)
        seen = kept


def _part(body: IO[bytes], start: int, end: int) -> Part:
    body.seek(start)
    head, found, _ = body.read(min(_HEAD_BYTES, end - start)).partition(b"\r\n\r\n")
    told = {name.lower(): value for name, value in _ATTRIBUTE.findall(head)}
    if not found or b"name" not in told:
        raise fault(36, "BAD_ARGUMENTS", "A part of the multipart body has no name")
    name = told[b"name"].decode(errors="replace")
    return Part(name, b"filename" in told, start + len(head) + 4, end - 2)


def _content(body: IO[bytes], part: Part) -> Iterator[bytes]:
    at = part.start
    while at < part.end:
        body.seek(at)
        chunk = body.read(min(_CHUNK_BYTES, part.end - at))
        at += len(chunk)
        yield chunk
