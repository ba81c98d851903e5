"""Models between the feature tables and the score tables, on a real engine."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ml import promotion, records
from ml.churn import contest
from ml.churn import training as churn
from ml.churn.features import MEASURED
from ml.health import warehoused as health
from ml.interventions import warehoused as interventions
from ml.lifetime_value import training as lifetime_value
from ml.lifetime_value.estimators import CANDIDATES
from ml.lookalikes import warehoused as lookalikes
from ml.segments import warehoused as segments
from questlog.__main__ import app
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput, NotEnoughData
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

AS_OF = date(2026, 6, 1)
PEOPLE = 400
STEP = timedelta(days=28)
SPINE = [AS_OF - step * STEP for step in range(5)]

_PEOPLE_TABLE = f"""
create or replace table features.feat_people (
    as_of Date, person_id String, {", ".join(f"{name} Int64" for name in MEASURED)},
    plan LowCardinality(String), country LowCardinality(String), signup_method String,
    purchase_frequency UInt32, purchase_recency_days UInt32, purchase_age_days UInt32,
    purchase_mean_minor Nullable(Float64), is_active_56 Bool
) engine = MergeTree partition by as_of order by (as_of, person_id)
"""
_OUTCOMES_TABLE = """
create or replace table features.feat_outcomes (
    as_of Date, person_id String, horizon_days UInt16, active_events UInt64,
    revenue_minor Int64, purchase_days UInt64, is_complete Bool
) engine = MergeTree partition by as_of order by (as_of, person_id)
"""


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Popen[bytes]]],
) -> Iterator[Settings]:
    """An engine of this file's own: it makes feature tables by hand."""
    made = new_settings()
    with run_endpoint(made), connect(made) as client:
        migrate(client)
        client.command("create database features")
        yield made


@pytest.fixture
def client(settings: Settings) -> "Iterator[Client]":
    """A client of that engine, its feature tables filled afresh."""
    with connect(settings) as connected:
        fill(connected)
        yield connected


def a_day(day: date, *, size: int = PEOPLE) -> tuple[list[Any], list[Any]]:
    """Rows of feat_people and feat_outcomes of one day of a made-up world."""
    generator = np.random.default_rng(day.toordinal())
    people, outcomes = [], []
    for number in range(size):
        measured = dict.fromkeys(MEASURED, int(generator.integers(0, 9)))
        silence = int(generator.integers(1, 56))
        active = int(generator.integers(1, 40))
        measured |= {"days_since_last_active": silence, "active_days_56": active}
        left = generator.random() < 1 / (1 + np.exp(3 - silence * active / 90))
        repeats = int(generator.poisson(2)) if number % 2 else 0
        age = int(generator.integers(30, 300))
        last = int(age * generator.random() ** 0.3) if repeats else 0
        mean = float(generator.integers(300, 3000)) if number % 5 else None
        again = int(generator.poisson(repeats * 28 / age)) if mean else 0
        name = f"person-{number}"
        bought = [repeats if mean else 0, last, age, mean]
        people.append(
            [
                day,
                name,
                *measured.values(),
                "free",
                "DE",
                "email",
                *bought,
                number < 390,
            ]
        )
        outcomes.append(
            [
                day,
                name,
                28,
                0 if left else 5,
                int(again * (mean or 0)),
                again,
                day < AS_OF,
            ]
        )
    return people, outcomes


def fill(client: "Client", days: list[date] = SPINE, *, size: int = PEOPLE) -> None:
    client.command(_PEOPLE_TABLE)
    client.command(_OUTCOMES_TABLE)
    for day in days:
        people, outcomes = a_day(day, size=size)
        client.insert("features.feat_people", people)
        client.insert("features.feat_outcomes", outcomes)


def scores(client: "Client", table: str) -> list[dict[str, Any]]:
    return rows(
        client,
        f"select * except (scored_at) from {table}"
        " where as_of = {as_of:Date} order by person_id",
        {"as_of": AS_OF},
    )


def test_everyone_active_gets_a_probability_from_the_chosen_model(
    client: "Client", settings: Settings
) -> None:
    model = churn.train(client, settings, AS_OF)
    scored = churn.score(client, settings, model, AS_OF)

    found = scores(client, "ml.churn_scores")
    assert scored == len(found) == 390
    assert {row["model_id"] for row in found} == {model}
    assert all(0 <= row["churn_probability"] <= 1 for row in found)
    assert {row["horizon_days"] for row in found} == {28}


def test_all_candidates_are_kept_with_their_figures_and_one_is_chosen(
    client: "Client", settings: Settings
) -> None:
    model = churn.train(client, settings, AS_OF)

    found = records.judgements(client, "churn", AS_OF)

    assert [judged.model_id for judged in found if judged.is_chosen] == [model]
    assert [judged.estimator for judged in found if judged.is_baseline] == [
        "hazard_rule",
        "recency_rule",
    ]
    assert {judged.judged_from for judged in found} == {AS_OF - STEP}
    assert {judged.trained_rows for judged in found} == {4 * 390}
    chosen, rule = found[0].metrics, found[-1].metrics
    assert chosen["average_precision"] > rule["average_precision"]
    assert chosen["brier"] < rule["brier"]
    registry = Home(settings.home).registry
    assert all((registry / judged.artifact / "card.md").exists() for judged in found)


def test_training_again_gives_the_same_model_and_the_same_scores(
    client: "Client", settings: Settings
) -> None:
    model = churn.train(client, settings, AS_OF)
    churn.score(client, settings, model, AS_OF)
    before = scores(client, "ml.churn_scores")

    again = churn.train(client, settings, AS_OF)
    churn.score(client, settings, again, AS_OF)

    assert again == model
    assert scores(client, "ml.churn_scores") == before
    judged = [one.estimator for one in records.judgements(client, "churn", AS_OF)]
    assert sorted(judged) == sorted(contest.CANDIDATES)


@pytest.mark.parametrize("room", [churn, lifetime_value])
def test_nothing_from_as_of_on_can_change_a_model_or_a_score(
    client: "Client", settings: Settings, room: Any
) -> None:
    client.command(
        "alter table features.feat_outcomes delete where as_of >= {day:Date}"
        " settings mutations_sync = 2",
        parameters={"day": AS_OF},
    )
    without = room.train(client, settings, AS_OF)
    room.score(client, settings, without, AS_OF)
    before = scores(client, room.SCORES)

    fill(client, [*SPINE, AS_OF + STEP, AS_OF - STEP + timedelta(days=3)])
    client.command(
        "alter table features.feat_outcomes update is_complete = true,"
        " active_events = 1 - least(active_events, 1), revenue_minor = 999999"
        " where as_of > {day:Date} settings mutations_sync = 2",
        parameters={"day": AS_OF - STEP},
    )
    seen_more = room.train(client, settings, AS_OF)
    room.score(client, settings, seen_more, AS_OF)

    assert seen_more == without
    assert scores(client, room.SCORES) == before


def test_nobody_without_an_outcome_is_taken_for_gone(
    client: "Client", settings: Settings
) -> None:
    churn.train(client, settings, AS_OF)
    before = trained_rows(client)
    client.command(
        "alter table features.feat_outcomes delete"
        " where active_events = 0 and cityHash64(person_id) % 10 = 0"
        " settings mutations_sync = 2"
    )

    churn.train(client, settings, AS_OF)

    assert 0 < trained_rows(client) < before


def trained_rows(client: "Client") -> int:
    query = "select max(trained_rows) from ml.models where kind = 'churn'"
    return int(str(client.command(query)))


def test_every_customer_gets_a_value_in_the_reporting_currency(
    client: "Client", settings: Settings
) -> None:
    model = lifetime_value.train(client, settings, AS_OF)
    scored = lifetime_value.score(client, settings, model, AS_OF)

    found = scores(client, "ml.lifetime_values")
    assert scored == len(found) == PEOPLE - PEOPLE // 5
    assert {row["currency"] for row in found} == {"EUR"}
    assert all(0 <= row["probability_alive"] <= 1 for row in found)
    assert all(0 <= row["expected_value_minor"] < 1e6 for row in found)
    assert any(row["expected_value_minor"] > 0 for row in found)
    assert all(0 <= row["low_minor"] <= row["high_minor"] for row in found)


def test_the_lifetime_value_model_tells_its_parameters_beside_its_figures(
    client: "Client", settings: Settings
) -> None:
    lifetime_value.train(client, settings, AS_OF)

    found = records.judgements(client, "lifetime_value", AS_OF)

    by_estimator = {judged.estimator: judged.metrics for judged in found}
    assert set(by_estimator) == set(CANDIDATES)
    assert {"mae", "rmse", "bias", "spearman"} <= set(by_estimator["rate_rule"])
    assert {"bg_nbd.r", "gamma_gamma.q", "bg_nbd.at_boundary"} <= set(
        by_estimator["bg_nbd"]
    )


@pytest.mark.parametrize("room", [churn, lifetime_value])
def test_too_little_is_refused_and_told_and_leaves_no_stale_scores(
    client: "Client", settings: Settings, room: Any
) -> None:
    room.score(client, settings, room.train(client, settings, AS_OF), AS_OF)
    fill(client, size=30)

    with pytest.raises(NotEnoughData, match="cannot be learned"):
        room.train(client, settings, AS_OF)

    told = rows(
        client,
        "select refused_because, is_chosen from ml.models"
        " where kind = {kind:String} and as_of = {as_of:Date}",
        {"kind": room.KIND, "as_of": AS_OF},
    )
    assert len(told) == 1
    assert "cannot be learned" in told[0]["refused_because"]
    assert scores(client, room.SCORES) == []
    with pytest.raises(BadInput, match="was trained"):
        records.chosen(client, room.KIND, AS_OF)


@pytest.mark.parametrize("room", [churn, lifetime_value])
def test_a_day_without_features_cannot_be_scored(
    client: "Client", settings: Settings, room: Any
) -> None:
    model = room.train(client, settings, AS_OF)

    with pytest.raises(NotEnoughData, match="Build and publish"):
        room.score(client, settings, model, AS_OF + timedelta(days=1))


@pytest.mark.parametrize(
    ("command", "rule"), [("churn", "recency_rule"), ("lifetime-value", "rate_rule")]
)
def test_the_command_shows_each_model_beside_its_baseline(
    client: "Client", settings: Settings, command: str, rule: str
) -> None:
    assert client.ping()
    environment = {
        "QUESTLOG_HOME": str(settings.home),
        "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
        "CLICKHOUSE_HOST": "",
        "COLUMNS": "200",
    }
    run = CliRunner(env=environment)

    told = run.invoke(app, [command, "run", "--as-of", str(AS_OF), "--json"])
    shown = run.invoke(app, [command, "train", "--as-of", str(AS_OF)])
    scored = run.invoke(app, [command, "score", "--as-of", str(AS_OF)])

    said = json.loads(told.stdout)
    assert said["scored"] > 0
    assert said["models"][0]["is_chosen"]
    assert rule in {model["estimator"] for model in said["models"]}
    assert rule in shown.stdout
    assert "chosen" in shown.stdout
    assert f"{said['scored']} people scored" in scored.stdout


def test_reasons_are_told_of_the_tenth_of_the_highest_chances(
    client: "Client", settings: Settings
) -> None:
    churn.score(client, settings, churn.train(client, settings, AS_OF), AS_OF)

    told = rows(
        client,
        "select person_id, place, words from ml.churn_reasons"
        " where as_of = {day:Date} order by person_id, place",
        {"day": AS_OF},
    )

    assert 39 <= len({row["person_id"] for row in told}) < 60
    assert {row["place"] for row in told} <= {1, 2, 3}
    assert all(row["words"] for row in told)


def test_segments_health_and_lookalikes_of_a_day_are_written_in_place(
    client: "Client",
) -> None:
    client.command("truncate table activation.audience_members")
    client.insert(
        "activation.audience_members",
        [[AS_OF, "best", f"person-{one}", 1.0, True, ""] for one in range(90)],
        column_names=[
            *("as_of", "audience", "person_id", "value", "sendable"),
            "withheld_because",
        ],
    )
    sizes = segments.run(client, AS_OF)
    for _ in range(2):
        scored = health.score(client, AS_OF)
        found = lookalikes.score(client, "best", AS_OF)

    counted = {
        table: rows(client, f"select count() as n from ml.{table}")[0]["n"]
        for table in ("segments", "health_scores", "lookalike_scores")
    }
    parts = rows(client, "select health, parts from ml.health_scores limit 9")
    assert sum(size.people for size in sizes if size.method == "kmeans") == 390
    assert counted == {
        "segments": sum(size.people for size in sizes),
        "health_scores": scored,
        "lookalike_scores": 300,
    }
    assert [sum(row["parts"].values()) for row in parts] == pytest.approx(
        [row["health"] for row in parts]
    )
    assert not found.beats_chance


def test_lookalikes_of_an_audience_nobody_chose_are_refused(client: "Client") -> None:
    with pytest.raises(NotEnoughData, match="No audience 'strangers' has members"):
        lookalikes.score(client, "strangers", AS_OF)


def test_a_trigger_fires_on_a_crossing_alone_and_its_effect_is_measured(
    client: "Client", settings: Settings
) -> None:
    before, tables = AS_OF - STEP, ("churn_scores", "health_scores", "segments")
    for table in (*tables, "interventions"):
        client.command(f"truncate table ml.{table}")
    model = churn.train(client, settings, before - STEP)
    with pytest.raises(NotEnoughData, match="which trigger likely_to_leave reads"):
        interventions.decide(client, before)
    for day in (before - STEP, before):
        churn.score(client, settings, model, day)
        health.score(client, day)
        declining = [f"person-{one}" for one in range(3 * day.month)]
        client.insert(
            "ml.segments",
            [[day, "defined", "at_risk", who] for who in declining],
            column_names=["as_of", "method", "segment", "person_id"],
        )

    first = interventions.decide(client, before - STEP)
    decided = interventions.decide(client, before)
    again = interventions.decide(client, before)

    fired = rows(client, "select as_of, person_id, arm from ml.interventions")
    sent = interventions.written_to(client, before)
    told = interventions.uplifts(client, AS_OF)
    assert set(first.values()) == {0}
    assert decided == again
    assert len({row["person_id"] for row in fired}) == len(fired) > 0
    assert len(sent) == sum(row["arm"] == "written_to" for row in fired) < len(fired)
    assert sum(each.written_to + each.held_out for each in told) == len(fired)


def test_a_model_of_before_takes_over_by_one_command_and_writes_the_scores(
    client: "Client", settings: Settings
) -> None:
    earlier = AS_OF - STEP
    before = lifetime_value.train(client, settings, earlier)
    lifetime_value.score(client, settings, before, earlier)
    now = lifetime_value.train(client, settings, AS_OF)
    lifetime_value.score(client, settings, now, AS_OF)
    environment = {
        "QUESTLOG_HOME": str(settings.home),
        "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
        "CLICKHOUSE_HOST": "",
    }
    run = CliRunner(env=environment)

    said = run.invoke(app, ["promote", "lifetime_value", "--back", "--because", "odd"])
    seen = run.invoke(app, ["watch", "lifetime_value", "--json"])

    assert f"{before} writes the scores of {AS_OF}" in said.stdout
    assert {row["model_id"] for row in scores(client, lifetime_value.SCORES)} == {
        before
    }
    assert records.chosen(client, "lifetime_value", AS_OF) == before
    watched = json.loads(seen.stdout)
    drift = {row["subject"] for row in watched if row["watch"] == "drift"}
    assert {"score", "purchase_frequency"} <= drift
    turned_out = {
        row["subject"]: row["value"]
        for row in watched
        if (row["watch"], row["as_of"]) == ("outcome", str(earlier))
    }
    assert turned_out["people"] == PEOPLE - PEOPLE // 5
    assert 0.8 <= turned_out["share_in_range"] <= 1
    with pytest.raises(BadInput, match="would know the future"):
        promotion.promote(
            client, kind="lifetime_value", model_id=now, as_of=earlier, because=""
        )
    client.command("truncate table ml.promotions")
