"""Which inserts may be written together, and how their bodies are put together.

A body joins others only when it is certainly made of whole rows, so that one torn in
the middle can neither swallow nor alter its neighbour: each row is a whole value of
JSON by Python's own strict reading, which takes less than the engine's does.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NoReturn

from warehouse.embedded.lexer import Statement
from warehouse.embedded.protocol import Request
from warehouse.embedded.text import quoted
from warehouse.embedded.tokens import tokens

_OPENINGS: Final = {
    "JSONEachRow": "{",
    "JSONLines": "{",
    "NDJSON": "{",
    "JSONCompactEachRow": "[",
}
_SPACES: Final = re.compile(r"[ \t\r\n]*")
_ENDS_TABLE: Final = frozenset({"(", "SETTINGS"})
_BETWEEN: Final = b" " * 64 + b"\n"
"""Between two bodies: longer than what the engine reads at once without looking for
the end of a value (a UUID, a time), so that a value too short meets blanks."""

_APART: Final = (
    "input_format_allow_errors_",
    "insert_deduplication_",
    "insert_deduplicate",
    "async_insert_deduplicate",
    "max_insert_block_size",
    "min_insert_block_size",
    "max_block_size",
    "max_rows",
    "max_bytes",
    "limit",
)
"""Beginnings of settings whose meaning depends on which rows come together."""

_MOST_KNOWN: Final = 1000
_KNOWN_SECONDS: Final = 1.0
_OFF: Final = frozenset({"0", "false"})


def may_join(request: Request, statement: Statement) -> bool:
    """Whether an insert may be written with others, its rows aside."""
    return (
        statement.format in _OPENINGS
        and not request.session_id
        and not request.read_only
        and not request.parameters
        and request.settings.get("async_insert") not in _OFF
        and not _sets_apart(request.settings)
        and b"settings" not in statement.text.lower()
    )


def _sets_apart(settings: Mapping[str, str]) -> bool:
    return any(name.startswith(_APART) for name in settings)


class PlainTables:
    """Tables written all at once, that no view reads, and that know no insert again.

    Of another, rows of a failed insert may be there in part, and a repeated insert is
    known again by its block, which has to be its own. Asked of the engine once
    a second for each table, so that an insert does not have to ask each time.
    """

    def __init__(self, ask: Callable[[str], bytes]) -> None:
        self._ask = ask
        self._known: dict[tuple[str, str], tuple[bool, float]] = {}

    def is_plain(self, statement: Statement, database: str) -> bool:
        """Whether the table of an INSERT is one of them."""
        table = _target(statement)
        if table is None:
            return False
        name = (table[0] or database, table[1])
        now = time.monotonic()
        is_plain, until = self._known.get(name, (False, 0.0))
        if until < now:
            # a handful of tables; those that are gone do not add up
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            is_plain = self._asked(*name)
            self._known[name] = (is_plain, now + _KNOWN_SECONDS)
        return is_plain

    def _asked(self, database: str, table: str) -> bool:
        found = self._ask(
            "select count() from system.tables where engine like '%MergeTree'"
            " and empty(dependencies_table)"
            " and not engine_full like '%deduplication_window%'"
            f" and database = {quoted(database)} and name = {quoted(table)}"
        )
        return found.strip() == b"1"


def _target(statement: Statement) -> tuple[str, str] | None:
    """The database (empty: the current one) and table of an INSERT; None for another.

    A table function is no table.
    """
    words = list(tokens(statement.text))
    at = 1 + (words[1].word == "INTO")
    at += words[at].word == "TABLE" and len(words) > at + 1
    names = [words[at].name]
    at += 1
    if at + 1 < len(words) and words[at].text == ".":
        names.append(words[at + 1].name)
        at += 2
    rest = words[at].word or words[at].text if at < len(words) else "("
    if rest not in _ENDS_TABLE or not all(names):
        return None
    return (names[0], names[1]) if len(names) > 1 else ("", names[0])


def whole_rows(form: str, body: bytes) -> int:
    """How many rows a body certainly has; 0 when that cannot be told."""
    opening = _OPENINGS[form]
    try:
        text = body.decode()
        return sum(1 for _ in _values(text, opening))
    except (ValueError, RecursionError):
        return 0


def taken(data: Iterable[bytes], most: int) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of some data, all if they are no more than `most` bytes.

    Beside it all of the data once more.
    """
    rest = iter(data)
    head = b""
    while len(head) <= most and (chunk := next(rest, None)) is not None:
        head += chunk
    return head, chain((head,), rest)


def joined(bodies: Sequence[bytes]) -> bytes:
    """Several bodies as one."""
    return _BETWEEN.join(bodies)


def _values(text: str, opening: str) -> Iterator[None]:
    at = _end_of_spaces(text, 0)
    while at < len(text):
        if text[at] != opening:
            raise ValueError(text[at])
        at = _end_of_spaces(text, _STRICT.raw_decode(text, at)[1])
        yield


def _end_of_spaces(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    return found.end() if found else at


def _refused(word: str) -> NoReturn:
    raise ValueError(word)


_STRICT: Final = json.JSONDecoder(parse_constant=_refused)
