"""No spelling of a way out reaches a file or an address: tried on the engine itself.

A canary lies in a file and another behind a port of this machine. Whatever is said,
the first is never told and the second is never called.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.integration.wire import Wire
from warehouse.settings import Settings

CANARY = "canary-of-the-fuzz"
MADE = ("fuzzed", "fuzzed_view", "fuzzed_made", "fuzzed_known")


@dataclass(frozen=True)
class Traps:
    """A file that must not be read and a port that must not be called."""

    file: Path
    listener: socket.socket

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def was_called(self) -> bool:
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traps]:
    file = tmp_path_factory.mktemp("canary") / "canary.txt"
    file.write_text(CANARY)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        yield Traps(file, listener)


@pytest.fixture(scope="module")
def wire(endpoint: Settings) -> Iterator[Wire]:
    connected = Wire(endpoint.endpoint_port)
    yield connected
    connected.close()


SPACES = [*" \t\n\r\f\v", "\u00a0", "\u0085", "\u180e", "\u2000", "\u200b", "\u2028"]
SPACES += ["\u202f", "\u205f", "\u2060", "\u3000", "\ufeff"]
COMMENTS = ["/**/", "/* ' */", "-- '\n", '// "\n', "# `\n", "/* /* ' */ */", "#! (\n"]
noises = st.lists(st.sampled_from(["", *SPACES, *COMMENTS]), max_size=3).map("".join)


@st.composite
def names(draw: st.DrawFn, name: str) -> str:
    """One name as ClickHouse may read it: quoted or not, with escapes or not."""
    letters = [
        draw(st.sampled_from([letter, f"\\x{ord(letter):02x}", f"\\N{letter}"]))
        for letter in name
    ]
    plain = "".join(draw(st.sampled_from([c, c.upper()])) for c in name)
    quoted = ["`{}`", '"{}"', "\u201c{}\u201d"]
    inside = draw(st.sampled_from([name, "".join(letters)]))
    return draw(
        st.sampled_from([name, plain, *(form.format(inside) for form in quoted)])
    )


def text(sql: str) -> str:
    return "'" + sql.replace("\\", "\\\\").replace("'", "\\'") + "'"


@st.composite
def calls(draw: st.DrawFn, traps: Traps) -> str:
    """A scalar that reads the canary, said in one of many ways."""
    gap = draw(noises)
    file = draw(names("file"))
    path = draw(st.sampled_from([f"'{traps.file}'", f"$${traps.file}$$"]))
    return draw(
        st.sampled_from(
            [
                f"{file}{gap}({gap}{path}{gap})",
                f"arrayMap({gap}{file}{gap}, [{path}])",
                f"arrayMap(({file}), [{path}])",
                f"arrayMap({{f:Identifier}}{gap}, [{path}])",
                f"arrayMap(x -> {file}{gap}(x), [{path}])",
                f"(select {file}{gap}({path}))",
                f"[{file}{gap}({path})][1]",
            ]
        )
    )


@st.composite
def sources(draw: st.DrawFn, traps: Traps) -> str:
    """A table that reads the canary or calls the port, said in one of many ways."""
    gap = draw(noises)
    hidden = f"a Int8, b String alias {draw(calls(traps))}"
    local = f"'127.0.0.1:{traps.port}'"
    structures = [
        text(hidden),
        f"$${hidden.replace('$$', chr(39))}$$",
        f"concat({text(hidden[:9])}, {text(hidden[9:])})",
        "{s:String}",
        f"`{hidden.replace('`', '')}`",
    ]
    table = draw(st.sampled_from(structures))
    return draw(
        st.sampled_from(
            [
                f"{draw(names('file'))}{gap}('{traps.file}', 'LineAsString')",
                f"{draw(names('url'))}{gap}('http://'||{local}, LineAsString)",
                f"{draw(names('remote'))}{gap}({local}, system.one)",
                f"{draw(names('mysql'))}{gap}({local}, 'a', 'b', 'c', 'd')",
                f"{draw(names('postgresql'))}{gap}({local}, 'a', 'b', 'c', 'd')",
                f"{draw(names('python'))}{gap}(os)",
                f"format{gap}(JSONEachRow, {table}, '{{\"a\":1}}')",
                f"generateRandom{gap}({table})",
                f"values{gap}({table}, (1))",
                f"(select {draw(calls(traps))} as b)",
                f"view{gap}(select {draw(calls(traps))} as b)",
            ]
        )
    )


@st.composite
def statements(draw: st.DrawFn, traps: Traps) -> str:
    """A whole statement around one of these."""
    gap = draw(noises.filter(bool)) + " "
    call = draw(calls(traps))
    source = draw(sources(traps))
    return draw(
        st.sampled_from(
            [
                f"select{gap}{call}",
                f"with {call} as c select{gap}c",
                f"select 1 where notEmpty({call})",
                f"insert into fuzzed values ({call})",
                f"insert into fuzzed select{gap}{call}",
                f"insert into fuzzed format Values ({call})",
                f"explain indexes = 1 select {call}",
                f"select b from{gap}{source}{gap}limit 1",
                f"from {source} select b limit 1",
                f"with t as (select b from {source} limit 1) select * from t",
                f"select 1 in{gap}{source}",
                f"describe{gap}{source}",
                f"insert into function{gap}{source} values (1)",
                f"create or replace view fuzzed_view as select{gap}{call} as b",
                f"create or replace table fuzzed_made engine = Log as select {call} b",
                (
                    "create or replace dictionary fuzzed_known (a UInt64, b String)"
                    " primary key a lifetime(0) layout(flat())"
                    f" source(clickhouse(query {text(f'select 1, {call}')}))"
                ),
                f"set param_f{gap}={gap}'file'",
                f"select 1; select {call}",
            ]
        )
    )


@given(data=st.data())
@hypothesis_settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_spelling_reaches_a_file_or_an_address(
    wire: Wire, traps: Traps, data: st.DataObject
) -> None:
    statement = data.draw(statements(traps))
    structure = f"a Int8, b String alias file('{traps.file}')"
    session = {"session_id": "fuzz"} if data.draw(st.booleans()) else {}

    if "fuzzed " in statement:
        wire.post("create or replace table fuzzed (b String) engine = Memory")
    told = wire.post(statement, param_f="file", param_s=structure, **session)

    assert CANARY.encode() not in told.body
    for made in MADE:
        if f"{made} " in statement and told.status == 200:
            assert CANARY.encode() not in wire.post(f"select * from {made}").body
    assert not traps.was_called


def test_the_traps_would_tell(wire: Wire, traps: Traps) -> None:
    assert traps.file.read_text() == CANARY
    with socket.create_connection(("127.0.0.1", traps.port)):
        assert traps.was_called
    assert wire.post(f"select '{CANARY}'").body == f"{CANARY}\n".encode()


@pytest.mark.parametrize("database", ["default", "_overlay"])
@pytest.mark.parametrize("table", ["`{}`", "`file://{}`"])
def test_the_engines_own_databases_read_no_files(
    wire: Wire, traps: Traps, table: str, database: str
) -> None:
    named = f"{database}.{table.format(traps.file)}"

    told = wire.post(f"select * from {named} settings implicit_select = 0")

    assert CANARY.encode() not in told.body
