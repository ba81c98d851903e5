"""Whoever is erased is nowhere, comes back by no way, and takes nobody along."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from activation import erasing
from ingestion.door import Keeping
from ingestion.imports import import_file
from ingestion.judging import Source
from ingestion.loading import load_once
from ingestion.segments import SegmentLog
from warehouse import audit, erasure, identity
from warehouse.clickhouse import connect, define, rows
from warehouse.erasure import tables
from warehouse.errors import BadInput, Unavailable
from warehouse.settings import REPOSITORY, Settings
from warehouse.vault import Vault, open_vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# the present: refused events' bytes go when they expire, whatever a test thinks
NOW = datetime.now(UTC)
ACT = audit.Act("spec", "request 1", NOW)


class Killed(BaseException):
    """Stands for a process that ends here."""


@dataclass
class Mortal:
    """A client that dies before its nth change of the warehouse."""

    client: Any
    left: int

    def command(self, *given: Any, **more: Any) -> Any:
        self._live()
        return self.client.command(*given, **more)

    def insert(self, *given: Any, **more: Any) -> Any:
        self._live()
        return self.client.insert(*given, **more)

    def raw_insert(self, *given: Any, **more: Any) -> Any:
        self._live()
        return self.client.raw_insert(*given, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def __hash__(self) -> int:
        return id(self)

    def _live(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1


def an_event(user: str = "", device: str = "", **changed: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": "2026-02-01T09:59:00.000Z",
        "event_name": "page_viewed",
        "user_id": user or None,
        "anonymous_id": device or None,
        "properties": {"path": "/games", "url": "https://app.example.com/games"},
    } | changed


@dataclass(frozen=True)
class World:
    """Somebody to erase, of whom something lies everywhere, and somebody else."""

    settings: Settings
    mark: str
    file: Path

    @property
    def gone(self) -> str:
        return f"user_{self.mark}"

    @property
    def other(self) -> str:
        return f"friend_{self.mark}"

    @property
    def own_device(self) -> str:
        return f"dev_{self.mark}"

    @property
    def shared_device(self) -> str:
        return f"pub_{self.mark}"


@contextmanager
def opened(settings: Settings) -> "Iterator[tuple[Client, Vault]]":
    with connect(settings) as client, open_vault(settings) as vault:
        erasure.quiet(client)
        yield client, vault


def events_of(mark: str) -> list[dict[str, Any]]:
    gone, other = f"user_{mark}", f"friend_{mark}"
    signed_up = {"signup_method": "email", "email": f"{mark}@example.com"}
    return [
        an_event(gone, f"dev_{mark}"),
        an_event(gone, f"pub_{mark}"),
        an_event(device=f"dev_{mark}"),
        an_event(device=f"pub_{mark}"),
        an_event(other, f"pub_{mark}"),
        an_event(other, properties={"path": f"/people/{gone}/games"}),
        an_event(gone, event_name="user_signed_up", properties=signed_up),
        # refused: what nobody planned, by name and within
        an_event(gone, event_name="dragon_tamed"),
        an_event(other, event_name="dragon_tamed"),
        an_event(other, event_name="dragon_tamed", properties={"of": gone}),
    ]


@pytest.fixture
def world(endpoint: Settings, tmp_path: Path) -> World:
    mark = uuid4().hex[:12]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in events_of(mark)))
    world = World(endpoint, mark, file)
    bring(world)
    with opened(endpoint) as (client, _):
        identity.link(client, f"alias_{mark}", world.gone, ACT)
        for person in (world.gone, world.other):
            client.insert(
                "ml.churn_scores",
                [[date(2026, 3, 1), person, 0.5, 30, "m"]],
                ["as_of", "person_id", "churn_probability", "horizon_days", "model_id"],
            )
            client.insert(
                "ops.gate_results",
                [[str(uuid4()), [person, "x"]]],
                ["run_id", "sample_keys"],
            )
    return world


def bring(world: World, source: str = "") -> None:
    import_file(
        world.file, world.settings, now=lambda: NOW, source=Source(source or world.mark)
    )


def people_in(client: "Client", world: World, table: str = "raw.events") -> set[str]:
    found = rows(
        client,
        f"select distinct user_id from {table} where source like {{source:String}}",
        {"source": f"{world.mark}%"},
    )
    return {row["user_id"] for row in found}


def everywhere(client: "Client", *words: str) -> list[str]:
    """The tables in which any of some words stands, found by other means than ours."""
    return [
        table.full
        for table in tables.tables(client)
        for column in table.texts
        for word in words
        if rows(
            client,
            f"select count() as found from {table.full}"
            f" where position(toString({column}), {{word:String}}) > 0",
            {"word": word},
        )[0]["found"]
    ]


def nobody(_own_ids: Sequence[str]) -> list[str]:
    return []


def test_who_is_erased_is_in_no_table_and_nobody_else_is_gone(world: World) -> None:
    receipt = erasing.erase(world.settings, world.gone, ACT)

    with opened(world.settings) as (client, vault):
        words = (world.gone, world.own_device, f"alias_{world.mark}")
        assert everywhere(client, *words) == []
        assert people_in(client, world) == {"", world.other}
        kept = rows(
            client,
            "select user_id, anonymous_id, properties from raw.events"
            " where source = {source:String} order by all",
            {"source": world.mark},
        )
        refused = rows(
            client,
            "select count() as found from raw.refused_events"
            " where source = {source:String}",
            {"source": world.mark},
        )
        assert not vault.knows([f"user:{world.gone}"])
    assert [tuple(row.values())[:2] for row in kept] == [
        ("", world.shared_device),
        (world.other, ""),
        (world.other, world.shared_device),
    ]
    assert json.loads(kept[1]["properties"]) == {"path": "/people/erased/games"}
    assert refused[0]["found"] == 1
    assert receipt.kept_devices == 1
    assert receipt.rows_removed["raw.events"] == 4
    assert receipt.rows_removed["raw.refused_events"] == 2
    assert receipt.rows_redacted == {
        "ops.audit.detail": 1,
        "ops.audit.subject": 1,
        "ops.gate_results.sample_keys": 1,
        "raw.events.properties": 1,
    }


def test_the_receipt_is_kept_without_personal_data_and_given_again(
    world: World,
) -> None:
    first = erasing.erase(world.settings, world.gone, ACT)
    again = erasing.erase(world.settings, world.gone, ACT)
    by_device = erasing.erase(world.settings, f"anon:{world.own_device}", ACT)

    assert not first.was_done
    assert again.was_done
    assert again.erasure_id == first.erasure_id == by_device.erasure_id
    assert again.rows_removed == first.rows_removed
    with opened(world.settings) as (client, vault):
        noted = rows(
            client,
            "select action, detail, done_by, because from ops.audit"
            " where subject = {subject:String}",
            {"subject": f"erasure {first.erasure_id}"},
        )
        listed = rows(client, "select count() as found from ops.erasing")
        assert vault.plans() == {}
    assert listed[0]["found"] == 0
    assert [tuple(row.values()) for row in noted] == [
        ("person.erase", '{"ids": "3"}', "spec", "request 1")
    ]


def test_neither_retry_nor_import_nor_log_nor_backup_brings_anybody_back(
    world: World,
) -> None:
    home = world.settings.home
    with open_vault(world.settings) as vault:
        door = _accepted(vault, home, an_event(world.gone), an_event(world.other))
    with opened(world.settings) as (client, _):
        copied = f"raw.copy_{world.mark}"
        define(client, f"create table {copied} as raw.events")
        client.command(f"insert into {copied} select * from raw.events")
        define(client, f"rename table {copied} to default.copy_{world.mark}")
    assert door == 2
    with opened(world.settings) as (client, _):
        # a table that is not ours keeps the erasure open, and is named
        with pytest.raises(Unavailable, match=f"default.copy_{world.mark}"):
            erasing.erase(world.settings, world.gone, ACT)
        define(client, f"rename table default.copy_{world.mark} to raw.aside")
        define(
            client,
            "create table default.aside engine = Memory as select * from raw.aside",
        )
        define(client, "drop table raw.aside sync")
    erasing.erase(world.settings, world.gone, ACT)

    # the log that was not loaded yet, and the file once more under another name
    load_once(world.settings, lambda: NOW)
    bring(world, f"{world.mark}-2")

    with opened(world.settings) as (client, _):
        assert people_in(client, world) == {"", world.other}
        refused = rows(
            client,
            "select reason, sealed_bytes = '' as no_bytes, count() as found"
            " from raw.refused_events where source = {source:String}"
            " group by all order by all",
            {"source": f"{world.mark}-2"},
        )
        # an older copy of the table is restored
        client.command(
            "insert into raw.events select * from default.aside"
            f" where source like '{world.mark}%'"
        )
        define(client, "drop table default.aside")
        assert world.gone in people_in(client, world)
    assert [tuple(row.values()) for row in refused] == [
        ("consent", True, 5),
        ("unplanned_event", False, 2),
    ]
    assert len(erasing.erase_again(world.settings, ACT)) >= 1
    assert erasing.erase_again(world.settings, ACT) == []
    with opened(world.settings) as (client, _):
        assert everywhere(client, world.gone, world.own_device) == []


def _accepted(vault: Vault, home: Path, *events: dict[str, Any]) -> int:
    """Events that the door has taken into the log, and nobody has loaded."""
    from ingestion.bodies import Body
    from ingestion.consent import Standing
    from ingestion.door import judged, keep
    from ingestion.judging import Accepted, Rules
    from warehouse.home import Home
    from warehouse.taxonomy import load

    with closing(SegmentLog.open(Home(home).log)) as log:
        verdicts = judged(
            Body(tuple(json.dumps(one).encode() for one in events)),
            rules=Rules.of(load()),
            source=Source("live"),
            received_at=NOW,
        )
        keeping = Keeping(log, vault, Standing(vault, allowed_by_default=True))
        kept = keep(verdicts, keeping, now=NOW)
    return sum(isinstance(one, Accepted) for one in kept)


def test_an_erased_id_is_let_in_again_when_somebody_says_so(world: World) -> None:
    erasing.erase(world.settings, world.gone, ACT)
    with pytest.raises(BadInput, match="was not erased"):
        erasing.readmit(world.settings, world.other, ACT)

    erasing.readmit(world.settings, world.gone, ACT)
    bring(world, f"{world.mark}-new")

    with opened(world.settings) as (client, _):
        assert world.gone in people_in(client, world)


def test_killed_before_any_change_it_goes_on_where_it_was(world: World) -> None:
    killed = 0
    # killed at points all along one erasure, each time a little further
    for changes in (0, 1, 2, 4, 7, 11, 100):
        with opened(world.settings) as (client, vault):
            mortal: Any = Mortal(client, left=changes)
            try:
                receipt = erasure.erase(
                    mortal, vault, world.gone, ACT, leave_audiences=nobody
                )
            except Killed:
                killed += 1
            else:
                break

    assert killed >= 4
    assert receipt.rows_removed["raw.events"] == 4
    assert receipt.rows_removed["ml.churn_scores"] == 1
    with opened(world.settings) as (client, vault):
        assert everywhere(client, world.gone, world.own_device) == []
        assert vault.plans() == {}
        told = rows(
            client,
            "select count() as found from ops.erasures where erasure_id = {id:UUID}",
            {"id": receipt.erasure_id},
        )
    assert told[0]["found"] == 1


def test_a_killed_command_is_simply_given_again(world: World) -> None:
    words = [
        *(sys.executable, "-m", "questlog", "erase", world.gone),
        *("--because", "request 2"),
    ]
    environment = {
        **os.environ,
        "QUESTLOG_HOME": str(world.settings.home),
        "QUESTLOG_ENDPOINT_PORT": str(world.settings.endpoint_port),
        "CLICKHOUSE_HOST": "",
    }
    process = subprocess.Popen(
        words, cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process.stderr as said:
        for line in said:
            if "rewriting" in line:
                process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL

    done = subprocess.run(
        words,
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "nothing left" in done.stdout
    assert world.gone not in done.stdout + done.stderr
    with opened(world.settings) as (client, _):
        assert everywhere(client, world.gone) == []


def test_a_table_that_a_build_drops_meanwhile_is_told_and_tried_again(
    world: World,
) -> None:
    @dataclass
    class Dropping(Mortal):
        """Drops a table of the warehouse before it is rewritten, as a build does."""

        def command(self, statement: str, **more: Any) -> Any:
            if statement.startswith("alter table staging.fleeting"):
                self.client.command("drop table staging.fleeting sync")
            return self.client.command(statement, **more)

        def __hash__(self) -> int:
            return id(self)

    with opened(world.settings) as (client, vault):
        define(client, "create database if not exists staging")
        define(
            client,
            "create table staging.fleeting engine = MergeTree order by own_id"
            f" as select '{world.gone}' as own_id",
        )
        dropping: Any = Dropping(client, left=1_000)
        with pytest.raises(Unavailable, match="UNKNOWN_TABLE") as caught:
            erasure.erase(dropping, vault, world.gone, ACT, leave_audiences=nobody)
        assert world.gone not in str(caught.value)

        erasure.erase(client, vault, world.gone, ACT, leave_audiences=nobody)

    assert not erasing.erase_again(world.settings, ACT)


def test_audiences_are_left_before_a_key_is_destroyed(world: World) -> None:
    def not_yet(own_ids: Sequence[str]) -> list[str]:
        assert world.gone in own_ids
        raise Unavailable("The platform has not acknowledged yet.")

    with opened(world.settings) as (client, vault):
        with pytest.raises(Unavailable, match="not acknowledged"):
            erasure.erase(client, vault, world.gone, ACT, leave_audiences=not_yet)
        assert vault.knows([f"user:{world.gone}"])
        assert world.gone in people_in(client, world)
        # but nothing new is let in meanwhile
        assert vault.buried([f"user:{world.gone}"])

        receipt = erasure.erase(
            client, vault, world.gone, ACT, leave_audiences=lambda _ids: ["meta/x"]
        )
    assert receipt.audiences == ("meta/x",)


def test_a_rehearsal_tells_what_would_go_and_changes_nothing(world: World) -> None:
    found = erasing.reach(world.settings, world.gone)

    assert set(found.own_ids) == {
        f"alias_{world.mark}",
        f"anon:{world.own_device}",
        world.gone,
    }
    assert found.kept_devices == (f"anon:{world.shared_device}",)
    assert found.rows["raw.events"] == 4
    assert found.refusals == 2
    with opened(world.settings) as (client, vault):
        assert world.gone in people_in(client, world)
        assert not vault.buried([f"user:{world.gone}"])


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("nobody_here", "Nobody is known by this user id"),
        ("anon:nobody_here", "Nobody is known by this device id"),
        ("ann@example.com", "looks like an e-mail address"),
        ("", "No person is named"),
    ],
)
def test_a_wrong_person_is_told(endpoint: Settings, person: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        erasing.erase(endpoint, person, ACT)


def test_our_own_questions_leave_no_id_in_the_engines_log(world: World) -> None:
    erasing.erase(world.settings, world.gone, ACT)

    with opened(world.settings) as (client, _):
        client.command("system flush logs")
        asked = rows(
            client,
            "select query from system.query_log where position(query, {word:String})"
            " > 0 and query_kind != 'Insert' and event_time > now() - 60"
            " and position(query, 'raw.identity_links') = 0",
            {"word": world.gone},
        )
    assert asked == []
