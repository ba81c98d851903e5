"""What would let a client out of the database: refused token by token.

The engine's own grants refuse most sources already. They do not cover what is
listed here first: the function `file`, Python(), INTO OUTFILE, FROM INFILE, some
database engines; and a Kafka table leaves a data directory that no longer opens.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from warehouse.embedded.judged import REFUSED_ENGINES, REFUSED_FUNCTIONS
from warehouse.embedded.tokens import Token, plain, tokens

_SCALARS = frozenset({"file"} | {n for n in REFUSED_FUNCTIONS if n.startswith("ai")})
"""Those that can be passed by name, as in `arrayMap(file, names)` or `apply file`."""

_STRUCTURES = frozenset(
    {"format", "fuzzjson", "generaterandom", "input", "null", "values"}
)
"""Table functions that read a text as columns, whose defaults may call functions."""

SUSPICIOUS = re.compile(
    "|".join(
        sorted({*REFUSED_FUNCTIONS, "format", "from", "fuzzjson", "input"})
    ).encode()
    + rb"|\\[xN]|param_",
    re.IGNORECASE,
)
"""Finds every text that could call a refused function, and many that could not."""

_NAMES_SCALAR = re.compile(rf"\b(?:{'|'.join(sorted(_SCALARS))})\b", re.IGNORECASE)
_PLAIN_BACKUP = re.compile(
    r"(BACKUP [^()']+ TO|RESTORE [^()']+ FROM)"
    r" DISK \( 'backups' , '[\w-][\w.-]*' \)( ;)?\Z",
    re.IGNORECASE | re.ASCII,
)
_NO_BACKUP = (
    "backups are made in the endpoint's own folder, and only so:"
    " BACKUP … TO Disk('backups', 'name'), RESTORE … FROM Disk('backups', 'name')"
)
_DEFINES = frozenset({"CREATE", "ATTACH", "REPLACE", "ALTER"})
_DEFINED = frozenset({".", "INTO", "TABLE", "EXISTS", "VIEW", "DICTIONARY", "DATABASE"})
_TABLE_COMES = frozenset(
    {"FROM", "JOIN", "FUNCTION", "TABLE", "DESCRIBE", "DESC", "AS", "IN", "EXISTS"}
)
_SYSTEM = frozenset({"SHUTDOWN", "KILL", "SUSPEND", "FAILPOINT", "INSTRUMENT"})
_LOCAL_SOURCES = frozenset({"clickhouse", "null"})


def refusal(found: Sequence[Token]) -> str:
    """Why a statement is refused; empty when it is not."""
    if not found:
        return ""
    words = [token.word for token in found]
    if words[0] in {"BACKUP", "RESTORE"}:
        return _refused_backup(found)
    return _refused_token(found, words) or _refused_definition(found, words)


def _refused_token(found: Sequence[Token], words: Sequence[str]) -> str:
    passes_functions = _passes_functions(found, words)
    for at, token in enumerate(found):
        before = words[at - 1] if at else ""
        if token.word == "OUTFILE" and before == "INTO":
            return "INTO OUTFILE writes files of the server"
        if token.word == "INFILE" and before == "FROM":
            return "FROM INFILE reads files of the server"
        if token.word == "SYSTEM" and at == 0 and _SYSTEM & set(words):
            return "this SYSTEM statement would stop the server"
        if token.word == "ROLE" and words[0] == "SET":
            return "the roles of a user are given by the endpoint"
        because = _refused_name(found, at, passes=passes_functions)
        if because:
            return because
    return ""


def _refused_backup(found: Sequence[Token]) -> str:
    """A backup stays in its folder: no other place, no setting that names one."""
    text = " ".join(token.text for token in found)
    return "" if _PLAIN_BACKUP.match(text) else _NO_BACKUP


def refused_parameters(parameters: Mapping[str, str], sql: bytes) -> str:
    """Why values of a request's parameters are refused; empty when they are not.

    `{name:Identifier}` may stand for a function that is passed to another.
    """
    if b"identifier" not in sql.lower():
        return ""
    for name, value in parameters.items():
        if _NAMES_SCALAR.search(value) or "\\" in value:
            return f"the parameter {name} could name a function that reaches out"
    return ""


def _refused_name(found: Sequence[Token], at: int, *, passes: bool) -> str:
    token = found[at]
    name = token.name.lower()
    if not name:
        return ""
    if name in REFUSED_FUNCTIONS and _called(found, at):
        return (
            f"the function {token.name} reaches out of the database:"
            f" it {REFUSED_FUNCTIONS[name]}"
        )
    if name in _SCALARS and passes and not _qualified(found, at):
        return (
            f"the function {token.name} reaches out of the database; if a column"
            " is meant, write it with its table"
        )
    if name in _STRUCTURES and _called(found, at) and _is_table(found, at):
        return _refused_structure(found, at)
    if name.startswith("param_") and any(
        _NAMES_SCALAR.search(value.value) or "\\" in value.value
        for value in found[at + 1 : at + 3]
    ):
        return f"the parameter {name} could name a function that reaches out"
    return ""


def _passes_functions(found: Sequence[Token], words: Sequence[str]) -> bool:
    """Whether functions may be passed by name here."""
    return "APPLY" in words or any(
        token.name.lower().startswith(("array", "map")) and _called(found, at)
        for at, token in enumerate(found)
    )


def _called(found: Sequence[Token], at: int) -> bool:
    before = (found[at - 1].word or found[at - 1].text) if at else ""
    followed = at + 1 < len(found) and found[at + 1].text == "("
    return followed and before not in _DEFINED


def _qualified(found: Sequence[Token], at: int) -> bool:
    return at > 0 and found[at - 1].text == "."


def _is_table(found: Sequence[Token], at: int) -> bool:
    """Whether this call stands where a table does; VALUES is a keyword too."""
    before = found[at - 1]
    return at > 0 and (before.word in _TABLE_COMES or before.text in {"(", ","})


def _refused_structure(found: Sequence[Token], at: int) -> str:
    """Columns given as text must be a literal, whose text can be looked at."""
    name = found[at].name.lower()
    arguments = list(_arguments(found, at + 1))
    if name == "format":
        columns = arguments[1:2] if len(arguments) > 2 else []  # noqa: PLR2004 - format, columns, data
    elif name == "fuzzjson":
        columns = arguments[1:]
    else:
        columns = arguments[:1]
    for argument in columns:
        first = argument[0]
        if first.kind == "string" and len(argument) == 1:
            text = first.value
            if _NAMES_SCALAR.search(text) or "\\" in text:
                return f"the columns of {name} could call a function that reaches out"
        elif first.kind in {"word", "quoted", "string"} or first.text == "{":
            return f"the columns of {name} must be written as one literal"
    return ""


def _arguments(found: Sequence[Token], opening: int) -> Iterator[list[Token]]:
    """The arguments of a call, each by its tokens; empty ones are left out."""
    depth = 0
    argument: list[Token] = []
    for token in found[opening:]:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        if depth == 0 or (depth == 1 and token.text == ","):
            if argument:
                yield argument
            argument = []
            if depth == 0:
                return
        elif depth > 1 or token.text != "(" or argument:
            argument.append(token)
    if argument:
        yield argument


def _refused_definition(found: Sequence[Token], words: Sequence[str]) -> str:
    if not _DEFINES & set(words):
        return ""
    for at, word in enumerate(words):
        rest = found[at + 1 : at + 3]
        if word == "ENGINE" and rest:
            name = rest[-1].name if rest[0].text == "=" else rest[0].name
            why = REFUSED_ENGINES.get(name.lower())
            if why:
                return (
                    f"the engine {name} is not available in the embedded endpoint:"
                    f" {why}"
                )
        if word == "SOURCE" and [token.text for token in rest[:1]] == ["("]:
            because = _refused_source(found[at + 1 :], words[at + 1 :])
            if because:
                return because
        if word == "UUID" and rest and rest[0].kind == "string":
            return "a table's UUID is given by the engine: it names a folder of data"
        if word == "FROM" and "ATTACH" in words and rest and rest[0].kind == "string":
            return "ATTACH FROM reads files of the server"
    return ""


def _refused_source(found: Sequence[Token], words: Sequence[str]) -> str:
    """A dictionary may read this database, by queries that are looked at too."""
    source = found[1].name.lower() if len(found) > 1 else ""
    if source not in _LOCAL_SOURCES or "HOST" in words:
        return f"the dictionary source {source} reaches out of the database"
    for token in found:
        if token.kind in {"string", "quoted"}:
            because = refusal(list(tokens(plain(token.text).encode())))
            if because:
                return because
    return ""
