"""Where the endpoint is not a server: each difference of docs/endpoint.md, tried."""

from collections.abc import Iterator

import pytest

from tests.integration.wire import Wire
from warehouse.settings import Settings

REPLICATED = "ReplicatedMergeTree('/a', 'b')"


@pytest.fixture
def wire(endpoint: Settings) -> Iterator[Wire]:
    connected = Wire(endpoint.endpoint_port)
    yield connected
    connected.close()


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("create table t on cluster c (a Int8) engine = Memory", "701"),
        (f"create table t (a Int8) engine = {REPLICATED} order by a", "225"),
        ("create table t (a Int8) engine = Distributed(c, d, t)", "497"),
        ("create database d engine = Replicated('/a', 'b', 'c')", "497"),
    ],
)
def test_it_is_one_server_and_no_cluster(wire: Wire, statement: str, code: str) -> None:
    told = wire.post(statement)

    assert told.headers["x-clickhouse-exception-code"] == code


@pytest.mark.parametrize("kind", ["user u", "role r", "row policy p on a.b using 1"])
def test_users_and_roles_are_not_made_in_sql(wire: Wire, kind: str) -> None:
    told = wire.post(f"create {kind}")

    assert told.headers["x-clickhouse-exception-code"] == "514"
    assert wire.post("select 1", role="no_such_role").body == b"1\n"


@pytest.mark.parametrize(
    "setting",
    [
        "allow_experimental_kusto_dialect=1",
        "allow_introspection_functions=1",
        "dialect=prql",
        "format_avro_schema_registry_url=http://x",
        "format_schema=x",
        "format_template_row=x",
        "input_format_record_errors_file_path=x",
    ],
)
def test_settings_that_open_files_or_another_language_are_locked(
    wire: Wire, setting: str
) -> None:
    name, value = setting.split("=")

    by_parameter = wire.post("select 1", **{name: value})
    by_clause = wire.post(f"select 1 settings {name} = '{value}'")

    assert by_parameter.headers["x-clickhouse-exception-code"] == "452"
    assert by_clause.headers["x-clickhouse-exception-code"] == "452"


def test_a_query_id_is_the_querys_log_comment(wire: Wire) -> None:
    asked = "select queryID() = 'mine', getSetting('log_comment')"

    assert wire.post(asked, query_id="mine").body == b"0\tmine\n"


def test_a_datetime_loses_its_zone_in_native(wire: Wire) -> None:
    seconds = wire.post("select toDateTime(0, 'Asia/Tokyo') as a format Native").body
    finer = wire.post("select toDateTime64(0, 0, 'Asia/Tokyo') as a format Native")

    assert b"Asia/Tokyo" not in seconds
    assert b"Asia/Tokyo" in finer.body


def test_the_configuration_is_not_read_again(wire: Wire) -> None:
    assert b"UNSUPPORTED_METHOD" in wire.post("system reload config").body


def test_system_tables_have_no_definition(wire: Wire) -> None:
    told = wire.post("show create table system.tables")

    assert told.headers["x-clickhouse-exception-code"] == "60"


def test_errors_are_told_as_text_whatever_the_format(wire: Wire) -> None:
    told = wire.post(
        "select nothing format JSON", http_write_exception_in_output_format=1
    )

    assert told.body.startswith(b"Code: 47")


def test_equal_inserts_are_told_apart_by_the_setting_that_counts(wire: Wire) -> None:
    wire.post(
        "create or replace table equal (a Int32) engine = MergeTree order by a"
        " settings non_replicated_deduplication_window = 100"
    )
    insert = "insert into equal format CSV"

    def rows_after(**settings: object) -> bytes:
        wire.post("truncate table equal")
        for _ in range(2):
            assert wire.post("1", query=insert, **settings).status == 200
        return wire.post("select count() from equal").body

    # since 26.x the older setting counts only where the newer one says so
    assert rows_after(insert_deduplicate=0) == b"1\n"
    assert rows_after(deduplicate_insert="disable") == b"2\n"
    both = {"deduplicate_insert": "backward_compatible_choice"}
    assert rows_after(insert_deduplicate=0, **both) == b"2\n"


def test_other_methods_and_paths_are_not_served(wire: Wire) -> None:
    assert wire.get(path="/play").status == 404
    assert wire.get(path="/dashboard").status == 404


def test_backups_go_to_no_other_place(wire: Wire) -> None:
    for place in ("Disk('default', 'x')", "File('x')", "S3('http://x')"):
        told = wire.post(f"backup database default to {place}")
        assert told.headers["x-clickhouse-exception-code"] == "497"
