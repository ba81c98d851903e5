"""With CLICKHOUSE_CLUSTER set, every server is told of every table."""

import dataclasses
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.cluster_of_one import CLUSTER, Heard, cluster_of_one
from tests.spec.streams import load, stream
from warehouse.clickhouse import connect, define, replace_partition, rows
from warehouse.clusters import REPLICATED, on_cluster
from warehouse.errors import BadSetting
from warehouse.migrations import migrate, released
from warehouse.publishing import publish
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import run_dbt

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]
AS_OF = date(2026, 5, 4)
STAGING = ("path:seeds", "path:models/staging")
EVERYTHING = ("path:seeds", "path:models")

ALL = f'on cluster "{CLUSTER}"'
ON_CLUSTER = re.compile(rf'\bon cluster "{CLUSTER}"', re.IGNORECASE)
PLACE = ",".join(REPLICATED)
REPLICATED_ENGINE = re.compile(rf"=replicated\w*mergetree\({re.escape(PLACE)}[,)]")
ASKS = re.compile(r"select|with|show|exists|describe|explain|set")
CHANGES_ROWS = re.compile(
    r"insert into|delete from|alter table \S+ (drop|replace|attach) partition"
)
ON_EITHER = re.compile(r"truncate table")
"""What is done once either way: of what is said to all, one replica does it."""


@pytest.fixture(scope="module")
def cluster(
    new_settings: Callable[[], Settings], run_endpoint: Endpoint
) -> Iterator[tuple[Settings, Heard]]:
    """A cluster of one server, with all migrations applied, and what it was told."""
    own = new_settings()
    with run_endpoint(own), cluster_of_one(own.endpoint_port) as heard:
        settings = dataclasses.replace(
            own,
            clickhouse_host="127.0.0.1",
            clickhouse_port=heard.port,
            clickhouse_cluster=CLUSTER,
        )
        with connect(settings) as client:
            migrate(client)
        yield settings, heard


def build(settings: Settings, *words: str, select: Sequence[str]) -> None:
    kinds = ["--resource-type", "model", "--resource-type", "seed"]
    run_dbt(
        settings,
        ["build", "--quiet", *kinds, *words, "--select", *select],
        variables={"as_of": AS_OF.isoformat()},
    )


def plain(statement: str) -> str:
    """A statement without comments, on one line."""
    bare = re.sub(r"/\*.*?\*/|--[^\n]*", " ", statement, flags=re.DOTALL)
    return " ".join(bare.split())


def told_wrongly(statement: str) -> str:
    """Why a statement must not be sent to a cluster like this; empty when it may."""
    said = plain(statement)
    everywhere = bool(ON_CLUSTER.search(said))
    said = " ".join(ON_CLUSTER.sub("", said).lower().split())
    if ASKS.match(said) or ON_EITHER.match(said):
        return ""
    if CHANGES_ROWS.match(said):
        return "would be done once by each server" if everywhere else ""
    if not everywhere:
        return "only one server hears it"
    defined = said.partition(" as ( ")[0].replace(" ", "")
    if "mergetree" in defined and not REPLICATED_ENGINE.search(defined):
        return "its rows stay on one server"
    return ""


def faults(client: "Client", statements: Sequence[str]) -> dict[str, str]:
    """Statements that a cluster must not be told, and what is wrong with them."""
    wrong = {plain(one)[:200]: told_wrongly(one) for one in statements}
    for one in {one for one in statements if ON_CLUSTER.search(one)}:
        # ClickHouse's own parser
        client.query("select formatQuery({one:String})", parameters={"one": one})
    return {statement: why for statement, why in wrong.items() if why}


def waited_for(heard: Heard, *, before: str) -> set[str]:
    """Tables whose rows all replicas had to have before a statement was sent."""
    told = [plain(one) for one in heard.statements]
    place = next(n for n, said in enumerate(told) if said.startswith(before))
    waits = f"system sync replica {ALL} "
    return {
        said.removeprefix(waits).removesuffix(" lightweight")
        for said in told[:place]
        if said.startswith(waits)
    }


def replace_scores(client: "Client", values: list[list[object]]) -> None:
    replace_partition(
        client,
        table="ml.churn_scores",
        partition=f"'{AS_OF}'",
        columns=["as_of", "person_id", "churn_probability"],
        values=values,
    )


@pytest.mark.timeout(300)
def test_every_server_hears_of_every_table(cluster: tuple[Settings, Heard]) -> None:
    settings, heard = cluster
    with connect(settings) as client:
        load(client, stream(random.Random(3), users=5))  # noqa: S311  no secret
        for _ in range(2):
            build(settings, select=STAGING)
        define(client, "create database if not exists marts_build")
        for table in ("empty", "full"):
            define(
                client,
                f"create table marts_build.{table} (one UInt8)"
                " engine = MergeTree order by one",
            )
        client.command("insert into marts_build.full values (1)")
        for _ in range(2):
            published = publish(client, "marts")
        for values in ([[AS_OF, "ann", 0.5]], []):
            replace_scores(client, values)

        assert published == {"empty": 0, "full": 1}
        assert rows(client, "select one from marts.full") == [{"one": 1}]
        assert faults(client, heard.statements) == {}
    assert waited_for(heard, before="delete from `staging`.`stg_events`") == {
        "raw.events",
        "staging.stg_changes",
        "staging.stg_loads_new",
        "staging.stg_repeated_ids",
    }
    said = {" ".join(plain(one).lower().split()[:2]) for one in heard.statements}
    assert said > {
        *("create table", "create or", "create database", "drop table"),
        *("exchange tables", "rename table", "alter table", "system sync"),
        *("delete from", "truncate table"),
    }


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_model_is_built_on_every_server(cluster: tuple[Settings, Heard]) -> None:
    settings, heard = cluster
    with connect(settings) as client:
        load(client, stream(random.Random(3), users=20))  # noqa: S311  no secret
        for words in ((), (), ("--full-refresh",)):
            build(settings, *words, select=EVERYTHING)
            for database in ("marts", "features"):
                publish(client, database)

        assert faults(client, heard.statements) == {}


def places_in_keeper(folder: Path, statements: list[str]) -> dict[str, str]:
    """Where replicated tables lie after these statements, by an engine of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.keeper_in_memory", str(folder)],
        cwd=REPOSITORY,
        input=json.dumps([on_cluster(one, CLUSTER) for one in statements]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines())


def test_the_engine_makes_replicated_tables_as_it_is_told(tmp_path: Path) -> None:
    made = [one.statement for one in released() if "alter table" not in one.statement]
    tables = sum("create table" in one for one in made)
    made.insert(0, "create database ops")
    moved = [
        "create table ml.next as ml.models",
        "exchange tables ml.next and ml.models",
        "rename table ml.next to ml.before",
        "create table ml.next as ml.models",
    ]

    places = places_in_keeper(tmp_path, made + moved)

    assert len(places) == len(set(places.values())) == tables + 2
    assert {"ml.models", "ml.before", "ml.next"} < set(places)
    assert all(
        re.fullmatch("/clickhouse/tables/[0-9a-f-]{36}/01", place)
        for place in places.values()
    )


def test_tables_of_one_server_are_not_taken_for_those_of_a_cluster(
    cluster: tuple[Settings, Heard],
) -> None:
    # the stand-in can't replicate, so what it made looks as if made without a cluster
    with (
        connect(cluster[0]) as client,
        pytest.raises(BadSetting, match=r"made without a cluster.*docs/cluster\.md"),
    ):
        migrate(client)


@pytest.mark.parametrize(
    ("name", "fault"),
    [("sharded", "'sharded' has 2 shards"), ("nowhere", "knows no cluster 'nowhere'")],
)
def test_a_cluster_that_cannot_hold_every_table_whole_is_refused(
    cluster: tuple[Settings, Heard], name: str, fault: str
) -> None:
    named = dataclasses.replace(cluster[0], clickhouse_cluster=name)

    with connect(named) as client, pytest.raises(BadSetting, match=fault):
        migrate(client)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("create table a.b (x Int8) engine = MergeTree order by x", "only one server"),
        (f"create table a.b {ALL} (x Int8) engine = MergeTree order by x", "rows stay"),
        (
            f"create table a.b {ALL} (x Int8) engine = ReplacingMergeTree(x)",
            "rows stay",
        ),
        (f"alter table a.b {ALL} replace partition 1 from a.c", "once by each server"),
        (f"delete from a.b {ALL} where x = 1", "once by each server"),
        ("alter table a.b add column y Int8", "only one server"),
        ("optimize table a.b final", "only one server"),
    ],
)
def test_what_a_cluster_must_not_be_told_is_found(statement: str, why: str) -> None:
    assert why in told_wrongly(statement)
