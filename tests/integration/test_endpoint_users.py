"""Users of the endpoint: who is let in, and what the engine then allows them."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from tests.integration.wire import Response, Wire
from warehouse.embedded import users
from warehouse.home import Home
from warehouse.settings import Settings

if TYPE_CHECKING:
    import subprocess

Running = Callable[[Settings], AbstractContextManager["subprocess.Popen[bytes]"]]
Asked = Callable[..., Response]

PASSWORD = "a long enough password"
HIDDEN = "424242"
KNOWN = """
    create dictionary hidden.known (k UInt64, x UInt64) primary key k
    source(clickhouse(db 'hidden' table 'kept')) lifetime(0) layout(flat())
"""


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings], run_endpoint: Running
) -> Iterator[Settings]:
    """An endpoint with two databases, a reader and a writer of one of them."""
    made = new_settings()
    path = Home(made.home).users
    users.add(path, "reader", PASSWORD, databases=["shop"], read_only=True)
    users.add(path, "writer", PASSWORD, databases=["sho*"], read_only=False)
    users.add(path, "looker", PASSWORD, databases=["*"], read_only=True)
    with run_endpoint(made):
        wire = Wire(made.endpoint_port)
        for statement in (
            "create database shop",
            "create database hidden",
            "create table shop.sold (x UInt64) engine = MergeTree order by x",
            "create table hidden.paid (x UInt64) engine = MergeTree order by x",
            f"insert into hidden.paid values ({HIDDEN})",
            "insert into shop.sold values (1)",
            "create table hidden.kept (k UInt8, x UInt64) engine = Join(any, left, k)",
            f"insert into hidden.kept values (1, {HIDDEN})",
            KNOWN,
            "create view shop.window as select x from hidden.paid",
            "create table shop.merged (x UInt64) engine = Merge('hidden', 'paid')",
            f"select {HIDDEN} as secret",
            "system flush logs",
        ):
            told = wire.post(statement)
            assert told.status == 200, told.body
        wire.close()
        yield made


@pytest.fixture
def wire(settings: Settings) -> Iterator[Wire]:
    connected = Wire(settings.endpoint_port)
    yield connected
    connected.close()


@pytest.fixture
def asked(wire: Wire) -> Asked:
    """Asks as a user, with the right password."""

    def ask(user: str, statement: str, **parameters: object) -> Response:
        given = {"user": user, "password": PASSWORD} | parameters
        return wire.post(statement, **given)

    return ask


@pytest.mark.parametrize(
    "given",
    [
        {"user": "reader", "password": "wrong"},
        {"user": "nobody", "password": PASSWORD},
        {"user": "default", "password": PASSWORD},
        {"user": "reader"},
    ],
)
def test_whoever_is_not_known_is_told_so_in_clickhouses_words(
    wire: Wire, given: dict[str, str]
) -> None:
    told = wire.post("select 1", **given)

    assert (told.status, told.headers["x-clickhouse-exception-code"]) == (403, "516")
    assert f"{given['user']}: Authentication failed".encode() in told.body
    assert PASSWORD.encode() not in told.body


def test_a_user_shows_the_password_in_any_of_three_ways(wire: Wire) -> None:
    basic = base64.b64encode(f"reader:{PASSWORD}".encode()).decode()
    headers = {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": PASSWORD}

    assert wire.post("select 1", {"Authorization": f"Basic {basic}"}).body == b"1\n"
    assert wire.post("select 1", headers).body == b"1\n"
    assert wire.post("select 1", user="reader", password=PASSWORD).body == b"1\n"


def test_users_come_and_go_without_a_restart(settings: Settings, asked: Asked) -> None:
    path = Home(settings.home).users

    users.add(path, "guest", PASSWORD, databases=["shop"], read_only=True)
    let_in = asked("guest", "select x from shop.sold")
    users.change_password(path, "guest", "another long password")
    old = asked("guest", "select 1")
    new = asked("guest", "select 1", password="another long password")
    users.remove(path, "guest")
    gone = asked("guest", "select 1", password="another long password")

    assert let_in.body == b"1\n"
    assert (old.status, new.status, gone.status) == (403, 200, 403)


def test_databases_that_the_engine_has_no_role_for_are_closed(
    settings: Settings, asked: Asked
) -> None:
    path = Home(settings.home).users
    users.add(path, "late", PASSWORD, databases=["hidden"], read_only=True)

    told = asked("late", "select x from hidden.paid")

    users.remove(path, "late")
    assert b"does not know yet: start it again" in told.body


@pytest.mark.parametrize("session", [{}, {"session_id": "s"}])
@pytest.mark.parametrize("user", ["reader", "looker"])
@pytest.mark.parametrize(
    "statement",
    [
        "insert into shop.sold values (2)",
        "insert into shop.sold format CSV\n2\n",
        "create table shop.more (x UInt8) engine = Memory",
        "alter table shop.sold delete where 1",
        "drop table shop.sold",
        "truncate table shop.sold",
        "create database more",
        "kill mutation where 1",
        "system flush logs",
        "set readonly = 0",
    ],
)
def test_a_read_only_user_changes_nothing(
    asked: Asked, user: str, statement: str, session: dict[str, str]
) -> None:
    told = asked(user, statement, **session)

    assert told.status != 200 or told.body == b""
    assert asked("looker", "select x from shop.sold").body == b"1\n"
    assert asked("looker", "exists shop.more").body == b"0\n"


def test_a_read_only_user_may_change_settings(asked: Asked) -> None:
    asking = "select getSetting('max_threads')"

    assert asked("reader", asking, max_threads=3).body == b"3\n"
    assert asked("reader", f"{asking} settings max_threads = 2").body == b"2\n"


WAYS = [
    "select x from hidden.paid",
    "select x from shop.window",
    "select x from shop.merged",
    "with t as (select x from hidden.paid) select x from t",
    "select x from merge('hidden', 'paid')",
    "select x from merge(REGEXP('.*'), 'paid')",
    "select x from view(select x from hidden.paid)",
    "select x from viewIfPermitted(select x from hidden.paid else null('x UInt64'))",
    "select x from loop(hidden.paid) limit 1",
    "select * from dictionary('hidden.known')",
    "select dictGet('hidden.known', 'x', toUInt64(1))",
    "select joinGet('hidden.kept', 'x', 1)",
    "select * from mergeTreeIndex(hidden, paid)",
    f"select {int(HIDDEN) - 1} + 1 where {int(HIDDEN)} in hidden.paid",
    "explain select x from hidden.paid",
    "show create table hidden.paid",
    "show tables from hidden",
    "select name from system.tables where database = 'hidden'",
    "select name from system.columns where database = 'hidden'",
    "select name from system.databases where name = 'hidden'",
    "select query from system.query_log where query like '%secret%'",
    "select query from merge('system', 'query_log')",
    "select query from system.processes",
    "set role questlog_free",
    "execute as default select x from hidden.paid",
]


@pytest.mark.parametrize("statement", WAYS)
@pytest.mark.parametrize("user", ["reader", "writer"])
def test_other_databases_are_closed_whatever_the_way(
    asked: Asked, user: str, statement: str
) -> None:
    told = asked(user, statement)

    assert told.status != 200 or told.body in {b"", b"0\n"}


@pytest.mark.parametrize(
    "statement",
    [
        "create view shop.out as select * from hidden.paid",
        "create view shop.out definer = default as select * from merge('h.*', '.*')",
        "create materialized view shop.out engine = Memory as select 1 as x",
        KNOWN.replace("hidden.known", "shop.known"),
        "insert into shop.sold select x from hidden.paid",
        "insert into hidden.paid values (1)",
        "alter table shop.sold attach partition all from hidden.paid",
        "rename table hidden.paid to shop.out",
        "drop table hidden.paid",
    ],
)
def test_a_writer_of_one_database_carries_nothing_out_of_another(
    asked: Asked, statement: str
) -> None:
    assert asked("writer", statement).headers["x-clickhouse-exception-code"] == "497"


def test_a_writer_of_one_database_writes_there(asked: Asked) -> None:
    for statement in (
        "create table shop.own (x UInt8) engine = MergeTree order by x",
        "insert into shop.own values (1)",
        "insert into shop.own format CSV\n2\n",
        "alter table shop.own delete where x = 1 settings mutations_sync = 2",
    ):
        told = asked("writer", statement)
        assert told.status == 200, told.body

    assert asked("writer", "select x from shop.own").body == b"2\n"
    assert asked("writer", "drop table shop.own").status == 200


def test_a_session_is_its_users_own(wire: Wire, asked: Asked) -> None:
    wire.post("create temporary table mine (x UInt8)", session_id="shared")

    assert asked("reader", "select x from mine", session_id="shared").status == 404


def test_a_query_is_killed_by_the_id_its_client_gave(
    settings: Settings, wire: Wire, asked: Asked
) -> None:
    told: list[Response] = []

    def run() -> None:
        other = Wire(settings.endpoint_port)
        slow = "select count() from system.numbers where cityHash64(number) = 1"
        told.append(other.post(slow, query_id="slow one", max_threads=1))
        other.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    killed = b""
    deadline = time.monotonic() + 60
    while not killed and time.monotonic() < deadline:
        which = "query_id in ('slow one') and user = 'default'"
        # whoever has limits sees no query, and kills none
        assert asked("writer", f"kill query where {which} sync").body == b""
        killed = wire.post(f"kill query where {which} sync").body
        time.sleep(0.05)
    thread.join(60)

    assert told[0].headers["x-clickhouse-exception-code"] == "394"


def test_views_that_refresh_themselves_still_read_all(wire: Wire) -> None:
    made = wire.post(
        "create materialized view shop.fresh refresh every 1 hour engine = Memory"
        " as select x from hidden.paid"
    )
    assert made.status == 200, made.body

    wire.post("system wait view shop.fresh")

    assert wire.post("select x from shop.fresh").body == f"{HIDDEN}\n".encode()
    wire.post("drop table shop.fresh")
