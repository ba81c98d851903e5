"""What each column of a query is made of, read from its SQL."""

import pytest

from warehouse.errors import BadInput
from warehouse.lineage.columns import Column, sources_of
from warehouse.lineage.graph import Graph, Made

SCHEMA = {
    "raw": {
        "events": dict.fromkeys(("id", "name", "at", "offset", "words"), "String"),
        "rates": dict.fromkeys(("day", "rate"), "String"),
    }
}


def told(query: str) -> dict[str, set[str]]:
    found = sources_of(query, SCHEMA)
    return {name: {str(one) for one in sources} for name, sources in found.items()}


@pytest.mark.parametrize(
    ("query", "made_of"),
    [
        ("select id from raw.events", {"id": {"raw.events.id"}}),
        (
            (
                "with a as (select id, at + offset as moment from raw.events),"
                " b as (select * except (id) from a) select * from b"
            ),
            {"moment": {"raw.events.at", "raw.events.offset"}},
        ),
        # what filters decides which rows there are, not what a value is
        ("select id from raw.events where name = 'x'", {"id": {"raw.events.id"}}),
        ("select count() as n from raw.events", {"n": {"raw.events.*"}}),
        (
            "select countIf(name = 'x') as n from raw.events",
            {"n": {"raw.events.name"}},
        ),
        (
            "select id as a from raw.events union all select day from raw.rates",
            {"a": {"raw.events.id", "raw.rates.day"}},
        ),
        (
            (
                "select e.id as id, r.rate * 2 as twice from raw.events as e"
                " left join raw.rates as r on e.at = r.day"
            ),
            {"id": {"raw.events.id"}, "twice": {"raw.rates.rate"}},
        ),
        # ClickHouse: an alias is known to its neighbours
        (
            "select at as moment, moment + 1 as later from raw.events",
            {"moment": {"raw.events.at"}, "later": {"raw.events.at"}},
        ),
        (
            (
                "select arrayMap(one -> concat(one, name), splitByChar(' ', words))"
                " as found from raw.events"
            ),
            {"found": {"raw.events.name", "raw.events.words"}},
        ),
        (
            (
                "select part.1 as first from raw.events"
                " array join arrayZip([id], [name]) as part"
            ),
            {"first": {"raw.events.id", "raw.events.name"}},
        ),
        (
            "with (select max(at) from raw.events) as newest select newest as at",
            {"at": {"raw.events.at"}},
        ),
        (
            (
                "select (select max(rate) from raw.rates) as most, 'a' as same"
                " from raw.events"
            ),
            {"most": {"raw.rates.rate"}, "same": set()},
        ),
        (
            (
                "select row_number() over (partition by name order by at) as place"
                " from raw.events"
            ),
            {"place": {"raw.events.name", "raw.events.at"}},
        ),
    ],
)
def test_a_column_is_made_of(query: str, made_of: dict[str, set[str]]) -> None:
    assert told(query) == made_of


def test_a_word_that_nobody_explains_is_said_to_be_unknown() -> None:
    (found,) = sources_of("select mystery.1 as x from raw.events", SCHEMA)["x"]

    assert found == Column("", "mystery")


@pytest.mark.parametrize("query", ["select (", "drop table raw.events"])
def test_what_cannot_be_read_is_told_with_the_reason(query: str) -> None:
    with pytest.raises(BadInput):
        sources_of(query, SCHEMA)


def a_chain() -> Graph:
    graph = Graph()
    raw = Column("raw.events", "at")
    graph.add(
        Made("raw.events", "ingestion", (), {"at": frozenset(), "id": frozenset()})
    )
    graph.add(
        Made("a.one", "dbt", ("raw.events",), {"day": frozenset({raw})}),
    )
    counted = {"days": frozenset({Column("a.one", "*")})}
    graph.add(Made("b.two", "dbt", ("a.one",), counted))
    return graph


def test_a_count_comes_from_the_rows_and_so_from_where_they_come_from() -> None:
    graph = a_chain()

    before = graph.everything_before(Column("b.two", "days"))

    assert before == {Column("a.one", "*"), Column("raw.events", "*")}


def test_what_comes_from_a_column_counts_its_table_s_rows_too() -> None:
    graph = a_chain()

    after = graph.everything_after(Column("raw.events", "at"))

    assert after == {Column("a.one", "day"), Column("b.two", "days")}


def test_a_table_or_column_is_found_by_what_people_write() -> None:
    graph = a_chain()

    assert graph.find("one") == "a.one"
    assert graph.find("one.day") == [Column("a.one", "day")]
    with pytest.raises(BadInput, match="has no column 'night'; it has day"):
        graph.find("a.one.night")
    with pytest.raises(BadInput, match="no table or column 'three'"):
        graph.find("three")
