"""Models between the feature tables and the score tables, on a real engine."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from ml import promotion, records
from ml.churn import contest
from ml.churn import training as churn
from ml.lifetime_value import training as lifetime_value
from ml.lifetime_value.estimators import CANDIDATES
from questlog.__main__ import app
from tests.integration.feature_tables import AS_OF, PEOPLE, STEP, fill, scores
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput, NotEnoughData
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


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


def test_churn_scores_are_watched_and_their_outcomes_ask_for_training_when_wrong(
    client: "Client", settings: Settings
) -> None:
    earlier = AS_OF - STEP
    before = churn.train(client, settings, earlier)
    churn.score(client, settings, before, earlier)
    churn.score(client, settings, churn.train(client, settings, AS_OF), AS_OF)
    fair = seen_of(client, earlier)
    client.command(
        "alter table ml.churn_scores update churn_probability = 0.999"
        " where as_of = {day:Date} settings mutations_sync = 2",
        parameters={"day": earlier},
    )

    churn.train(client, settings, AS_OF)

    drift = rows(
        client,
        "select subject, value from ml.watch where kind = 'churn'"
        " and watch = 'drift' and as_of = {day:Date}",
        {"day": AS_OF},
    )
    assert {"score", "tenure_days"} <= {row["subject"] for row in drift}
    assert fair["people"] == 390
    assert fair["asks_for_training"] == 0
    assert seen_of(client, earlier)["asks_for_training"] == 1


def seen_of(client: "Client", day: date) -> dict[str, float]:
    """How the churn scores of a day turned out."""
    found = rows(
        client,
        "select subject, value from ml.watch where kind = 'churn'"
        " and watch = 'outcome' and as_of = {day:Date}",
        {"day": day},
    )
    return {row["subject"]: row["value"] for row in found}


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
    for row in found:
        both = row["subscription_value_minor"], row["single_value_minor"]
        assert min(both) >= 0
        assert sum(both) == pytest.approx(row["expected_value_minor"])


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
