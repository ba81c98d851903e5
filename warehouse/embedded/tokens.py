"""Cut a statement where ClickHouse's own lexer cuts it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
      (?P<space> \s+ | \xc2\xa0 | \xe1\xa0\x8e | \xe2\x80[\x80-\x8f\xa8\xa9\xaf]
        | \xe2\x81[\x9f\xa0] | \xe3\x80\x80 | \xef\xbb\xbf )
    | (?P<comment> --[^\n]* | //[^\n]* | \#[\ !][^\n]* )
    | (?P<block> /\* )
    | (?P<string> '(?:[^'\\]|\\.|'')*(?:'|\Z)
        | \xe2\x80\x98.*?(?:\xe2\x80\x99|\Z) )
    | (?P<heredoc> \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<quoted> "(?:[^"\\]|\\.|"")*(?:"|\Z)
        | `(?:[^`\\]|\\.|``)*(?:`|\Z)
        | \xe2\x80\x9c.*?(?:\xe2\x80\x9d|\Z) )
    | (?P<word> [A-Za-z_][\w$]* )
    | (?P<number> [0-9][\w.]* )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK = re.compile(rb"/\*|\*/")
_SKIPPED = frozenset({"space", "comment"})
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPED = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "N": "",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "0": "\0",
}


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
        return plain(self.text) if self.kind == "quoted" else ""

    @property
    def value(self) -> str:
        """The text of a literal without its quotes and escapes; else empty."""
        return plain(self.text) if self.kind == "string" else ""


def tokens(sql: bytes) -> Iterator[Token]:
    """The meaningful tokens of a statement, cut where ClickHouse's own lexer cuts."""
    at = 0
    while match := _TOKEN.match(sql, at):
        kind, at = str(match.lastgroup), match.end()
        if kind == "block":
            at = _after_block(sql, at)
            continue
        if kind in _SKIPPED or (kind == "mark" and match[0] >= b"\x80"):
            continue
        kind = "string" if kind in {"heredoc", "tag"} else kind
        yield Token(kind, match[0].decode("utf-8", "replace"), match.start(), at)


def _after_block(sql: bytes, at: int) -> int:
    """Where a block comment ends; ClickHouse lets them nest."""
    depth = 1
    for mark in _BLOCK.finditer(sql, at):
        depth += 1 if mark[0] == b"/*" else -1
        if depth == 0:
            return mark.end()
    return len(sql)


def plain(literal: str) -> str:
    """What a quoted text means: its quotes off, its escapes read."""
    if literal.startswith("$"):
        tag = literal.index("$", 1) + 1
        return literal[tag:-tag]
    quote, inner = literal[:1], literal[1:]
    closing = {"\u2018": "\u2019", "\u201c": "\u201d"}.get(quote, quote)
    inner = inner.removesuffix(closing).replace(quote * 2, quote)
    return _ESCAPE.sub(_unescaped, inner)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)
