import pytest

from warehouse.embedded.lexer import read


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
        "create or replace table a.t clone as b.t",
        "system flush logs",
        "alter table t replace partition '2026-01-01' from u",
    ],
)
def test_what_stays_inside_is_not_refused(sql: str) -> None:
    assert read(sql.encode()).refused_because == ""
