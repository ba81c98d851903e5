"""Read just enough of a statement: its kind, its format, and what it must not do."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from warehouse.embedded.refusals import refusal

_TOKEN = re.compile(
    rb"""
      (?P<space> \s+ | \xc2\xa0 | \xe2\x80[\x80-\x8b\xa8\xa9\xaf] | \xe3\x80\x80 | \xef\xbb\xbf )
    | (?P<comment> --[^\n]* | \#[\ !][^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<string> '(?:[^'\\]|\\.|'')*(?:'|\Z)
        | \xe2\x80\x98.*?(?:\xe2\x80\x99|\Z)
        | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<quoted> "(?:[^"\\]|\\.|"")*(?:"|\Z)
        | `(?:[^`\\]|\\.|``)*(?:`|\Z)
        | \xe2\x80\x9c.*?(?:\xe2\x80\x9d|\Z) )
    | (?P<word> [A-Za-z_][\w$]* )
    | (?P<number> [0-9][\w.]* )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One meaningful piece of a statement; space and comments are left out."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The keyword this token may be, in upper case; empty when it cannot be."""
        return self.text.upper() if self.kind == "word" else ""

    @property
    def name(self) -> str:
        """The identifier this token may be, unquoted; empty when it cannot be."""
        if self.kind == "word":
            return self.text
        return self.text[1:-1] if self.kind == "quoted" else ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What the endpoint has to know about a statement before it runs.

    `format` is the one the statement names. `data_at` is where the data of an INSERT
    begin in the given bytes; without it the statement has no data of its own.
    """

    kind: str
    text: str
    format: str = ""
    data_at: int | None = None
    refused_because: str = ""
    names_set: tuple[str, ...] = ()


def tokens(sql: bytes) -> Iterator[Token]:
    """The meaningful tokens of a statement, cut as ClickHouse's own lexer does."""
    for match in _TOKEN.finditer(sql):
        kind = str(match.lastgroup if match.lastgroup != "tag" else "string")
        if kind in {"space", "comment"} or (kind == "mark" and match[0] >= b"\x80"):
            continue
        text = match[0].decode("utf-8", "replace")
        yield Token(kind, text, match.start(), match.end())


def read(sql: bytes) -> Statement:
    """What a statement is; for an INSERT, everything up to its data is looked at."""
    stream = tokens(sql)
    first = next(stream, None)
    if first is None:
        return Statement(kind="", text="")
    if first.word == "INSERT":
        return _insert(sql, first, stream)
    found = [first, *stream]
    return Statement(
        kind=first.word or first.text,
        text=_decoded(sql),
        format=_format(found),
        refused_because=_second_statement(found) or refusal(found),
        names_set=_names_set(found),
    )


def _insert(sql: bytes, first: Token, stream: Iterator[Token]) -> Statement:
    seen = [first]
    depth = 0
    reads = False
    for token in stream:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and not reads and seen[-1].text != ".":
            if token.word == "VALUES" and seen[-1].word not in {"INTO", "TABLE"}:
                return Statement("INSERT", _decoded(sql), refused_because=refusal(seen))
            if token.word == "FORMAT" and seen[-1].word not in {"INTO", "TABLE"}:
                return _with_data(sql, seen, token, next(stream, None))
            reads = token.word in {"SELECT", "WITH"}
        seen.append(token)
    because = _second_statement(seen) or refusal(seen)
    return Statement("INSERT", _decoded(sql), refused_because=because)


def _with_data(
    sql: bytes, seen: Sequence[Token], keyword: Token, name: Token | None
) -> Statement:
    if name is None:
        return Statement("INSERT", _decoded(sql), refused_because=refusal(seen))
    at = name.end
    while sql[at : at + 1] in {b" ", b"\t", b"\f"}:
        at += 1
    # data begin after the first line break, or else after the blanks
    at += sql[at : at + 1] == b"\r"
    at += sql[at : at + 1] == b"\n"
    head = _decoded(sql[: keyword.start])
    return Statement("INSERT", head, name.text, at, refusal(seen))


def _format(found: Sequence[Token]) -> str:
    for at in range(len(found) - 2, 0, -1):
        if found[at].word == "FORMAT" and found[at + 1].kind == "word":
            after = found[at + 2] if at + 2 < len(found) else None
            if after is None or after.text == ";" or after.word in {"SETTINGS", "INTO"}:
                return found[at + 1].text
    return ""


def _second_statement(found: Sequence[Token]) -> str:
    for token, following in pairwise(found):
        if token.text == ";" and following.text != ";":
            return "Multi-statements are not allowed"
    return ""


def _names_set(found: Sequence[Token]) -> tuple[str, ...]:
    if found[0].word != "SET":
        return ()
    return tuple(
        token.name
        for token, following in pairwise(found[1:])
        if token.name and following.text == "="
    )


def _decoded(sql: bytes) -> str:
    return sql.decode("utf-8", "surrogateescape")
