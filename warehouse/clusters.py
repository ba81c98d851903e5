"""What a cluster changes in our own statements.

A cluster here is one shard of several replicas: each holds every table whole. What
defines tables is said to all servers at once; what changes rows or partitions is said
to one and travels by replication. Said to all, it would be done once by each.
"""

import re

from warehouse.errors import MigrationFailed

REPLICATED = ("'/clickhouse/tables/{uuid}/{shard}'", "'{replica}'")
"""Where a replicated table lies in Keeper, and under which name a server takes part.

The servers fill in the macros. By the table's uuid and not by its name, for tables are
exchanged and renamed: the place belongs to the table, not to what it is called.
"""

_REMEMBERED_SECONDS = 365 * 24 * 3600

_NAME = r"[\w.]+"
_DEFINES = re.compile(
    rf"""
    (?:\s | --[^\n]*\n)*
    (?:
        create \s+ (?:database|table|view) \s+ (?:if\s+not\s+exists\s+)? {_NAME}
        | drop \s+ table \s+ (?:if\s+exists\s+)? {_NAME}
        | alter \s+ table \s+ {_NAME}
            (?= \s+ (?:
                (?:add|drop|modify|rename|comment) \s+ column
                | (?:modify|reset) \s+ setting
            ))
        | exchange \s+ tables \s+ {_NAME} \s+ and \s+ {_NAME}
        | rename \s+ table \s+ {_NAME} \s+ to \s+ {_NAME}
        | system \s+ sync \s+ replica (?= \s+ {_NAME})
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ENGINE = re.compile(
    r"\bengine\s*=\s*(\w*MergeTree)\b(?:\s*\(([^()]*)\))?", re.IGNORECASE
)
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window\s*=\s*(\d+)")


def on_cluster(statement: str, cluster: str) -> str:
    """A statement that defines tables, as all servers of a cluster take it.

    Without a cluster the statement comes back as it is. Raises MigrationFailed for one
    of a kind that nobody has thought through for clusters.
    """
    if not cluster:
        return statement
    found = _DEFINES.match(statement)
    if not found:
        first = statement.strip().partition("\n")[0]
        raise MigrationFailed(
            f"This is not known on a cluster: {first!r}. Teach warehouse/clusters.py"
            " where ON CLUSTER belongs in it, or whether replication carries it."
        )
    rest = statement[found.end() :]
    return f'{found[0]} on cluster "{cluster}"{_WINDOW.sub(_window, _replicated(rest))}'


def _replicated(text: str) -> str:
    def engine(found: re.Match[str]) -> str:
        arguments = [*REPLICATED, *([found[2].strip()] if found[2] else [])]
        return f"engine = Replicated{found[1]}({', '.join(arguments)})"

    return _ENGINE.sub(engine, text)


def _window(found: re.Match[str]) -> str:
    """As many blocks are remembered as on one server; there, for good."""
    return (
        f"replicated_deduplication_window = {found[1]},\n"
        f"    replicated_deduplication_window_seconds = {_REMEMBERED_SECONDS}"
    )
