"""Memory of the embedded endpoint: limits hold, big work spills, others go on."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.integration.wire import Wire
from warehouse.embedded.configuration import memory
from warehouse.settings import Settings

MIB = 1 << 20
SMALL = {"max_memory_usage": 150 * MIB, "max_threads": 2}
GROUPS = (
    "select count(), sum(n) from (select number as k, count() as n"
    " from numbers(2000000) group by k)"
)
SORT = (
    "select count(), max(length(text)) from (select number, hex(sipHash128(number))"
    " as text from numbers(2000000) order by text limit 1999999)"
)
JOIN = (
    "select count(), sum(b.number) from numbers(2000000) as a"
    " join numbers(2000000) as b on a.number = b.number"
)


@pytest.fixture
def wire(endpoint: Settings) -> Iterator[Wire]:
    connected = Wire(endpoint.endpoint_port)
    yield connected
    connected.close()


@pytest.mark.parametrize(
    ("query", "without", "with_disk"),
    [
        (
            GROUPS,
            {"max_bytes_before_external_group_by": 0}
            | {"max_bytes_ratio_before_external_group_by": 0},
            {"max_bytes_before_external_group_by": 30 * MIB},
        ),
        (
            SORT,
            {"max_bytes_before_external_sort": 0}
            | {"max_bytes_ratio_before_external_sort": 0},
            {"max_bytes_before_external_sort": 30 * MIB},
        ),
        (
            JOIN,
            {"max_bytes_ratio_before_external_join": 0},
            {"max_bytes_before_external_join": 30 * MIB},
        ),
    ],
    ids=["group by", "order by", "join"],
)
def test_work_past_its_memory_goes_to_the_disk(
    wire: Wire, query: str, without: dict[str, object], with_disk: dict[str, object]
) -> None:
    refused = wire.post(query, **SMALL | {"max_memory_usage": 60 * MIB}, **without)
    spilled = wire.post(query, **SMALL, **with_disk)

    assert refused.headers.get("x-clickhouse-exception-code") == "241"
    assert spilled.status == 200, spilled.body
    assert wire.post("select 1").body == b"1\n"


def test_the_engine_knows_its_limits(wire: Wire) -> None:
    limits = (
        "select getSetting('max_memory_usage'),"
        " getSetting('max_bytes_before_external_group_by'),"
        " getSetting('max_bytes_before_external_sort'),"
        " getSetting('max_bytes_before_external_join'),"
        " (select toUInt64(value) from system.server_settings"
        "   where name = 'max_server_memory_usage')"
    )

    query, groups, sort, join, server = map(int, wire.post(limits).body.split())

    assert server == memory() // 2
    assert query == server // 2
    assert groups == sort == join == server // 4


@pytest.mark.parametrize("value", ["0", "1000000000000000"])
@pytest.mark.parametrize("way", ["parameter", "clause", "set"])
def test_no_client_raises_the_limit_of_a_query(
    wire: Wire, value: str, way: str
) -> None:
    ways = {
        "parameter": lambda: wire.post("select 1", max_memory_usage=value),
        "clause": lambda: wire.post(f"select 1 settings max_memory_usage = {value}"),
        "set": lambda: wire.post(
            f"set max_memory_usage = {value}", session_id=f"memory {value}"
        ),
    }

    found = ways[way]()

    assert found.headers.get("x-clickhouse-exception-code") == "452", found.body


def test_light_queries_finish_while_heavy_ones_meet_their_limit(
    endpoint: Settings,
) -> None:
    done: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    over = threading.Event()

    def ask(kind: str, query: str, **settings: object) -> None:
        with contextlib.closing(Wire(endpoint.endpoint_port)) as wire:
            while not over.is_set():
                answer = wire.post(query, **settings)
                done[kind] += 1
                codes[answer.headers.get("x-clickhouse-exception-code", kind)] += 1
                if done["light"] >= 100 and done["heavy"] >= 8:
                    over.set()

    heavy = [
        threading.Thread(target=ask, args=("heavy", query), kwargs=SMALL)
        for query in (GROUPS, SORT, JOIN, GROUPS.replace("2000000", "9000000"))
    ]
    light = [
        threading.Thread(
            target=ask, args=("light", "select sum(number) from numbers(9)")
        )
        for _ in range(4)
    ]
    for thread in [*heavy, *light]:
        thread.start()
    for thread in [*heavy, *light]:
        thread.join(60)
    over.set()

    assert set(codes) <= {"light", "heavy", "241"}
    assert codes["241"] > 0
    assert done["light"] > 5 * done["heavy"]
