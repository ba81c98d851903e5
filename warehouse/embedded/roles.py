"""What a user may do, as roles that the engine itself enforces.

chDB has one user, but that user may hold roles, and `SET ROLE` leaves a handle with
those alone. The engine then checks every table it really reads: behind views,
table functions, dictionaries and `system.tables` too, which no reading of SQL can do.
The engine takes its roles at its start, so there is one for each pattern known then.
"""

import re
from collections.abc import Collection
from pathlib import Path

from warehouse.embedded.judged import PRIVATE_SYSTEM_TABLES
from warehouse.embedded.protocol import fault
from warehouse.embedded.tokens import tokens
from warehouse.embedded.users import User

_FREE = "questlog_free"
_NAME = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_READS = "SELECT, SHOW, dictGet"
_WRITES = (
    f"{_READS}, INSERT, ALTER TABLE, CREATE TABLE, DROP TABLE, TRUNCATE, OPTIMIZE,"
    " CHECK"
)
"""No dictionaries: they read as the engine's own user."""

_AS_ANOTHER = re.compile(rb"view|definer|security|query", re.IGNORECASE)
_DEFINES = frozenset({"CREATE", "ALTER", "ATTACH", "REPLACE"})

_LOCKED = (
    "allow_experimental_kusto_dialect",
    "allow_experimental_polyglot_dialect",
    "allow_experimental_prql_dialect",
    "allow_introspection_functions",
    "allow_python_table_function",
    "dialect",
    "format_avro_schema_registry_url",
    "format_schema",
    "format_template_resultset",
    "format_template_row",
    "input_format_record_errors_file_path",
    "output_format_schema",
)
"""Settings that open files or addresses, or another language than the one we read."""

CONSTRAINTS = "".join(f"<{name}><readonly/></{name}>" for name in _LOCKED)


def known(data: Path, patterns: Collection[str]) -> frozenset[str]:
    """The given patterns, and the name of every database of a data directory."""
    stored = (path.stem for path in (data / "metadata").glob("*.sql"))
    return frozenset(patterns) | {name for name in stored if _NAME.match(name)} | {"*"}


def access(patterns: Collection[str]) -> str:
    """What the engine's own user is granted: roles, of which a handle takes some."""
    names = [_FREE, *(_role(pattern, kind) for pattern, kind, _ in _all(patterns))]
    listed = ", ".join(f"`{name}`" for name in names)
    hidden = "".join(
        f"<{table}><filter>has(currentRoles(), '{_FREE}')</filter></{table}>"
        for table in sorted(PRIVATE_SYSTEM_TABLES)
    )
    return (
        f"<grants><query>GRANT {listed}</query></grants>"
        f"<databases><system>{hidden}</system></databases>"
    )


def definitions(patterns: Collection[str]) -> str:
    """The roles themselves."""
    free = (
        "GRANT ALL ON *.*",
        "REVOKE SOURCES ON *.*",
        "REVOKE SYSTEM SHUTDOWN ON *.*",
        # for backups, whose place is looked at; the function `disk` is refused
        "GRANT READ, WRITE ON DISK",
    )
    listed = [_definition(_FREE, free)]
    for pattern, kind, rights in _all(patterns):
        grants = (
            f"GRANT {rights} ON {pattern}.*",
            "GRANT CREATE TEMPORARY TABLE ON *.*",
        )
        listed.append(_definition(_role(pattern, kind), grants))
    return "".join(listed)


def of(user: User, patterns: Collection[str]) -> tuple[str, ...]:
    """The roles that a handle of this user takes; none for who is free.

    Raises Fault when the running engine has none for the user.
    """
    if user.is_free:
        return ()
    kind = "reads" if user.read_only else "writes"
    wanted = [found for own in user.databases for found in _matching(own, patterns)]
    if not wanted:
        message = (
            f"{user.name} may use {', '.join(user.databases)}, which the running"
            " endpoint does not know yet: start it again"
        )
        raise fault(497, "ACCESS_DENIED", message)
    return tuple(_role(pattern, kind) for pattern in dict.fromkeys(wanted))


def refusal(user: User, sql: bytes) -> str:
    """Why a user who is not free may not say this; empty when it may be said.

    A view may read as the engine's own user, and the right to make tables brings
    that to make views: the engine cannot tell them apart.
    """
    if user.is_free or not _AS_ANOTHER.search(sql):
        return ""
    words = {token.word for token in tokens(sql)}
    if words & _DEFINES and words & {"VIEW", "DEFINER", "SECURITY", "QUERY"}:
        return "views are made by users who may use all databases"
    return ""


def _matching(own: str, patterns: Collection[str]) -> list[str]:
    """A user's pattern, or while the engine has no role for it, the names it fits."""
    if own in patterns:
        return [own]
    beginning = own.removesuffix("*")
    if beginning == own:
        return []
    return sorted(
        name for name in patterns if "*" not in name and name.startswith(beginning)
    )


def _all(patterns: Collection[str]) -> list[tuple[str, str, str]]:
    return [
        (pattern, kind, rights)
        for pattern in sorted(patterns)
        for kind, rights in (("reads", _READS), ("writes", _WRITES))
    ]


def _role(pattern: str, kind: str) -> str:
    return f"questlog_{kind}_{pattern.replace('*', '-any')}"


def _definition(name: str, grants: Collection[str]) -> str:
    queries = "".join(f"<query>{grant}</query>" for grant in grants)
    return f"<{name}><grants>{queries}</grants></{name}>"
