"""The models on an engine: branches, partitions, publishing, docs."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ml.spine import complete_days
from questlog.__main__ import app
from questlog.demo.inquiry import warehouse
from tests.spec.streams import load, stream
from warehouse.clickhouse import connect, rows
from warehouse.errors import GateClosed, NotEnoughData, TransformationFailed
from warehouse.freshness import require_fresh
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.publishing import built_content, publish, require_open_gate
from warehouse.questions.saved import load as load_saved
from warehouse.settings import Settings
from warehouse.transformation import LAYERS, build, run_dbt, write_docs

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]
AS_OF = date(2026, 5, 4)
OTHER_DAY = date(2026, 4, 20)


@pytest.fixture(scope="module")
def engine(
    new_settings: Callable[[], Settings], run_endpoint: Endpoint
) -> Iterator[Settings]:
    """An engine of our own: these tests replace everything in it."""
    own = new_settings()
    with run_endpoint(own):
        with connect(own) as client:
            migrate(client)
        yield own


@pytest.fixture
def client(engine: Settings) -> "Iterator[Client]":
    with connect(engine) as connected:
        yield connected


def partitions(client: "Client", table: str) -> dict[str, int]:
    """A fingerprint of the rows of each as-of day."""
    return {
        str(row["as_of"]): row["content"]
        for row in rows(
            client,
            f"select as_of, groupBitXor(cityHash64(*)) as content"
            f" from features_build.{table} group by as_of",
        )
    }


@pytest.fixture(scope="module")
def built(engine: Settings) -> Settings:
    """A small stream, with all layers built as of one day."""
    with connect(engine) as client:
        load(client, stream(random.Random(3), users=40))  # noqa: S311  no secret
    for layer in LAYERS:
        build(engine, layer, as_of=AS_OF)
    return engine


def test_every_branch_of_every_model_is_shown_by_its_unit_test(
    built: Settings,
) -> None:
    run_dbt(
        built,
        ["test", "--quiet", "--select", "test_type:unit"],
        variables={"as_of": AS_OF.isoformat()},
    )


def test_no_key_is_of_a_type_that_holds_nulls(
    built: Settings, client: "Client"
) -> None:
    manifest = json.loads((Home(built.home).dbt_target / "manifest.json").read_text())
    keys = {
        (tested["schema"], tested["alias"], column)
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node["test_metadata"]["name"] in {"unique", "unique_together"}
        for tested in [manifest["nodes"][node["attached_node"]]]
        if tested["config"]["materialized"] != "ephemeral"
        for column in node["test_metadata"]["kwargs"].get("columns")
        or [node["column_name"]]
    }
    found = {
        (row["database"], row["table"], row["name"]): row["type"]
        for row in rows(
            client, "select database, table, name, type from system.columns"
        )
    }

    assert len(keys) > 50
    assert not [key for key in keys if found[key].startswith("Nullable")]


def test_building_features_again_replaces_exactly_their_days(
    built: Settings, client: "Client"
) -> None:
    first = partitions(client, "feat_people")
    client.command("alter table features_build.feat_people drop partition '2026-04-06'")
    # a day of the run that nobody is left on, and a day that is none of the run
    for day in ("2026-02-09", "2026-02-10"):
        client.command(
            "insert into features_build.feat_people (as_of, person_id)"
            f" values ('{day}', 'gone')"
        )

    build(built, "features", as_of=AS_OF)
    build(built, "features", as_of=OTHER_DAY)

    again = partitions(client, "feat_people")
    other = {"2026-04-20", "2026-03-23"}
    assert set(first) == {"2026-05-04", "2026-04-06", "2026-03-09"}
    assert {day: again[day] for day in first} == first
    assert set(again) == set(first) | other | {"2026-02-10"}
    assert set(partitions(client, "feat_outcomes")) == set(first) | other


def test_readers_see_what_was_published_until_the_next_time(
    built: Settings, client: "Client"
) -> None:
    first = publish(client, "marts")
    client.command("truncate table marts_build.dim_rfm")
    client.command("create table marts.no_longer_built (one UInt8) order by one")

    seen = rows(client, "select count() as people from marts.dim_rfm")
    second = publish(client, "marts")

    assert built.embedded
    assert first["dim_rfm"] > 5
    assert seen == [{"people": first["dim_rfm"]}]
    assert second["dim_rfm"] == 0
    assert rows(client, "select count() as people from marts.dim_rfm") == [
        {"people": 0}
    ]
    assert (
        rows(client, "select name from system.tables where name = 'no_longer_built'")
        == []
    )


def test_saved_questions_are_answered_and_activation_as_its_mart_is(
    built: Settings, client: "Client"
) -> None:
    publish(client, "marts")
    run = CliRunner(
        env={
            "QUESTLOG_HOME": str(built.home),
            "QUESTLOG_ENDPOINT_PORT": str(built.endpoint_port),
            "CLICKHOUSE_HOST": "",
        }
    )

    told = {
        name: json.loads(run.invoke(app, ["ask", "saved", name, "--json"]).stdout)
        for name in load_saved()
    }
    steps = rows(
        client, "select people from marts.fct_activation_funnel order by step_number"
    )

    assert {"activation", "players_by_first_week"} <= told.keys()
    assert told["activation"]["counts"] == [row["people"] for row in steps]
    assert told["activation"]["counts"][0] > 0
    assert [{"players": told["players_by_first_week"]["players"]}] == rows(
        client, "select count() as players from marts.dim_people"
    )


def test_nothing_is_published_before_its_gate_was_seen_open(
    built: Settings, client: "Client"
) -> None:
    assert built.embedded

    with pytest.raises(GateClosed, match="questlog gate features"):
        require_open_gate(client, "features")


@pytest.mark.parametrize(("success", "is_open"), [(True, True), (False, False)])
def test_the_last_run_of_a_gate_decides(
    built: Settings, client: "Client", *, success: bool, is_open: bool
) -> None:
    found = [
        *("6f6c1a5e-0000-4000-8000-00000000000" + str(int(success)), "staging"),
        *(AS_OF, "suite", "expectation", "", "stop", success, 1, 0, []),
        built_content(client, "staging"),
    ]
    names = (
        "run_id gate as_of suite expectation column_name severity success"
        " checked_rows unexpected_rows sample_keys judged_content"
    )
    client.command("truncate table ops.gate_results")
    client.insert("ops.gate_results", [found], column_names=names.split())

    assert built.embedded
    if is_open:
        require_open_gate(client, "staging")
    else:
        with pytest.raises(GateClosed, match="1 expectations"):
            require_open_gate(client, "staging")


def test_a_gate_lets_pass_what_it_judged_and_nothing_built_since(
    engine: Settings, client: "Client"
) -> None:
    names = "run_id gate as_of suite expectation severity success judged_content"
    client.command("create database if not exists toys_build")
    client.command(
        "create table toys_build.toys (name String, price Nullable(Int64))"
        " engine = MergeTree order by name"
    )
    client.command("insert into toys_build.toys values ('die', null)")
    judged = built_content(client, "toys")
    run = "6f6c1a5e-0000-4000-8000-000000000007"
    seen = [run, "toys", AS_OF, "toys", "toys", "stop", True, judged]
    client.insert("ops.gate_results", [seen], column_names=names.split())

    client.command("truncate table toys_build.toys")
    client.command("insert into toys_build.toys values ('die', null)")
    require_open_gate(client, "toys")
    client.command("insert into toys_build.toys values ('owl', null)")

    assert engine.embedded
    with pytest.raises(GateClosed, match="questlog gate toys --as-of 2026-05-04"):
        require_open_gate(client, "toys")


def test_money_that_cannot_be_read_is_shown_as_none(
    built: Settings, client: "Client"
) -> None:
    publish(client, "marts")
    client.command(
        "insert into marts.fct_payments select * replace ('payment' as kind,"
        " 'XTS' as currency, null as amount_minor, null as reporting_amount_minor)"
        " from marts.fct_payments limit 1"
    )

    told = warehouse(client)
    (test_money,) = [money for money in told["money"] if money["currency"] == "XTS"]
    (added,) = rows(
        client,
        "select sum(reporting_amount_minor) as revenue_minor,"
        " countIf(reporting_amount_minor is null) as not_counted,"
        " countIf(kind = 'payment') as payments from marts.fct_payments",
    )

    assert built.embedded
    assert tuple(
        test_money[name] for name in ("payments", "payers", "revenue_minor")
    ) == (1, 1, 0)
    reported = told["reported"]
    assert (reported["currency"], reported["minor_digits"]) == ("EUR", 2)
    assert {name: reported[name] for name in added} == added


def test_without_published_features_nothing_can_be_learned(
    built: Settings, client: "Client"
) -> None:
    assert built.embedded

    with pytest.raises(NotEnoughData, match="No features have been published"):
        complete_days(client)


def test_the_docs_site_is_one_page_that_tells_of_every_model(
    built: Settings,
) -> None:
    page = write_docs(built)

    text = page.read_text()
    assert page.name == "index.html"
    assert "fct_weekly_retention" in text
    assert "Words that mean one thing" in text


def test_a_failing_node_is_named(built: Settings, client: "Client") -> None:
    client.command("rename table raw.events to raw.events_aside")
    try:
        with pytest.raises(TransformationFailed, match="stg_event_copies"):
            run_dbt(
                built,
                ["run", "--quiet", "--select", "stg_event_copies"],
                variables={"as_of": AS_OF.isoformat()},
            )
    finally:
        client.command("rename table raw.events_aside to raw.events")


def test_a_layer_is_not_made_while_a_data_test_finds_rows(
    built: Settings, client: "Client"
) -> None:
    client.command("insert into seeds.bot_rules select * from seeds.bot_rules limit 1")
    try:
        with pytest.raises(TransformationFailed, match="unique_bot_rules_reason: 1"):
            build(built, "staging", as_of=AS_OF)
    finally:
        client.command("optimize table seeds.bot_rules final deduplicate")
    build(built, "staging", as_of=AS_OF)


def test_a_source_is_stale_a_day_after_its_last_rows_and_not_before_its_first(
    built: Settings, client: "Client"
) -> None:
    client.command("rename table raw.events to raw.events_aside")
    client.command("create table raw.events as raw.events_aside")
    try:
        with pytest.raises(NotEnoughData, match="no rows yet"):
            require_fresh(built)
        client.command("insert into raw.events (loaded_at) values (now() - 90000)")
        with pytest.raises(TransformationFailed, match=r"raw\.events .* 25 hours ago"):
            require_fresh(built)
    finally:
        client.command("drop table raw.events sync")
        client.command("rename table raw.events_aside to raw.events")
