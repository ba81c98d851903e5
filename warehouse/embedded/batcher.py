"""Small inserts written together: while one block is being written the next gathers.

Who comes alone writes at once. In a crowd the next block waits a moment for those whom
the last one set free: a steady crowd then writes one block in turn, not two halves of
itself. Each insert ends when its rows are stored, or with an error of its own.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from warehouse.embedded.protocol import Fault, Summary

SMALL_BYTES = 128 << 10
"""The largest body that is gathered: a larger one is a block of its own."""

_MOST_BYTES = 4 << 20
_COMPANY_SECONDS = 0.010
"""The longest that a block waits for its crowd: what clients of this machine take to
hear of one insert and to send the next."""

_MOST_CROWDS = 1000

_NOTHING_WRITTEN = frozenset(
    (6, 16, 25, 26, 27, 33, 36, 38, 41, 43, 53, 70, 72, 117, 130, 131, 252, 349, 376)
) | frozenset((407, 441, 467, 469, 636, 675, 676))
"""Codes of errors that come before a block of rows is handed to the table: of reading
it, of constraints, of too many parts or partitions."""

Write = Callable[[Sequence[bytes]], Summary]


@dataclass(slots=True)
class _Insert:
    """One insert on its way: it leads, is done, failed, or has to try alone."""

    body: bytes
    rows: int
    awake: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    is_alone: bool = False
    summary: Summary | None = None
    failure: BaseException | None = None


@dataclass(slots=True)
class _Crowd:
    """Inserts of one key, while one of them leads, and how many came of late."""

    waiting: deque[_Insert] = field(default_factory=deque)
    is_led: bool = False
    expected: int = 0
    is_there: threading.Event = field(default_factory=threading.Event)

    def notice(self) -> None:
        """Let the leader go on as soon as all are there who are expected."""
        if len(self.waiting) + 1 >= self.expected:
            self.is_there.set()


class Batcher:
    """Inserts that differ in nothing but their rows, gathered by what they share.

    Every caller waits in its own thread, so there are never more than threads.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._crowds: dict[Hashable, _Crowd] = {}

    def insert(self, key: Hashable, body: bytes, rows: int, write: Write) -> Summary:
        """Have the rows of a body written; what was written of them.

        The writes of one key do the same with any bodies. Raises what `write` raises.
        """
        mine = _Insert(body, rows)
        with self._guard:
            crowd = self._crowd(key)
            if crowd.is_led:
                crowd.waiting.append(mine)
            else:
                crowd.is_led = mine.leads = True
            crowd.notice()
        if not mine.leads:
            mine.awake.wait()
        if mine.leads:
            crowd.is_there.wait(_COMPANY_SECONDS)
            with self._led(crowd, mine) as batch:
                _write(batch, write)
        if mine.is_alone:
            return write((body,))
        if mine.summary is None:
            raise mine.failure or AssertionError("an insert ended without an outcome")
        return mine.summary

    def _crowd(self, key: Hashable) -> _Crowd:
        crowd = self._crowds.get(key)
        if crowd is None:
            if len(self._crowds) >= _MOST_CROWDS:
                led = {key: one for key, one in self._crowds.items() if one.is_led}
                self._crowds = led
            crowd = self._crowds[key] = _Crowd()
        return crowd

    @contextlib.contextmanager
    def _led(self, crowd: _Crowd, first: _Insert) -> Iterator[list[_Insert]]:
        """What is written now; then the next leads, and the others are told."""
        batch, size = [first], len(first.body)
        waiting = crowd.waiting
        with self._guard:
            while waiting and size + len(waiting[0].body) <= _MOST_BYTES:
                batch.append(waiting.popleft())
                size += len(batch[-1].body)
        try:
            yield batch
        finally:
            with self._guard:
                crowd.expected = len(batch) + len(waiting)
                crowd.is_there.clear()
                crowd.is_led = bool(waiting)
                if waiting:
                    following = waiting.popleft()
                    following.leads = True
                    following.awake.set()
                    crowd.notice()
            for one in batch:
                one.awake.set()


def _write(batch: Sequence[_Insert], write: Write) -> None:
    """Write a batch, and say of each insert how it ended."""
    try:
        summary = write([one.body for one in batch])
    except BaseException as error:  # noqa: BLE001 - raised by each insert's own thread
        code = error.code if isinstance(error, Fault) else 0
        for one in batch:
            one.failure = error
            one.is_alone = len(batch) > 1 and code in _NOTHING_WRITTEN
        return
    rows = sum(one.rows for one in batch)
    for one in batch:
        one.summary = _share(summary, one.rows, rows)


def _share(whole: Summary, rows: int, of_rows: int) -> Summary:
    """One insert's share of what was written: its rows, its part of the bytes."""
    size = whole.written_bytes * rows // max(1, of_rows)
    return Summary(
        read_rows=rows,
        read_bytes=size,
        written_rows=rows,
        written_bytes=size,
        result_rows=rows,
        result_bytes=size,
        elapsed_ns=whole.elapsed_ns,
    )
