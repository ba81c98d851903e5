"""Publish what was built aside: readers see whole tables that passed their gate."""

import hashlib
import os
from datetime import date
from typing import TYPE_CHECKING

from warehouse.audit_journal import settle
from warehouse.clickhouse import cluster_of, connect, define, rows
from warehouse.errors import GateClosed, Unavailable
from warehouse.latency import note_latency
from warehouse.lineage.events import Dataset, Job
from warehouse.lineage.telling import told
from warehouse.settings import Settings, load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

BUILD_SUFFIX = "_build"
"""Models of `marts` are built in the database `marts_build`; likewise `features`."""

# as a tuple: of several arguments one null makes the whole hash null
AUDIENCES = "audiences"
"""The gate before the ad platforms."""

_CONTENT = "select (count(), sum(cityHash64(tuple(*)))) from {table}"


def publish(client: "Client", database: str) -> dict[str, int]:
    """Make the published tables of a database equal to the built ones.

    The caller has seen the gate of that name open. Returns rows by table. Each table
    changes in one step; a table that is no longer built is dropped. On a cluster a
    table changes when all of its rows lie on every replica; raises Unavailable when
    they don't get there.
    """
    define(client, f"create database if not exists {database}")
    built = _tables(client, database + BUILD_SUFFIX)
    for table in built:
        if cluster_of(client):
            _show_everywhere(client, database, table, built[table])
        else:
            client.command(
                f"create or replace table {database}.{table}"
                f" clone as {database}{BUILD_SUFFIX}.{table}"
            )
    for table in set(_tables(client, database)) - set(built):
        define(client, f"drop table {database}.{table} sync")
    if built:
        client.insert(
            "ops.publications",
            [[database, f"{database}.{table}", built[table]] for table in built],
            column_names=["gate", "table_name", "published_rows"],
        )
    if built and database == "marts":
        note_latency(client)
    return built


def _show_everywhere(
    client: "Client", database: str, table: str, built_rows: int
) -> None:
    """Put a built table into place on every replica.

    Not by `clone as`, which on replicated tables may leave an empty one behind. The
    parts are attached on one server, as replication carries them to the others.
    """
    built, shown = f"{database}{BUILD_SUFFIX}.{table}", f"{database}.{table}"
    aside = f"{shown}__next"
    define(client, f"drop table if exists {aside} sync")
    define(client, f"create table {aside} as {built}")
    if built_rows:
        client.command(f"alter table {aside} attach partition all from {built}")
    define(client, f"system sync replica {aside} lightweight")
    found = int(str(client.command(f"select count() from {aside}")))
    if found != built_rows:
        raise Unavailable(
            f"{found} of {built_rows} rows of {built} came over, so {shown} was left as"
            f" it is. Publish {database} again, while nothing builds it."
        )
    if int(str(client.command(f"exists table {shown}"))):
        define(client, f"exchange tables {aside} and {shown}")
        define(client, f"drop table {aside} sync")
    else:
        define(client, f"rename table {aside} to {shown}")


def built_content(client: "Client", database: str) -> str:
    """A fingerprint of every row that was built for a database, in any order.

    A gate keeps the one it judged: rows that were built later have another, while the
    same rows built again have the same. Neither clocks nor merges of parts count.
    """
    build = database + BUILD_SUFFIX
    sums = [
        (table, client.command(_CONTENT.format(table=f"{build}.{table}")))
        for table in _tables(client, build)
    ]
    return hashlib.sha256(repr(sums).encode()).hexdigest()


def judged_content(client: "Client", gate: str, as_of: date) -> str:
    """The fingerprint of what a gate judges: a build, or the audiences of a day."""
    if gate != AUDIENCES:
        return built_content(client, gate)
    found = rows(
        client,
        "select count() as members, sum(cityHash64(audience, person_id, value,"
        " sendable)) as content from activation.audience_members"
        " where as_of = {as_of:Date}",
        {"as_of": as_of},
    )
    return f"{found[0]['members']} {found[0]['content']}"


def closed_days(client: "Client", gate: str) -> list[date]:
    """The days for which a gate was closed when it was run last."""
    found = rows(
        client,
        "select as_of from (select as_of, run_id, max(checked_at) as judged_at,"
        " countIf(severity = 'stop' and not success) as stopping from ops.gate_results"
        " where gate = {gate:String} group by as_of, run_id) group by as_of"
        " having argMax(stopping, judged_at) > 0 order by as_of",
        {"gate": gate},
    )
    return [row["as_of"] for row in found]


def require_open_gate(client: "Client", database: str) -> None:
    """Raise GateClosed unless the gate's last run judged this build and let it pass."""
    found = rows(
        client,
        "select countIf(severity = 'stop' and not success) as stopping,"
        " any(judged_content) as judged_content, any(as_of) as day"
        " from ops.gate_results where gate = {gate:String}"
        " group by run_id order by max(checked_at) desc limit 1",
        {"gate": database},
    )
    if not found:
        raise GateClosed(
            f"The gate {database} was never run. Run `questlog gate {database}` first."
        )
    if found[0]["stopping"]:
        raise GateClosed(
            f"The gate {database} is closed: {found[0]['stopping']} expectations that"
            f" stop were not met. `questlog gate {database}` shows which."
        )
    if found[0]["judged_content"] != built_content(client, database):
        raise GateClosed(
            f"{database} was built again after its gate, and nobody has judged that"
            f" build. Run `questlog gate {database} --as-of {found[0]['day']}` first."
        )


def _tables(client: "Client", database: str) -> dict[str, int]:
    """Rows by table. Counted: `total_rows` has rows that were deleted in place."""
    found = rows(
        client,
        "select name from system.tables"
        " where database = {database:String} and engine like '%MergeTree'"
        " order by name",
        {"database": database},
    )
    return {
        row["name"]: int(
            str(client.command(f"select count() from {database}.{row['name']}"))
        )
        for row in found
    }


def publish_judged(settings: Settings, database: str) -> dict[str, int]:
    """Publish what passed its gate; rows by table.

    Raises GateClosed when the gate's last run was closed.
    """
    with told(settings, Job(name=f"publish.{database}", kind="PUBLICATION")) as run:
        with connect(settings) as client:
            require_open_gate(client, database)
            published = publish(client, database)
        build = database + BUILD_SUFFIX
        run.inputs = [Dataset(table=f"{build}.{name}") for name in published]
        run.outputs = [
            Dataset(table=f"{database}.{name}", rows=count)
            for name, count in published.items()
        ]
    return published


def publish_at_door(database: str) -> None:
    """The same with the settings of this process."""
    settings = load(os.environ)
    publish_judged(settings, database)
    # what was noted where no warehouse can be reached, such as a door's new key
    settle(settings)
