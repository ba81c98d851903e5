"""Models are trained again where outcomes or age ask for it, and only there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from subprocess import Popen
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from ml import promotion, records, retraining
from ml.cards import shelf
from ml.churn import training as churn
from ml.early_churn import training as early_churn
from ml.lifetime_value import training as lifetime_value
from questlog.__main__ import app
from tests.integration.feature_tables import AS_OF, STEP, fill, fill_newcomers
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EARLIER = AS_OF - STEP
LEAVERS_STAY = "active_events = 1 - least(active_events, 1)"
ALL_SPEND_LESS = "revenue_minor = toInt64(revenue_minor / 5)"


@pytest.fixture(scope="module")
def settings(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Popen[bytes]]],
) -> Iterator[Settings]:
    """An engine of this file's own, where no model grows old."""
    made = replace(new_settings(), model_oldest_days=365)
    with run_endpoint(made), connect(made) as client:
        migrate(client)
        client.command("create database features")
        yield made


@pytest.fixture
def client(settings: Settings) -> "Iterator[Client]":
    """A client of that engine: features afresh, and no model yet."""
    with connect(settings) as connected:
        fill(connected)
        fill_newcomers(connected, size=1500)
        for table in ("models", "watch", "promotions", "churn_scores"):
            connected.command(f"truncate table ml.{table}")
        yield connected


def change_the_law(client: "Client", change: str) -> None:
    """After the earlier day people do something else than before it."""
    client.command(
        f"alter table features.feat_outcomes update {change} where as_of = {{day:Date}}"
        " settings mutations_sync = 2",
        parameters={"day": EARLIER},
    )


@pytest.mark.parametrize(
    ("room", "change"), [(churn, LEAVERS_STAY), (lifetime_value, ALL_SPEND_LESS)]
)
def test_a_world_whose_law_changes_is_due_and_one_that_goes_on_is_not(
    client: "Client", settings: Settings, room: Any, change: str
) -> None:
    model = room.train(client, settings, EARLIER)
    room.score(client, settings, model, EARLIER)

    goes_on = retraining.due(client, settings, room.KIND, AS_OF)
    change_the_law(client, change)
    changed = retraining.due(client, settings, room.KIND, AS_OF)

    assert goes_on == retraining.Due(model_id=model, because="")
    assert changed.because == f"the scores of {EARLIER} are not what {model} promised"


def test_outcomes_of_a_model_that_was_replaced_ask_for_nothing(
    client: "Client", settings: Settings
) -> None:
    churn.score(client, settings, churn.train(client, settings, EARLIER), EARLIER)
    change_the_law(client, LEAVERS_STAY)
    now = churn.train(client, settings, AS_OF)

    found = retraining.due(client, settings, churn.KIND, AS_OF + timedelta(days=7))

    assert found == retraining.Due(model_id=now, because="")


def test_a_day_that_is_repeated_is_judged_as_the_first_time(
    client: "Client", settings: Settings
) -> None:
    churn.score(client, settings, churn.train(client, settings, EARLIER), EARLIER)
    change_the_law(client, LEAVERS_STAY)
    before = retraining.due(client, settings, churn.KIND, AS_OF)
    churn.train(client, settings, AS_OF)

    assert retraining.due(client, settings, churn.KIND, AS_OF) == before


def test_the_first_model_and_an_old_one_are_due(
    client: "Client", settings: Settings
) -> None:
    first = retraining.due(client, settings, churn.KIND, EARLIER)
    model = churn.train(client, settings, EARLIER)
    aged = replace(settings, model_oldest_days=STEP.days)

    old = retraining.due(client, aged, churn.KIND, AS_OF)

    assert first.because == "no model was trained before"
    assert old.because == f"{model} is {STEP.days} days old"


def test_a_model_promoted_by_hand_stays_in_use_until_another_is_trained(
    client: "Client", settings: Settings
) -> None:
    before = churn.train(client, settings, EARLIER)
    churn.train(client, settings, AS_OF)
    promotion.promote(client, kind="churn", model_id=before, as_of=AS_OF, because="odd")

    assert records.in_use(client, "churn", AS_OF + timedelta(days=7)) == before
    with pytest.raises(BadInput, match="was trained by"):
        records.in_use(client, "churn", EARLIER - STEP)


def test_the_command_says_whether_training_is_due_and_does_it(
    client: "Client", settings: Settings
) -> None:
    before = churn.train(client, settings, EARLIER)
    churn.score(client, settings, before, EARLIER)
    run = CliRunner(
        env={
            "QUESTLOG_HOME": str(settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
            "CLICKHOUSE_HOST": "",
            "MODEL_OLDEST_DAYS": "365",
        }
    )
    asked = ["train", "churn", "--as-of", str(AS_OF), "--where-due"]

    quiet = run.invoke(app, asked)
    kept = records.in_use(client, "churn", AS_OF)
    change_the_law(client, LEAVERS_STAY)
    told = run.invoke(app, asked)

    assert f"Training is not due: {before} goes on." in quiet.stderr
    assert kept == before
    assert f"Training is due: the scores of {EARLIER}" in told.stderr
    # who won there must have beaten the rule, and the one in use before
    (chosen,) = (
        one for one in records.judgements(client, "churn", AS_OF) if one.is_chosen
    )
    assert records.in_use(client, "churn", AS_OF) == chosen.model_id
    seen = run.invoke(app, ["watch", "churn"])
    assert "train it" in seen.stdout


def test_early_churn_has_a_card_and_its_outcomes_are_watched(
    client: "Client", settings: Settings
) -> None:
    day = AS_OF - timedelta(days=21)
    model = early_churn.train(client, settings, day)
    early_churn.score(client, settings, model, day)

    found = retraining.due(client, settings, "early_churn", AS_OF)

    card = shelf.find(Home(settings.home), model).read_text()
    seen = rows(
        client,
        "select subject, value, people from ml.watch where kind = 'early_churn'"
        " and watch = 'outcome' and as_of = {day:Date}",
        {"day": day},
    )
    assert found == retraining.Due(model_id=model, because="")
    assert "Which newcomers will not come again" in card
    assert "people who have been here for longer" in card.lower()
    assert {"average_precision", "asks_for_training"} <= {
        row["subject"] for row in seen
    }
    assert all(row["people"] > 20 for row in seen)
