"""The bytes of an INSERT as a file for the engine to read, which is a pipe of ours.

The engine's own insert by pieces is not used: at its end it keeps errors to itself
(a constraint, a view that fails) and tells of rows that it has not stored.
"""

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Final, Self

from warehouse.embedded.lexer import Statement
from warehouse.embedded.protocol import Request

_PIPE_BYTES = 1 << 20
"""Asked of the system; a body that fits needs no thread."""

_JSON: Final = frozenset({"JSONEachRow", "JSONLines", "NDJSON", "JSONCompactEachRow"})
_JSON_SPOILER: Final = (b'"\0' * 64,)
"""A quote within a value and one behind it: nothing goes on so."""

_NATIVE_SPOILER: Final = b"\xff" * 4096
"""Without end: it may be the rest of a block, but after that it is too many columns."""


def spoiler(request: Request, statement: Statement) -> Iterable[bytes] | None:
    """What makes the engine refuse a body of this INSERT that breaks off.

    None where nothing surely does: that body has to be whole before the engine reads
    it.
    """
    forgives = "input_format_allow_errors_"
    told = forgives.encode() in statement.text.lower()
    may_forgive = told or any(name.startswith(forgives) for name in request.settings)
    # a session may have been told before
    if may_forgive or request.session_id:
        return None
    if statement.format == "Native":
        return repeat(_NATIVE_SPOILER)
    return _JSON_SPOILER if statement.format in _JSON else None


class Feed:
    """A pipe with bytes in it, while it is open; `path` is its name for the engine.

    Whatever the pipe's end comes after counts as whole for the engine. So where
    reading the data raises, what comes next is the `spoiler`; without one the bytes
    must be known to be good. Raises at its end what reading them raised.
    """

    def __init__(
        self, data: Iterable[bytes], spoiler: Iterable[bytes] | None = None
    ) -> None:
        self._data = iter(data)
        self._spoiler = spoiler
        self._reader, self._writer = os.pipe()
        self.path = f"/dev/fd/{self._reader}"
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        size = getattr(fcntl, "F_SETPIPE_SZ", None)
        if size is not None:
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._writer, size, _PIPE_BYTES)
        rest = self._filled()
        if rest is None:
            os.close(self._writer)
        else:
            self._thread = threading.Thread(
                target=self._feed, args=(rest,), daemon=True
            )
            self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # a feeder whose engine has given up is told by this that nobody reads
        os.close(self._reader)
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None and (self._spoiler or kind is None):
            raise self._failure

    def _filled(self) -> Iterator[bytes] | None:
        """Put into the pipe what fits at once; the rest, or None when that was all."""
        os.set_blocking(self._writer, False)
        try:
            for chunk in self._data:
                written = self._taken(chunk)
                if written < len(chunk):
                    return chain((chunk[written:],), self._data)
        except BaseException:
            os.close(self._writer)
            os.close(self._reader)
            raise
        return None

    def _taken(self, chunk: bytes) -> int:
        try:
            return os.write(self._writer, chunk) if chunk else 0
        except BlockingIOError:
            return 0

    def _feed(self, rest: Iterator[bytes]) -> None:
        os.set_blocking(self._writer, True)
        try:
            for chunk in rest:
                self._write(chunk)
        except BrokenPipeError:
            pass
        except BaseException as error:  # noqa: BLE001 - told when the engine is done
            self._failure = error
            with contextlib.suppress(BrokenPipeError):
                for chunk in self._spoiler or ():
                    self._write(chunk)
        finally:
            os.close(self._writer)

    def _write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._writer, view) :]
