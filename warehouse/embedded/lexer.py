"""Read just enough of a statement: its kind, its format, and where its data begin."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from warehouse.embedded.refusals import SUSPICIOUS, refusal
from warehouse.embedded.tokens import Token, tokens

_CLIENTS_ID = b"Settings['log_comment']"
SELECTS = frozenset({"SELECT", "WITH", "FROM"})
"""The words that a query begins with, unless that is a bracket."""
_TABLE_FOLLOWS = frozenset({"INTO", "TABLE"})


@dataclass(frozen=True, slots=True)
class Statement:
    """What the endpoint has to know about a statement before it runs.

    `kind` is its first word. `format` is the one the statement names. `data_at` is
    where the data of an INSERT begin in the given bytes; None when it has none apart;
    `input_at` is then where the text has room for FROM INFILE.
    `output_at` is where a SELECT has room for INTO OUTFILE; None when it is no SELECT.
    """

    kind: str
    text: bytes
    format: str = ""
    data_at: int | None = None
    output_at: int | None = None
    input_at: int | None = None
    refused_because: str = ""


def read(sql: bytes) -> Statement:
    """What a statement is; of an INSERT, everything up to its data is looked at."""
    stream = tokens(sql)
    first = next(stream, None)
    if first is None:
        return Statement(kind="", text=b"")
    if first.word == "INSERT":
        return _insert(sql, first, stream)
    found = [first, *stream]
    form = _format(found)
    return Statement(
        kind=first.word or first.text,
        text=_with_own_ids(sql, found) if first.word == "KILL" else sql,
        format=found[form + 1].text if form else "",
        output_at=_output_at(found, form),
        refused_because=_second_statement(found) or refusal(found),
    )


def _insert(sql: bytes, first: Token, stream: Iterator[Token]) -> Statement:
    seen = [first]
    depth = 0
    reads = False
    for token in stream:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        names_table = seen[-1].word in _TABLE_FOLLOWS or seen[-1].text == "."
        if depth == 0 and not reads and not names_table:
            if token.word == "VALUES":
                return _with_values(sql, seen, token, stream)
            if token.word == "FORMAT":
                return _with_data(sql, seen, token, stream)
            reads = token.word in {"SELECT", "WITH"}
        seen.append(token)
    because = _second_statement(seen) or refusal(seen)
    return Statement("INSERT", sql, refused_because=because)


def _with_values(
    sql: bytes, seen: list[Token], keyword: Token, stream: Iterator[Token]
) -> Statement:
    """VALUES may hold any expression, so the engine gets the whole text."""
    if SUSPICIOUS.search(sql, keyword.start):
        seen = [*seen, keyword, *stream]
    return Statement("INSERT", sql, refused_because=refusal(seen))


def _with_data(
    sql: bytes, seen: list[Token], keyword: Token, stream: Iterator[Token]
) -> Statement:
    name = next(stream, None)
    if name is None or name.word == "VALUES":
        return _with_values(sql, seen, keyword, stream)
    at = name.end
    while sql[at : at + 1] in {b" ", b"\t", b"\f"}:
        at += 1
    # data begin after the first line break, or else after the blanks
    at += sql[at : at + 1] == b"\r"
    at += sql[at : at + 1] == b"\n"
    head = sql[: keyword.start]
    return Statement(
        "INSERT",
        head,
        name.text,
        at,
        input_at=_input_at(seen),
        refused_because=refusal(seen),
    )


def _input_at(seen: Sequence[Token]) -> int:
    """The end of what an INSERT names, before its SETTINGS."""
    depth = 0
    for before, token in pairwise(seen):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        names_table = before.word in _TABLE_FOLLOWS or before.text == "."
        if token.word == "SETTINGS" and depth == 0 and not names_table:
            return before.end
    return seen[-1].end


def _format(found: Sequence[Token]) -> int:
    """The place of the word FORMAT; 0 when the statement names none."""
    for at in range(len(found) - 2, 0, -1):
        if found[at].word == "FORMAT" and found[at + 1].kind == "word":
            after = found[at + 2] if at + 2 < len(found) else None
            if after is None or after.text == ";" or after.word == "SETTINGS":
                return at
    return 0


def _output_at(found: Sequence[Token], form: int) -> int | None:
    words = {token.word for token in found}
    if (found[0].word not in SELECTS and found[0].text != "(") or "INSERT" in words:
        return None
    if form:
        return found[form].start
    return next(token.end for token in reversed(found) if token.text != ";")


def _with_own_ids(sql: bytes, found: Sequence[Token]) -> bytes:
    """KILL QUERY by the ids clients give: the engine knows them as log comments."""
    for token in reversed(found):
        if token.name.lower() == "query_id":
            sql = sql[: token.start] + _CLIENTS_ID + sql[token.end :]
    return sql


def _second_statement(found: Sequence[Token]) -> str:
    for token, following in pairwise(found):
        if token.text == ";" and following.text != ";":
            return "Multi-statements are not allowed"
    return ""
