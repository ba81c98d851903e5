"""The lineage of the whole house, from its own models and lists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from questlog.__main__ import app
from questlog.lineage.asking import ask, whole_graph
from questlog.lineage.page import page
from warehouse.lineage.artifacts import kept_graph
from warehouse.lineage.columns import ROWS, Column
from warehouse.lineage.graph import Graph
from warehouse.settings import REPOSITORY, Settings

MODELS = REPOSITORY / "dbt_project" / "models"
# what sqlglot 30 does not read: expressions among the CTEs of an inner query
UNREAD = {"marts.fct_activation_funnel", "marts.fct_lifecycle"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No engine runs there: none is needed."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("lineage")
        patch.setenv("QUESTLOG_HOME", str(folder))
        patch.setenv("QUESTLOG_ENDPOINT_PORT", "1")
        yield folder


@pytest.fixture(scope="module")
def graph(home: Path) -> Graph:
    return whole_graph(Settings(home=home, endpoint_port=1))


def test_the_columns_read_from_the_sql_are_those_that_are_described(
    graph: Graph,
) -> None:
    described = {
        model["name"]: {column["name"] for column in model.get("columns", [])}
        for path in MODELS.rglob("_*.yml")
        for model in yaml.safe_load(path.read_text()).get("models", [])
    }
    by_name = {
        name.partition(".")[2]: made
        for name, made in graph.tables.items()
        if made.by == "dbt"
    }

    assert set(by_name) >= set(described)
    assert {
        name: columns - set(by_name[name].columns)
        for name, columns in described.items()
        if not columns <= set(by_name[name].columns)
    } == {}


def test_only_what_is_known_not_to_be_read_is_not_told_apart(graph: Graph) -> None:
    assert {made.table for made in graph.tables.values() if made.unread} <= UNREAD


def test_every_source_is_a_column_that_exists(graph: Graph) -> None:
    missing = [
        (made.table, name, source)
        for made in graph.tables.values()
        for name, sources in made.columns.items()
        for source in sources
        if source.table not in graph.tables
        or (
            source.name != ROWS
            and source.name not in graph.tables[source.table].columns
        )
    ]

    assert missing == []


@pytest.mark.parametrize(
    ("asked", "begins_at"),
    [
        (
            "fct_payments.reporting_amount_minor",
            {
                "raw.events.event_name",
                "raw.events.properties",
                "seeds.currency_digits.currency",
                "seeds.currency_digits.digits",
                "seeds.exchange_rates.units_per_eur",
            },
        ),
        (
            "dim_people.advertising_consent",
            {
                # when it was decided, by a device's clock set right
                "raw.events.anonymous_id",
                "raw.events.clock_offset_ms",
                "raw.events.imported",
                "raw.events.occurred_at",
                "raw.events.received_at",
                "raw.events.sent_at",
                "raw.events.source",
                "raw.events.properties",
                "raw.events.sequence",
            },
        ),
    ],
)
def test_a_column_begins_at(graph: Graph, asked: str, begins_at: set[str]) -> None:
    assert {str(one) for one in ask(graph, asked).origins} == begins_at


def test_an_audience_goes_back_through_scores_and_features_to_what_was_sent(
    graph: Graph,
) -> None:
    answer = ask(graph, "at_risk")
    way = {str(one) for one in answer.upstream}

    assert way >= {
        "ml.churn_scores.churn_probability",
        "features.feat_people.sessions_28",
        "features.feat_outcomes.active_events",
        "marts.dim_people.advertising_consent",
        "raw.events.occurred_at",
        "raw.events.properties",
    }
    assert "ml.lifetime_values.expected_value_minor" not in way
    assert Column("ops.audience_receipts", "sent") in answer.downstream


def test_what_comes_of_a_raw_column_reaches_every_audience(graph: Graph) -> None:
    after = ask(graph, "raw.events.occurred_at").downstream

    assert Column("audiences.at_risk", "value") in after
    assert Column("audiences.high_value", "value") in after


def test_it_is_read_once_and_kept(home: Path, graph: Graph) -> None:
    kept = kept_graph(Settings(home=home, endpoint_port=1))

    assert kept is not None
    assert set(kept.tables) <= set(graph.tables)
    assert (
        kept.tables["marts.fct_events"].columns
        == graph.tables["marts.fct_events"].columns
    )


@pytest.mark.usefixtures("graph")
def test_the_command_answers_people_and_programs() -> None:
    runner = CliRunner()

    drawn = runner.invoke(app, ["lineage", "fct_sessions.channel"])
    told = runner.invoke(app, ["lineage", "fct_sessions.channel", "--json"])

    assert "marts.fct_session_sources.channel" in drawn.stdout
    assert "it begins at" in drawn.stdout
    assert json.loads(told.stdout)["columns"] == ["marts.fct_sessions.channel"]


def test_the_page_shows_every_table_and_leads_only_to_what_is_on_it(
    graph: Graph,
) -> None:
    shown = page(graph)
    anchors = set(re.findall(r'id="([^"]+)"', shown))

    assert anchors == set(graph.tables)
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= anchors
    assert shown.count("<rect") == len(graph.tables)
