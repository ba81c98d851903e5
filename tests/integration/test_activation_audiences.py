"""From scores to the ad account: choosing, pushing, withdrawing, rehearsing."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests

from activation.choosing import Choice, choose_members
from activation.definitions import Definitions, load_definitions
from activation.destinations.kinds import identity_for, opened
from activation.patience import Patience
from activation.previewing import Change, preview
from activation.pushing import Push, push, rehearsed
from activation.receipts import Receipt
from activation.rim import Rim
from activation.sending import Sender
from activation.standins.serving import running
from warehouse.clickhouse import connect, rows
from warehouse.errors import (
    DestinationRefused,
    NotEnoughData,
    Unavailable,
)
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings
from warehouse.vault import Secret, Vault, load_master_key

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

AS_OF = date(2026, 3, 1)
NEXT_DAY = AS_OF + timedelta(days=1)
TOKEN = "EAAsecret"
_CLEAN = (
    *("activation.desired", "activation.outbox", "activation.batches"),
    *("activation.sent", "activation.acknowledged", "activation.moves"),
    "activation.plans",
    "activation.suppressions",
    "activation.audience_members",
    "ops.audience_receipts",
    "ml.models",
    "ml.churn_scores",
    "ml.lifetime_values",
    "raw.events",
)


@pytest.fixture(scope="module")
def engine(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], contextlib.AbstractContextManager[object]],
) -> Iterator[Settings]:
    """An engine of our own: these tests write marts by hand."""
    settings = new_settings()
    with run_endpoint(settings):
        with connect(settings) as client:
            migrate(client)
        yield settings


class World:
    """An engine, a vault and a stand-in, with words to change them."""

    def __init__(self, settings: Settings, client: "Client") -> None:
        self.settings, self.client = settings, client
        home = Home(settings.home)
        self.vault = Vault.open(home.vault, load_master_key(settings))
        for table in _CLEAN:
            client.command(f"truncate table {table}")
        client.command("create database if not exists marts")
        client.command(
            "create or replace table marts.dim_people (person_id String,"
            " country String, payments UInt32, advertising_consent Bool)"
            " engine = MergeTree order by person_id"
        )

    def definitions(self, **changed: object) -> Definitions:
        """Our own audiences, small enough for a test."""
        ours = load_definitions(country="DE")
        values: dict[str, Any] = {"minimum_size": 1} | changed
        return replace(
            ours,
            custom=tuple(
                replace(one, **values)
                for one in ours.custom
                if one.name in {"at_risk", "high_value"}
            ),
        )

    def person(
        self, name: str, *, consents: bool = True, payments: int = 1, **known: str
    ) -> None:
        self.account(name, consents=consents, payments=payments)
        self.knows(name, **(known or {"email": email(name)}))

    def account(self, name: str, *, consents: bool, payments: int = 1) -> None:
        self.client.insert(
            "marts.dim_people",
            [[name, "DE", payments, consents]],
            column_names=["person_id", "country", "payments", "advertising_consent"],
        )

    def knows(self, name: str, **known: str) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        self.vault.tokens(
            [Secret(f"user:{name}", key, value, at) for key, value in known.items()]
        )

    def withdraws(self, name: str) -> None:
        kept = rows(
            self.client,
            "select * replace (person_id != {name:String} and advertising_consent"
            " as advertising_consent) from marts.dim_people",
            {"name": name},
        )
        self.client.command("truncate table marts.dim_people")
        self.client.insert(
            "marts.dim_people",
            [list(row.values()) for row in kept],
            column_names=list(kept[0]),
        )

    def decides(self, name: str, *, granted: bool, at: str) -> None:
        """A decision on advertising that the door has taken."""
        decided = {"purpose": "advertising", "granted": granted}
        event = {
            "event_id": str(uuid4()),
            "event_name": "consent_decided",
            "user_id": name,
            "occurred_at": at,
            "properties": json.dumps(decided),
        }
        self.client.raw_insert(
            "raw.events", insert_block=json.dumps(event).encode(), fmt="JSONEachRow"
        )

    def values(self, day: date = AS_OF, **values: float) -> None:
        """Expected values; who is valued has an account, known before or not."""
        known = rows(self.client, "select person_id from marts.dim_people")
        for name in values.keys() - {row["person_id"] for row in known}:
            self.client.insert(
                "marts.dim_people",
                [[name, "DE", 1, False]],
                column_names=[
                    "person_id",
                    "country",
                    "payments",
                    "advertising_consent",
                ],
            )
        self._scores("ml.lifetime_values", "expected_value_minor", day, values)

    def churn(self, day: date = AS_OF, **values: float) -> None:
        self._scores("ml.churn_scores", "churn_probability", day, values)

    def _scores(
        self, table: str, column: str, day: date, values: dict[str, float]
    ) -> None:
        self.client.insert(
            table,
            [[day, name, value] for name, value in values.items()],
            column_names=["as_of", "person_id", column],
        )

    def model(self, kind: str, refused_because: str = "") -> None:
        self.client.insert(
            "ml.models",
            [["m", kind, AS_OF, not refused_because, refused_because]],
            column_names=["model_id", "kind", "as_of", "is_chosen", "refused_because"],
        )

    def choose(self, as_of: date = AS_OF) -> dict[str, Choice]:
        chosen = choose_members(self.client, self.vault, self.definitions(), as_of)
        return {choice.audience: choice for choice in chosen}

    @property
    def rim(self) -> Rim:
        return Rim(
            client=self.client,
            vault=self.vault,
            clock=lambda: datetime.now(UTC),
        )

    def push(
        self, as_of: date = AS_OF, *, may_shrink: Iterable[str] = (), **changed: object
    ) -> dict[str, Receipt]:
        rim = self.rim
        sender = Sender(
            rim=rim,
            destination=opened("meta", self.settings, Patience(sleep=lambda _: None)),
            identity_of=lambda one: identity_for("meta", one, rim.external_key),
        )
        wanted = Push(
            definitions=self.definitions(**changed),
            as_of=as_of,
            may_shrink=frozenset(may_shrink),
        )
        return {receipt.audience: receipt for receipt in push(sender, wanted)}

    def members(self, audience: str, as_of: date = AS_OF) -> dict[str, str]:
        found = rows(
            self.client,
            "select person_id, withheld_because from activation.audience_members"
            " where audience = {audience:String} and as_of = {as_of:Date}"
            " order by person_id",
            {"audience": audience, "as_of": as_of},
        )
        return {row["person_id"]: row["withheld_because"] for row in found}

    def remote(self, audience: str) -> list[str]:
        url = f"{self.settings.meta_graph_url}/_standin/state"
        state = requests.get(url, timeout=5).json()["7"]
        return sorted(one["EMAIL"] for one in state[f"Questlog {audience}"])

    def at_standin(self, what: str) -> None:
        url = f"{self.settings.meta_graph_url}/_standin/{what}"
        requests.post(url, timeout=5)


@pytest.fixture
def world(engine: Settings) -> Iterator[World]:
    with running() as address, connect(engine) as client:
        settings = replace(
            engine,
            meta_graph_url=address,
            meta_access_token=TOKEN,
            meta_ad_account_id="act_7",
        )
        world = World(settings, client)
        with contextlib.closing(world.vault):
            yield world


def email(name: str) -> str:
    return f"{name}@example.com"


def digests(*names: str) -> list[str]:
    return sorted(hashlib.sha256(email(name).encode()).hexdigest() for name in names)


def test_the_best_tenth_of_all_known_people_fits_and_the_withheld_are_told_apart(
    world: World,
) -> None:
    names = [f"p{number:02}" for number in range(20, 30)]
    for number in range(27):
        world.person(f"p{number:02}")
    world.person("anon:visitor")
    world.person("p29")
    world.person("p28", consents=False)
    world.person("p27", first_name="Pia")
    world.values(**{name: float(n) for n, name in enumerate(names)})
    world.churn(p29=0.5)

    choices = world.choose()

    assert world.members("high_value") == {
        "p27": "no_identifier",
        "p28": "no_consent",
        "p29": "",
    }
    assert choices["high_value"].withheld == {"no_consent": 1, "no_identifier": 1}
    assert choices["high_value"].sendable == 1


def test_nobody_without_expected_value_is_of_high_value(world: World) -> None:
    world.values(ann=0.0, bob=0.0)
    world.churn(ann=0.1)

    world.choose()

    assert world.members("high_value") == {}


def test_only_who_has_paid_before_is_at_risk(world: World) -> None:
    for name in "abcde":
        world.person(name, payments=int(name != "e"))
    world.churn(a=0.1, b=0.2, c=0.3, d=0.4, e=0.99)
    world.values(a=1.0)

    world.choose()

    assert world.members("at_risk") == {"d": ""}


def test_choosing_twice_replaces_the_day_and_leaves_other_days_alone(
    world: World,
) -> None:
    world.person("ann")
    world.person("bob")
    world.values(ann=2.0, bob=1.0)
    world.churn(ann=0.1)
    world.choose(AS_OF)
    world.choose(NEXT_DAY)
    world.client.command("truncate table ml.lifetime_values")
    world.values(ann=1.0, bob=2.0)

    world.choose(AS_OF)

    assert world.members("high_value", AS_OF) == {"bob": ""}
    assert world.members("high_value", NEXT_DAY) == {"ann": ""}


def test_scores_count_for_a_week_and_then_no_longer(world: World) -> None:
    world.person("ann")
    world.values(ann=1.0)
    world.churn(ann=0.1)

    world.choose(AS_OF + timedelta(days=6))

    with pytest.raises(NotEnoughData) as caught:
        world.choose(AS_OF + timedelta(days=7))

    told = str(caught.value)
    assert "`questlog lifetime-value train --as-of 2026-03-08`" in told
    assert "`questlog churn train --as-of 2026-03-08`" in told


def test_a_model_that_has_not_scored_is_told_with_the_command(world: World) -> None:
    world.values(ann=1.0)
    world.model("churn")

    with pytest.raises(NotEnoughData, match="`questlog churn score --as-of 2026-03-01"):
        world.choose()

    assert world.members("high_value") == {}


def test_an_audience_whose_model_could_not_be_trained_is_skipped(world: World) -> None:
    world.person("ann")
    world.values(ann=1.0)
    world.model("churn", refused_because="Only 3 people have left.")

    choices = world.choose()
    receipts = world.push()

    assert choices["at_risk"].skipped_because == "Only 3 people have left."
    assert receipts["at_risk"].status == "skipped"
    assert "Only 3 people have left." in receipts["at_risk"].detail
    assert receipts["high_value"].status == "delivered"


def test_without_published_people_nothing_is_chosen(world: World) -> None:
    world.client.command("drop table marts.dim_people sync")

    with pytest.raises(NotEnoughData, match=r"marts\.dim_people"):
        world.choose()


def a_chosen_crowd(world: World, *names: str) -> None:
    """People of whom everybody is of high value and nobody else is scored."""
    for name in names:
        world.person(name)
    others = {f"other{number}": 0.0 for number in range(9 * len(names))}
    world.values(**dict.fromkeys(names, 5.0), **others)
    world.churn(other0=0.1)
    world.choose()


def test_the_remote_set_is_the_sendable_set(world: World) -> None:
    a_chosen_crowd(world, "ann", "bob")

    receipts = world.push()

    assert world.remote("high_value") == digests("ann", "bob")
    sent = receipts["high_value"]
    assert (sent.fitting, sent.sendable, sent.sent, sent.received) == (2, 2, 2, 2)
    assert receipts["high_value_lookalike"].status == "skipped"
    assert "has 2 sendable people" in receipts["high_value_lookalike"].detail


def test_who_withdraws_consent_is_gone_after_the_next_push(world: World) -> None:
    a_chosen_crowd(world, "ann", "bob")
    first = world.push()
    world.withdraws("ann")

    second = world.push()

    assert world.remote("high_value") == digests("bob")
    assert second["high_value"].remote_id == first["high_value"].remote_id


def test_a_denial_counts_before_the_marts_know_of_it(world: World) -> None:
    a_chosen_crowd(world, "ann", "bob")
    world.push()

    world.decides("ann", granted=False, at="2026-02-03 10:00:00.000")
    world.decides("bob", granted=False, at="2026-02-03 10:00:00.000")
    world.decides("bob", granted=True, at="2026-02-03 10:00:00.001")
    world.push()

    assert world.remote("high_value") == digests("bob")


def test_who_is_forgotten_by_the_vault_is_gone_after_the_next_push(
    world: World,
) -> None:
    a_chosen_crowd(world, "ann", "bob")
    world.push()
    world.vault.forget("user:ann")

    world.push()

    assert world.remote("high_value") == digests("bob")


def test_a_withdrawal_counts_on_a_day_for_which_nothing_was_chosen(
    world: World,
) -> None:
    a_chosen_crowd(world, "ann", "bob")
    world.push()
    world.withdraws("ann")

    receipts = world.push(NEXT_DAY)

    assert world.remote("high_value") == digests("bob")
    assert receipts["high_value"].detail == "chosen as of 2026-03-01, none since"


def test_an_audience_that_shrinks_below_its_size_is_emptied(world: World) -> None:
    a_chosen_crowd(world, "ann", "bob")
    world.push(minimum_size=2)
    world.withdraws("ann")

    receipts = world.push(minimum_size=2)

    assert world.remote("high_value") == []
    assert receipts["high_value"].status == "skipped"
    assert receipts["high_value"].detail == (
        "1 sendable of 2 who fit, at least 2 are needed; the remote audience was"
        " emptied"
    )


def test_nobody_with_consent_ends_in_none_sendable_and_the_reason(
    world: World,
) -> None:
    world.person("ann", consents=False)
    world.values(ann=1.0)
    world.churn(ann=0.5)
    world.choose()

    receipts = world.push()

    assert receipts["high_value"].detail == (
        "0 sendable of 1 who fit, at least 1 are needed; 1 without consent to"
        " advertising"
    )


def test_one_audience_that_fails_keeps_no_other_from_being_put_right(
    world: World,
) -> None:
    a_chosen_crowd(world, "ann")
    world.client.command("truncate table ml.churn_scores")
    world.churn(ann=0.9)
    world.choose()
    url = f"{world.settings.meta_graph_url}/_standin/faults"
    requests.post(url, json={"kind": "throttle", "minutes": 99}, timeout=5)

    with pytest.raises(Unavailable, match=r"^1 of 3 audiences failed"):
        world.push()

    assert {row["audience"]: row["status"] for row in last_receipts(world)} == {
        "at_risk": "failed",
        "high_value": "delivered",
        "high_value_lookalike": "skipped",
    }
    assert world.remote("high_value") == digests("ann")


def test_a_push_of_what_was_never_chosen_touches_nothing_and_says_why(
    world: World,
) -> None:
    receipts = world.push()

    assert {receipt.status for receipt in receipts.values()} == {"skipped"}
    assert "`questlog churn train" in receipts["at_risk"].detail


def last_receipts(world: World) -> list[dict[str, Any]]:
    return rows(
        world.client,
        "select * from ops.audience_receipts order by pushed_at desc"
        " limit 1 by audience",
    )


def test_a_revoked_token_leaves_failed_receipts_and_no_secret(world: World) -> None:
    a_chosen_crowd(world, "ann")
    world.at_standin("revoke")

    with pytest.raises(DestinationRefused, match="META_ACCESS_TOKEN") as caught:
        world.push()

    told = str(caught.value) + json.dumps(last_receipts(world), default=str)
    assert [s for s in (TOKEN, email("ann"), *digests("ann")) if s in told] == []
    assert {row["status"] for row in last_receipts(world)} == {"failed", "skipped"}


def test_a_rehearsal_writes_receipts_and_calls_nobody(world: World) -> None:
    a_chosen_crowd(world, "ann")
    wanted = Push(definitions=world.definitions(), as_of=AS_OF)

    receipts = rehearsed(world.rim, "meta", wanted)

    state = requests.get(f"{world.settings.meta_graph_url}/_standin/state", timeout=5)
    assert {receipt.status for receipt in receipts} == {"dry_run"}
    assert {r.audience: r.sendable for r in receipts}["high_value"] == 1
    assert state.json() == {}


def test_a_big_enough_seed_gets_its_lookalike_once(world: World) -> None:
    a_chosen_crowd(world, *(f"p{number}" for number in range(100)))

    first = world.push()
    second = world.push()

    lookalike = first["high_value_lookalike"]
    assert (lookalike.status, lookalike.detail) == ("delivered", "")
    assert second["high_value_lookalike"].remote_id == lookalike.remote_id


def test_no_table_holds_an_identifier_or_a_digest(world: World) -> None:
    a_chosen_crowd(world, "ann")
    world.push()

    tables = rows(
        world.client,
        "select database || '.' || name as name from system.tables"
        " where database in ('activation', 'ops', 'ml')",
    )
    held = b"".join(
        world.client.raw_query(f"select * from {table['name']} format TSV")
        for table in tables
    )

    secrets = [one.encode() for one in (TOKEN, email("ann"), *digests("ann"))]
    secrets += [bytes.fromhex(one) for one in digests("ann")]
    assert b"high_value" in held
    assert [one for one in secrets if one in held] == []


def questlog(world: World, *words: str, **environment: str) -> Any:
    settings = world.settings
    return subprocess.run(
        [sys.executable, "-m", "questlog", *words],
        cwd=REPOSITORY,
        env={
            "PATH": os.environ["PATH"],
            "QUESTLOG_HOME": str(settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
            "COLUMNS": "300",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def by_audience(printed: str) -> dict[str, Any]:
    return {one["audience"]: one for one in json.loads(printed)}


def test_the_commands_choose_rehearse_push_and_list(world: World) -> None:
    a_chosen_crowd(world, *(f"p{number}" for number in range(25)))
    account = {
        "META_GRAPH_URL": world.settings.meta_graph_url,
        "META_ACCESS_TOKEN": TOKEN,
        "META_AD_ACCOUNT_ID": "act_7",
    }

    day = ("--as-of", str(AS_OF))
    chosen = questlog(world, "audiences", "choose", *day, "--json")
    rehearsed = questlog(world, "audiences", "push", *day, "--dry-run")
    alone = questlog(world, "audiences", "push", *day)
    pushed = questlog(world, "audiences", "push", *day, "--json", **account)
    listed = questlog(world, "audiences", "list", *day, "--json")

    assert by_audience(chosen.stdout)["high_value"]["sendable"] == 25
    assert (
        "has not been published"
        in by_audience(chosen.stdout)["champions"]["skipped_because"]
    )
    assert "dry_run" in rehearsed.stdout
    assert alone.returncode == 1
    assert "META_ACCESS_TOKEN, META_AD_ACCOUNT_ID" in alone.stderr
    assert by_audience(pushed.stdout)["high_value"]["received"] == 25
    assert by_audience(pushed.stdout) == by_audience(listed.stdout)
    assert len(world.remote("high_value")) == 25


def test_a_preview_tells_sizes_coverage_overlap_and_change(world: World) -> None:
    for name in "ABCDEFGHIJ":
        world.person(name, consents=name != "A", **a_way_to(name))
    world.values(B=6.0, **dict.fromkeys("ACDE", 5.0), **dict.fromkeys("FGHIJ", 1.0))
    world.churn(A=0.9, J=0.8, **dict.fromkeys("BCDEFGHI", 0.1))
    definitions = world.definitions(minimum_size=1)
    high = next(one for one in definitions.custom if one.name == "high_value")
    half = replace(high, source=replace(high.source, top_share=0.5))
    definitions = replace(definitions, custom=(half, *definitions.custom[:1]))
    world.choose()
    world.push()

    seen = preview(world.rim, definitions, "high_value", AS_OF)

    assert (seen.size, seen.sendable) == (5, 3)
    assert (seen.consent_share, seen.identifier_share) == (0.8, 0.75)
    assert (seen.email_share, seen.phone_share) == (0.5, 0.25)
    assert seen.overlap == {"at_risk": 0.2}
    assert seen.changes["meta"] == Change(there=1, entering=2, leaving=0)


def a_way_to(name: str) -> dict[str, str]:
    """Of B, C, D and E: two have an address, one a number, one neither."""
    return {
        "D": {"phone": "+49 30 23125 012"},
        "E": {"first_name": "Eve"},
    }.get(name, {})


def test_no_door_lets_a_junk_date_in(world: World, tmp_path: Path) -> None:
    home = {"QUESTLOG_HOME": str(tmp_path)}

    answer = questlog(world, "audiences", "choose", "--as-of", "soon", **home)

    assert answer.returncode == 1
    assert "'soon' is no date" in answer.stderr
