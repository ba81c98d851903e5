"""Where a vault lies: what its rows need of a database, and which questions they ask.

SQL is written once, for both stores: `?` stands for a value, bytes come back as bytes.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]

# parameters a query takes at once; SQLite's oldest limit is 999
_AT_ONCE = 500


class Rows(Protocol):
    """A transaction of a store: it ends with the block that opened it."""

    def ask(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """The rows of one statement."""

    def tell(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Carry a statement out for each of the rows."""


class Store(Protocol):
    """A database that holds one vault; safe to use from several threads."""

    @property
    def place(self) -> str:
        """Where it is, without a password: for messages."""

    def reading(self) -> AbstractContextManager[Rows]:
        """A transaction that sees one moment of the vault.

        Raises Unavailable when the database does not answer, BadInput when it is
        damaged; so does `writing`.
        """

    def writing(self) -> AbstractContextManager[Rows]:
        """A transaction that no other writer shares; durable at its end, or undone."""

    def scrub(self) -> bool:
        """Overwrite what deleted rows left; whether all of it could be."""

    def close(self) -> None:
        """Let go of the database."""


def among(rows: Rows, query: str, values: Sequence[object]) -> list[Row]:
    """The rows of a query with one `in ({})`, however many values there are."""
    found: list[Row] = []
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        found += rows.ask(query.format(", ".join("?" * len(part))), part)
    return found


SCHEMA = (
    "create table if not exists vault (name text primary key, value {bytes} not null)",
    """create table if not exists people (
        id {number},
        person {bytes} not null unique,
        wrapped_key {bytes} not null
    )""",
    """create table if not exists secrets (
        person_id bigint not null,
        name text not null,
        token {bytes} not null,
        at_us bigint not null,
        sealed {bytes} not null,
        primary key (person_id, name, token)
    )""",
    """create table if not exists analytics_decisions (
        person {bytes} primary key,
        at_us bigint not null,
        denied integer not null
    )""",
    """create table if not exists tombstones (
        person {bytes} primary key,
        at_us bigint not null
    )""",
    """create table if not exists erasures (
        erasure text primary key,
        sealed_plan {bytes} not null
    )""",
)
"""The tables of a vault, but for what the two databases call differently."""
