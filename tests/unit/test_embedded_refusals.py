import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.embedded.lexer import read
from warehouse.embedded.refusals import refused_parameters


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 into outfile '/x'",
        "select 1 into/**/outfile '/x'",
        "show tables INTO -- a\n OUTFILE $$/x$$",
        "insert into t from infile '/etc/passwd' format CSV",
        "select file('/etc/passwd')",
        "select `file` ('/etc/passwd')",
        "select arrayMap((file), ['/etc/passwd'])",
        "select * apply(file) from (select '/etc/passwd')",
        "select columns('a') apply file from t",
        "insert into t values (length(file('/etc/passwd')))",
        "insert into t format Values (file('/etc/passwd'))",
        "create function f as x -> file(x)",
        "select * from Python(settings)",
        'select * from "python"(settings)',
        "select * from url('http://localhost/')",
        "select * from eval('select 1')",
        "insert into function s3('x') select 1",
        "create table t (a Int32) engine = Kafka",
        "create table t (a Int32) engine Kafka()",
        "create table a engine = Log parallel with create table b engine = URL('x')",
        "create database d engine = Filesystem('/etc')",
        "create database d engine = SQLite('/x.db')",
        "create dictionary d (a UInt64) source(http(url 'x'))",
        "create dictionary d (a UInt64) source(clickhouse(host 'x' table 't'))",
        "attach table t from '/etc' (a Int32) engine = MergeTree order by a",
        "system shutdown",
        r"select `fi\x6ce`('/etc/passwd')",
        "set role all",
        "attach table t uuid '00000000-0000-0000-0000-000000000001' (a Int8)",
        "set param_f = 'file'",
        "select 1 settings param_f = 'file'",
        "select * from format(CSV, 'a Int8, b String alias file(''/x'')', '1')",
        "select * from format(CSV, $$b String default file('/x')$$, '1')",
        "select * from format(CSV, concat('b String', ' default x'), '1')",
        "with 'x' as s select * from format(CSV, s, '1')",
        "select * from format(CSV, {s:String}, '1')",
        r"select * from format(CSV, 'b String default `fi\\x6ce`(1)', '1')",
        "select b from generateRandom('a Int8, b String alias file(1)')",
        "select b from values('b String alias file(1)', 'x')",
        "insert into t select * from input('b String default file(1)') format CSV",
        "create dictionary d (a Int8) source(clickhouse(query 'select file(''/x'')'))",
    ],
)
def test_what_leads_out_of_the_database_is_refused(sql: str) -> None:
    assert read(sql.encode()).refused_because


@pytest.mark.parametrize(
    "sql",
    [
        "select 'into outfile', url, file, python from t",
        "select url -- into outfile 'x'\n from t",
        "create table file (url String, file String) engine = MergeTree order by url",
        "create table if not exists url (a Int32) engine = MergeTree order by a",
        "insert into url (file) values ('a file (b)')",
        "insert into db.file (url) format JSONEachRow\n",
        "select arrayMap(x -> x + 1, list), t.file, url from t",
        "select engine from system.tables where engine = 'Kafka'",
        "create dictionary d (a UInt64) source(clickhouse(table 't'))",
        "create dictionary d (a Int8) source(clickhouse(table 't' password '' db ' '))",
        "create or replace table a.t clone as b.t",
        "system flush logs",
        "create table t (a UUID default generateUUIDv4()) engine = Memory",
        "select * from format(CSV, 'a Int8', '1')",
        "select * from format(CSV, '1, file')",
        "select * from values('a Int8, b String', (1, 'a file'), (2, 'x'))",
        "select * from generateRandom('a Int8') limit 1",
        "insert into t select * from input('a Int8') format CSV",
        r"select 'a\'b' as \"c\"",
        "create dictionary d (a UInt64) source(clickhouse(query 'select url from t'))",
        "alter table t replace partition '2026-01-01' from u",
    ],
)
def test_what_stays_inside_is_not_refused(sql: str) -> None:
    assert read(sql.encode()).refused_because == ""


_FRAGMENTS = (
    "create", "dictionary", "table", "alter", "insert", "into", "select", "with",
    "from", "backup", "restore", "set", "role", "system", "kill", "query", "where",
    "apply", "source", "engine", "settings", "format", "values", "uuid", "to", "disk",
    "file", "input", "param_f", "(", ")", "=", ",", ".", ";", "{a:String}", "''", "' '",
    "'x'", '""', "``", "`f`", "$$", "$$$$", "--", "/*", "\\", "'", "1", "null",
    "clickhouse", "parallel", "columns", "*",
)  # fmt: skip


@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=12).map(" ".join))
def test_no_statement_is_too_odd_to_be_judged(sql: str) -> None:
    assert isinstance(read(sql.encode()).refused_because, str)


def test_a_parameter_cannot_name_a_function_that_reaches_out() -> None:
    sql = b"select arrayMap({f:Identifier}, ['/etc/passwd'])"

    assert refused_parameters({"f": "file"}, sql)
    assert refused_parameters({"f": r"fi\x6ce"}, sql)
    assert not refused_parameters({"f": "lower"}, sql)
    assert not refused_parameters({"f": "file"}, b"select {f:String}")


@pytest.mark.parametrize(
    "statement",
    [
        "backup all to File('x')",
        "backup all to S3('https://x', 'a', 'b')",
        "backup all to Disk('default', 'x')",
        "backup all to Disk('backups', '../x')",
        "backup all to Disk('backups', 'x') settings base_backup = File('y')",
        "restore table a.b from Disk('backups', 'x'), File('y')",
        "restore all from Disk('backups', 'x/y')",
    ],
)
def test_a_backup_stays_in_its_folder(statement: str) -> None:
    assert "only so: BACKUP" in read(statement.encode()).refused_because


def test_backups_in_their_folder_are_let_through() -> None:
    there = "backup all except databases system to Disk('backups', 'a-1')"
    back = "restore database a from disk('backups', 'a-1');"

    assert read(there.encode()).refused_because == ""
    assert read(back.encode()).refused_because == ""
