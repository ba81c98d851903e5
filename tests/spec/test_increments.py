"""Increments end where a whole rebuild ends, cell by cell, whatever the cuts.

Also when people are erased in between, after a build and after one that was killed.

Many streams run side by side, each with people, devices and cuts of its own, so that
one run of dbt is an increment of all of them.
"""

import dataclasses
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.spec.cut_streams import (
    LOADS,
    RUNS,
    ZONE,
    Stream,
    bring,
    cut,
    the_reference_agrees,
)
from tests.spec.streams import add, world
from warehouse import audit, backfill, erasure
from warehouse.clickhouse import connect, rows
from warehouse.erasure.person import find
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import run_dbt
from warehouse.vault import open_vault

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

ERASING = {2, 4}
"""Runs before which somebody is erased; nothing of theirs is let in again."""
KILLED = {1, 3}
"""Runs whose dbt is killed while it builds a model; the next run has to mend it."""
KILLED_ANEW = {3}
"""Of them, a build of everything anew where the seed divides by three."""
VICTIMS = (
    *("stg_device_clocks", "stg_events", "stg_payments", "int_touched_people"),
    "int_device_users",
    *("int_people_of_ids", "fct_events", "fct_sessions", "dim_people"),
)
MODELS = ("path:models/staging", "path:models/intermediate", "path:models/marts")
VARIABLES = {"as_of": date(2026, 5, 4).isoformat()}
KEPT = (
    "database in ('staging', 'intermediate', 'marts_build')"
    # what a run notes for itself differs between runs that end alike
    " and name not in ('stg_loads', 'stg_loads_new', 'stg_build', 'stg_changes',"
    " 'stg_repeated_ids', 'stg_expired_copies', 'stg_doubted_copies',"
    " 'int_build', 'int_changes_new',"
    " 'int_changes_followed',"
    " 'int_touched_people', 'int_touched_ids', 'int_events_touched',"
    " 'int_events_sessionized',"
    " 'int_session_marks', 'int_sessions_summed', 'int_runaway_days')"
)
Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]


@pytest.fixture
def engine(
    new_settings: Callable[[], Settings], run_endpoint: Endpoint
) -> Iterator[Settings]:
    """An engine of our own, with nothing in it but tables and seeds."""
    own = dataclasses.replace(new_settings(), reporting_timezone=ZONE)
    with run_endpoint(own):
        with connect(own) as client:
            migrate(client)
        run_dbt(own, ["seed", "--quiet"], variables=VARIABLES)
        yield own


def build(engine: Settings, *, anew: bool = False) -> None:
    words = ["run", "--quiet", "--select", *MODELS]
    run_dbt(engine, [*words, "--full-refresh"] if anew else words, variables=VARIABLES)


def killed_build(engine: Settings, chance: random.Random, *, anew: bool) -> str:
    """Start a build and kill it at some model; the name of that model."""
    victim = chance.choice(VICTIMS)
    words = ["--full-refresh"] if anew else []
    kill_at(engine, victim, *words, after_s=chance.random() * 0.3)
    return " ".join([victim, *words])


def kill_at(engine: Settings, victim: str, *words: str, after_s: float = 0.1) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "questlog", "dbt", "run", "--select", *MODELS, *words],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "QUESTLOG_HOME": str(engine.home),
            "QUESTLOG_ENDPOINT_PORT": str(engine.endpoint_port),
            "REPORTING_TIMEZONE": ZONE,
            "CLICKHOUSE_HOST": "",
        },
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        for line in process.stdout or ():
            if "START" in line and f".`{victim}`" in line.replace("\x1b", ""):
                time.sleep(after_s)
                break
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        if process.stdout:
            process.stdout.close()


def everything(client: "Client") -> dict[str, list[str]]:
    """Every row of every table that readers or later runs see, as text, in order."""
    tables = rows(
        client,
        "select database, name from system.tables"
        f" where engine like '%MergeTree' and {KEPT}",
    )
    return {
        f"{table['database']}.{table['name']}": sorted(
            str(row)
            for row in rows(
                client, f"select * from {table['database']}.{table['name']}"
            )
        )
        for table in tables
    }


@pytest.mark.timeout(900)
@settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(1, 2**32))
def test_twenty_streams_in_increments_end_as_rebuilt_and_as_the_reference_says(
    engine: Settings, seed: int
) -> None:
    increments_end_as_rebuilt(engine, seed, streams=20)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(10))
def test_five_hundred_streams_in_increments_end_as_rebuilt(
    engine: Settings, part: int
) -> None:
    increments_end_as_rebuilt(engine, 1_000 * (part + 1), streams=50)


def test_an_event_that_others_sent_too_is_theirs_when_its_first_sender_is_erased(
    engine: Settings,
) -> None:
    (first, *_) = world(1, users=1)
    copies = [
        dataclasses.replace(
            first,
            user_id=user,
            anonymous_id="",
            received_at=first.occurred_at + timedelta(hours=number),
            content_hash=number,
        )
        for number, user in enumerate(("ann", "ben", "cy"))
    ]
    staging = ["run", "--quiet", "--select", MODELS[0]]
    with connect(engine) as client, open_vault(engine) as vault:
        for copy, load in zip(copies, LOADS, strict=True):
            add(client, [copy], loaded_at=load)
        run_dbt(engine, staging, variables=VARIABLES)
        act = audit.act(by="spec", because="a test", at=datetime.now(UTC))
        erasure.erase(client, vault, "ann", act, leave_audiences=lambda _ids: [])
        run_dbt(engine, staging, variables=VARIABLES)
        incremental = everything(client)
        run_dbt(engine, [*staging, "--full-refresh"], variables=VARIABLES)
        whole = everything(client)

    assert incremental == whole
    assert len(whole["staging.stg_events"]) == 1
    assert len(whole["intermediate.int_event_id_conflicts"]) == 1


@pytest.mark.parametrize("is_declared", [True, False])
def test_who_signed_in_on_a_device_is_erased_with_it_unless_it_is_declared_anothers(
    engine: Settings, *, is_declared: bool
) -> None:
    (first, *_) = world(1, users=1)
    moments = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2))
    words = [("anon:d1", "ben", True), ("anon:d1", "ben", is_declared)]
    names = ["id", "person_id", "linked", "known_at", "decided_by", "because"]
    with connect(engine) as client, open_vault(engine) as vault:
        for number, user in enumerate(("ann", "")):
            copy = dataclasses.replace(
                first,
                event_id=str(UUID(int=number)),
                user_id=user,
                anonymous_id="d1",
            )
            add(client, [copy])
        said = [[*word, at, "", ""] for word, at in zip(words, moments, strict=True)]
        client.insert("raw.identity_links", said, names)
        run_dbt(
            engine,
            ["run", "--quiet", "--select", "+int_identity_map"],
            variables=VARIABLES,
        )
        act = audit.act(by="spec", because="a test", at=datetime.now(UTC))
        erasure.erase(client, vault, "ann", act, leave_audiences=lambda _ids: [])
        left = rows(client, "select user_id, anonymous_id from raw.events")
        links = rows(client, "select distinct person_id from raw.identity_links")

    kept = [{"user_id": "", "anonymous_id": "d1"}]
    assert left == (kept if is_declared else [])
    assert links == ([{"person_id": "ben"}] if is_declared else [])


def increments_end_as_rebuilt(engine: Settings, seed: int, *, streams: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    worlds = [cut(seed + number, users=8) for number in range(streams)]
    print(f"seeds of the streams: {seed} to {seed + streams - 1}")
    with connect(engine) as client:
        # nothing of an earlier stream: what was built of it is noticed and forgotten
        client.command("truncate table raw.events")
        client.command("truncate table raw.identity_links")
        for number in range(RUNS):
            bring(client, worlds, number)
            if number in ERASING:
                worlds = without_some(engine, client, worlds, number, chance)
            if number in KILLED:
                anew = number in KILLED_ANEW and seed % 3 == 0
                victim = killed_build(engine, chance, anew=anew)
                print(f"run {number} killed at {victim}")
                continue
            if number == RUNS - 1:
                damage_and_backfill(client)
            build(engine)
            the_reference_agrees(client, worlds, number + 1)
        assert runs_that_read_their_own_parts(client) > 0
        incremental = everything(client)
        build(engine, anew=True)
        whole = everything(client)

    assert set(incremental) == set(whole)
    for table, expected in whole.items():
        assert incremental[table] == expected, table


def runs_that_read_their_own_parts(client: "Client") -> int:
    """How often sources of sessions were made of nothing but what the run wrote."""
    client.command("system flush logs")
    return int(
        str(
            client.command(
                "select count() from system.query_log where type = 'QueryFinish'"
                " and query like '%insert into `marts_build`.`fct_session_sources`%'"
                " and query like '%_part)[3]) > %'"
            )
        )
    )


def without_some(
    engine: Settings,
    client: "Client",
    worlds: Sequence[Stream],
    number: int,
    chance: random.Random,
) -> list[Stream]:
    """Erase somebody; the worlds as if they had never been there."""
    known = {c.user_id for s in worlds for run in s.runs[: number + 1] for c in run}
    gone: set[str] = set()
    with open_vault(engine) as vault:
        for own_id in chance.sample(sorted(known - {""}), 1):
            gone |= set(find(client, own_id).own_ids)
            erasure.erase(
                client,
                vault,
                own_id,
                audit.act(by="spec", because="a test", at=datetime.now(UTC)),
                leave_audiences=lambda _ids: [],
            )
    return [
        Stream(
            seed=stream.seed,
            runs=[
                [c for c in run if (c.user_id or f"anon:{c.anonymous_id}") not in gone]
                for run in stream.runs
            ],
            links=[
                [word for word in said if not {word[0], word[1]} & gone]
                for said in stream.links
            ],
        )
        for stream in worlds
    ]


def damage_and_backfill(client: "Client") -> None:
    """Lose and falsify rows of the marts by hand, and have their people made again."""
    days = backfill.Days(date(2026, 2, 10), date(2026, 2, 20), ZONE)
    act = audit.act(by="spec", because="a test", at=datetime.now(UTC))
    theirs = (
        "person_id in (select person_id from intermediate.int_events_identified"
        f" where toDate(occurred_at, '{ZONE}') >= '{days.begin}'"
        f" and toDate(occurred_at, '{ZONE}') < '{days.end}')"
    )
    client.command(f"delete from marts_build.fct_sessions where {theirs}")
    client.command(
        "insert into marts_build.fct_active_days"
        f" select * from marts_build.fct_active_days where {theirs}"
    )

    assert backfill.reach(client, days).people > 0
    # twice is once
    backfill.note(client, days, act)
    backfill.note(client, days, act)
