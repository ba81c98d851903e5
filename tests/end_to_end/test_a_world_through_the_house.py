"""A simulated world goes through every room, and the house says what is true of it."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests

from activation.definitions import load_definitions
from activation.standins.google import GoogleStandin
from activation.standins.google import running as google_standin
from activation.standins.serving import running as graph_standin
from questlog.demo import inquiry
from questlog.stack.local import environment
from tests.integration.openlineage import faults, written
from warehouse.clickhouse import connect, rows
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.ports import free_port
from warehouse.settings import Settings
from warehouse.vault import open_vault

DAY = "2026-03-01"
NOW = "2026-03-01T20:15:00+00:00"
MINIMUM_SIZES = {
    one.name: one.minimum_size for one in load_definitions(country="DE").custom
}
WATCHING = str(Path(__file__).with_name("watching"))
RunEndpoint = Callable[[Settings], AbstractContextManager[Any]]

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class House:
    """A warehouse that a world went through, and the truth about that world."""

    settings: Settings
    world: Path
    environ: dict[str, str]
    google: GoogleStandin

    def truth(self, part: str = "all") -> dict[str, Any]:
        truths = json.loads((self.world / "truth.json").read_text())
        found: dict[str, Any] = truths[part]
        return found

    def command(self, *words: str) -> str:
        noted = self.world.with_name("loaded") / "-".join(words[:2])
        done = subprocess.run(
            [sys.executable, "-m", "questlog", *words],
            env={**self.environ, "PYTHONPATH": WATCHING, "LOADED_INTO": str(noted)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"questlog {' '.join(words)}:\n{done.stdout}"
        return done.stdout


@pytest.fixture(scope="module")
def house(
    new_settings: Callable[[], Settings],
    run_endpoint: RunEndpoint,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """Every step of the DAGs, by the commands that do the same."""
    with graph_standin() as graph, google_standin() as (endpoint, google):
        settings = replace(
            new_settings(),
            meta_graph_url=graph,
            meta_access_token="a-token",
            meta_ad_account_id="act_1",
            google_endpoint=endpoint,
            google_developer_token="a-token",
            google_customer_id="1234567890",
            ingest_port=free_port(),
        )
        with run_endpoint(settings):
            with connect(settings) as client:
                migrate(client)
            environ = environment(settings, os.environ)
            world = tmp_path_factory.mktemp("house") / "world"
            world.mkdir()
            world.with_name("loaded").mkdir()
            made = House(settings, world, environ, google)
            bring_in(made)
            transform(made)
            judge_and_reach(made)
            yield made


def bring_in(house: House) -> None:
    house.command(
        *("simulate", "--people", "500", "--days", "100", "--end", DAY),
        *("--seed", "11", "--now", NOW, "--out", str(house.world)),
    )
    house.command("import", str(house.world / "history.jsonl.gz"), "--source", "past")
    key = house.command("keys", "add", "live").split()
    with serving_door(house):
        house.command(
            *("send", str(house.world / "live.jsonl")),
            *("--key", next(word for word in key if word.startswith("ql"))),
            *("--url", f"http://127.0.0.1:{house.settings.ingest_port}"),
        )
    house.command("load")


@contextlib.contextmanager
def serving_door(house: House) -> Iterator[None]:
    door = subprocess.Popen(
        [sys.executable, "-m", "questlog", "serve", "ingest"],
        env=house.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and door.poll() is None:
            with contextlib.suppress(OSError):
                address = f"http://127.0.0.1:{house.settings.ingest_port}/healthz"
                urllib.request.urlopen(address, timeout=60).close()
                break
            time.sleep(0.1)
        yield
    finally:
        door.terminate()
        assert door.wait(60) == 0


def transform(house: House) -> None:
    house.command("build", "staging")
    house.command("gate", "staging", "--as-of", DAY)
    for layer in ("marts", "features"):
        house.command("build", layer, "--as-of", DAY)
        house.command("gate", layer, "--as-of", DAY)
        house.command("publish", layer)


def judge_and_reach(house: House) -> None:
    house.command("churn", "run", "--as-of", DAY)
    house.command("lifetime-value", "run", "--as-of", DAY)
    house.command("audiences", "choose", "--as-of", DAY)
    house.command("audiences", "push", "--as-of", DAY)


def test_the_door_and_staging_agree_with_the_truth(house: House) -> None:
    truth = house.truth()

    with connect(house.settings) as client:
        door = inquiry.door(client)

    assert door["sent"] == truth["lines"]
    assert door["accepted"] == truth["accepted"]
    assert door["reasons"] == truth["refused"]
    assert door["duplicates_removed"] == truth["duplicates_removed"] > 0
    assert door["conflicts"] == truth["conflicts"] > 0
    assert door["events_once"] == truth["events_once"]


def test_people_sessions_and_money_agree_with_the_truth(house: House) -> None:
    truth = house.truth()

    with connect(house.settings) as client:
        found = inquiry.warehouse(client)
        consented = rows(
            client,
            "select countIf(advertising_consent) as people from marts.dim_people",
        )

    assert found["people"] == truth["people"]
    assert found["sessions"] == truth["sessions"]
    counted = ("payments", "refunds", "revenue_minor")
    assert {m["currency"]: [m[name] for name in counted] for m in found["money"]} == {
        currency: [told[name] for name in counted]
        for currency, told in truth["money_by_currency"].items()
    }
    assert len(found["money"]) > 3
    reported = found["reported"]
    assert [reported[name] for name in counted] == [truth[name] for name in counted]
    assert reported["not_counted"] == 0
    assert consented == [{"people": truth["consented_advertising"]}]


def test_campaigns_devices_crawlers_and_minds_changed_agree_with_the_truth(
    house: House,
) -> None:
    truth = house.truth()

    with connect(house.settings) as client:
        found = inquiry.concerns(client)
        withdrawn = inquiry.withdrawals(client)
        campaigns = inquiry.campaigns(client)

    several = truth["devices"]["people_on_several_devices"]
    assert found["people_on_several_devices"] == several > 0
    assert found["events_of_crawlers"] == truth["bots"]["events_by_agent"] > 0
    assert {row["campaign"]: row["sessions"] for row in campaigns} == (
        truth["campaigns"]["sessions"]
    )
    told = {purpose: said["withdrawn"] for purpose, said in truth["consents"].items()}
    assert withdrawn == told
    assert all(told.values())


def test_the_funnel_agrees_with_the_truth(house: House) -> None:
    with connect(house.settings) as client:
        steps = inquiry.funnel(client)

    assert [
        {"step": step["step_name"], "people": step["people"]} for step in steps
    ] == house.truth()["funnel"]


def test_people_who_are_gone_are_not_seen_again_and_score_as_leaving(
    house: House,
) -> None:
    latent = map(json.loads, (house.world / "latent.jsonl").read_text().splitlines())
    left_at = {
        person["user_id"]: datetime.fromisoformat(person["left_at"])
        for person in latent
        if not person["alive"]
    }

    with connect(house.settings) as client:
        seen = rows(
            client,
            "select person_id, toUnixTimestamp64Milli(last_seen_at) as last_seen_ms"
            " from marts.dim_people",
        )
        scores = rows(
            client, "select person_id, churn_probability from ml.churn_scores"
        )

    last_seen = {row["person_id"]: row["last_seen_ms"] / 1000 for row in seen}
    slack = timedelta(minutes=1).total_seconds()
    late = {
        person: last_seen[person] - moment.timestamp()
        for person, moment in left_at.items()
        if person in last_seen and last_seen[person] > moment.timestamp() + slack
    }
    gone = [s["churn_probability"] for s in scores if s["person_id"] in left_at]
    here = [s["churn_probability"] for s in scores if s["person_id"] not in left_at]
    assert len(left_at) == house.truth("history")["gone"]
    assert late == {}
    assert len(gone) > 20
    assert share_ranked_right(gone, here) > 0.75


def share_ranked_right(gone: list[float], here: list[float]) -> float:
    """The share of pairs in which who is gone scores above who is here (AUC)."""
    right = sum((a > b) + (a == b) / 2 for a in gone for b in here)
    return right / (len(gone) * len(here))


def test_each_model_stands_beside_its_baseline(house: House) -> None:
    with connect(house.settings) as client:
        models = inquiry.models(client, datetime.fromisoformat(DAY).date())

    for kind in ("churn", "lifetime_value"):
        of_kind = [model for model in models if model["kind"] == kind]
        assert {model["is_baseline"] for model in of_kind} == {True, False}
        assert sum(model["is_chosen"] for model in of_kind) == 1


def test_what_may_be_sent_has_arrived_and_nothing_else(house: House) -> None:
    with connect(house.settings) as client:
        receipts = inquiry.audiences(client, datetime.fromisoformat(DAY).date())
        willing = rows(
            client,
            "select countIf(sendable) as sent, countIf(sendable and not"
            " advertising_consent) as against_their_will"
            " from activation.audience_members"
            " left join marts.dim_people using (person_id)",
        )

    custom = [r for r in receipts if r["kind"] == "custom"]
    for platform in ("meta", "google"):
        there = [r for r in custom if r["platform"] == platform]
        assert {r["audience"] for r in there} == set(MINIMUM_SIZES)
        assert willing[0]["sent"] == sum(r["sendable"] for r in there) > 20
    assert willing[0]["against_their_will"] == 0
    for receipt in custom:
        enough = receipt["sendable"] >= MINIMUM_SIZES[receipt["audience"]]
        assert receipt["status"] == ("delivered" if enough else "skipped")
        assert receipt["received"] == receipt["sent"]
        assert receipt["sent"] == (receipt["sendable"] if enough else 0)


def digests_at(house: House, audience: str) -> dict[str, set[str]]:
    """Digests of e-mail addresses in an audience, by platform."""
    state = requests.get(
        f"{house.settings.meta_graph_url}/_standin/state", timeout=30
    ).json()
    name = f"Questlog {audience}"
    members = house.google.state.members(house.settings.google_customer_id, name)
    return {
        "meta": {one["EMAIL"] for one in state["1"].get(name, []) if "EMAIL" in one},
        "google": {one["email_address"] for one in members if "email_address" in one},
    }


def test_a_purchase_becomes_a_member_and_a_withdrawal_an_absence(house: House) -> None:
    with connect(house.settings) as client, open_vault(house.settings) as vault:
        (buyer, *_) = rows(
            client,
            "select person_id, sum(amount_minor) as paid"
            " from activation.audience_members"
            " inner join marts.fct_payments using (person_id)"
            " where audience = 'recent_payers' and sendable"
            " group by person_id having paid > 0 order by person_id",
        )
        who = f"user:{buyer['person_id']}"
        address = vault.latest([who], ["email"])[who]["email"]
    digest = hashlib.sha256(address.strip().lower().encode()).hexdigest()
    before = digests_at(house, "recent_payers")
    denial = house.world.with_name("denial.jsonl")
    denial.write_text(
        json.dumps(
            {
                "event_id": "00000000-0000-4000-8000-00000000d001",
                "event_name": "consent_decided",
                "event_version": "1.0",
                "user_id": buyer["person_id"],
                "timestamp": NOW,
                "properties": {
                    "purpose": "advertising",
                    "granted": False,
                    "policy_version": "2026-01",
                },
                "context": {},
            }
        )
        + "\n"
    )

    house.command("import", str(denial), "--source", "withdrawal")
    house.command("load")
    house.command("audiences", "push", "--as-of", DAY)

    assert digest in before["meta"] & before["google"]
    for audience in MINIMUM_SIZES:
        after = digests_at(house, audience)
        assert digest not in after["meta"] | after["google"], audience


def loaded(house: House, *words: str) -> set[str]:
    """Modules that the process of a command had imported when it ended."""
    noted = house.world.with_name("loaded") / "-".join(words)
    return set(noted.read_text().split())


def test_dbt_core_built_every_layer_through_the_clickhouse_adapter(
    house: House,
) -> None:
    target = Home(house.settings.home).dbt_target
    ran = json.loads((target / "run_results.json").read_text())
    manifest = json.loads((target / "manifest.json").read_text())

    assert ran["metadata"]["dbt_version"] == version("dbt-core")
    assert {one["status"] for one in ran["results"]} <= {"success", "pass", "warn"}
    assert manifest["metadata"]["adapter_type"] == "clickhouse"
    assert version("dbt-clickhouse").startswith("1.10.")


def test_great_expectations_judged_each_gate_and_wrote_its_pages(house: House) -> None:
    with connect(house.settings) as client:
        gates = inquiry.gates(client)

    pages = Home(house.settings.home).data_docs
    assert {gate["gate"] for gate in gates} == {"staging", "marts", "features"}
    assert all(gate["expectations"] > 0 for gate in gates)
    for gate in gates:
        assert (pages / gate["gate"] / "index.html").is_file()
        assert "great_expectations" in loaded(house, "gate", gate["gate"])


def test_models_were_trained_with_pandas_scikit_learn_and_lightgbm(
    house: House,
) -> None:
    used = loaded(house, "churn", "run")
    folder = Home(house.settings.home).registry / "churn"

    trees = [path.read_text() for path in folder.glob("*-lightgbm-*/lightgbm.txt")]
    cards = [json.loads(path.read_text()) for path in folder.glob("*/card.json")]

    assert {"pandas", "sklearn.linear_model", "lightgbm", "clickhouse_connect"} <= used
    assert [text.startswith("tree\n") for text in trees] == [True]
    assert {card["judgement"]["estimator"] for card in cards} == {
        "hazard_rule",
        "lightgbm",
        "logistic_regression",
        "recency_rule",
    }
    for package in ("pandas", "scikit-learn", "lightgbm"):
        assert {card["versions"][package] for card in cards} == {version(package)}


def test_each_platform_was_called_by_its_own_sdk(house: House) -> None:
    address = f"{house.settings.meta_graph_url}/_standin/callers"
    at_meta = requests.get(address, timeout=60).json()
    clients = [each.get("x-goog-api-client", "") for each in house.google.headers]

    used = loaded(house, "audiences", "push")

    assert [name.startswith("fbbizsdk-python-") for name in at_meta] == [True]
    assert any("gapic/" in client for client in clients)
    assert any("developer-token" in each for each in house.google.headers)
    assert {"facebook_business.api", "google.ads.googleads.errors"} <= used


def test_each_model_has_a_card_among_the_pages(house: House) -> None:
    cards = Home(house.settings.home).cards

    for kind in ("churn", "lifetime_value"):
        path = Path(house.command("card", kind).split()[-1])
        assert path.read_text() == (cards / f"{path.parent.name}.html").read_text()
        assert f"{path.parent.name}.html" in (cards / "index.html").read_text()


def test_the_score_of_a_member_goes_back_to_the_raw_events(house: House) -> None:
    query = (
        "select person_id, value from activation.audience_members"
        " where audience = 'at_risk' order by person_id limit 1"
    )
    of_user = (
        "select uniqExact(event_id) as events from raw.events"
        " where user_id = {person:String} and known_at < {day:Date}"
    )
    with connect(house.settings) as client:
        member = rows(client, query)[0]
        own = rows(client, of_user, {"person": member["person_id"], "day": DAY})
        model = rows(
            client,
            "select model_id from ml.churn_scores where person_id = {person:String}",
            {"person": member["person_id"]},
        )

    person = member["person_id"]
    told = json.loads(house.command("lineage", "at_risk", "--member", person, "--json"))
    columns = json.loads(house.command("lineage", "at_risk", "--json"))

    assert told["value"] == member["value"]
    assert told["model"]["model_id"] == model[0]["model_id"]
    assert told["score_table"] == "ml.churn_scores"
    assert told["features"]["tenure_days"] > 0
    # a person's devices bring events of their own
    assert sum(one["events"] for one in told["events"]) >= own[0]["events"] > 0
    assert {source for one in told["events"] for source in one["sources"]} == {"past"}
    assert {"raw.events.occurred_at", "raw.events.properties"} <= set(
        columns["origins"]
    )


def test_every_step_told_openlineage_what_it_read_and_wrote(house: House) -> None:
    events = written(Home(house.settings.home).lineage / "events.jsonl")
    ended = {e["job"]["name"]: e for e in events if e["eventType"] == "COMPLETE"}

    assert [found for event in events if (found := faults(event))] == []
    assert {e["eventType"] for e in events} == {"START", "COMPLETE"}
    assert set(ended) >= {
        *("import", "build.staging", "dbt.stg_events", "gate.staging"),
        *("build.marts", "dbt.fct_sessions", "gate.marts", "publish.marts"),
        *("gate.features", "publish.features", "churn.train", "churn.score"),
    }
    assertions = ended["gate.marts"]["inputs"][0]["inputFacets"]
    assert assertions["dataQualityAssertions"]["assertions"]
    read = {one["name"] for one in ended["dbt.fct_sessions"]["inputs"]}
    assert "intermediate.int_sessions_judged" in read
    scored = ended["churn.score"]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert {"namespace", "name", "field"} == set(
        scored["churn_probability"]["inputFields"][0]
    )
