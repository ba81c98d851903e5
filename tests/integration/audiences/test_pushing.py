"""From chosen members to the ad account: pushing, withdrawing, rehearsing."""

import json
from typing import Any

import pytest
import requests

from activation.pushing import Push, rehearsed
from activation.receipts import latest
from tests.integration.audiences.world import (
    AS_OF,
    NEXT_DAY,
    TOKEN,
    World,
    a_chosen_crowd,
    digests,
    email,
)
from warehouse.audience_gate import AudienceGate
from warehouse.clickhouse import rows
from warehouse.errors import (
    DestinationRefused,
    GateClosed,
    Unavailable,
)


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


def test_an_audience_that_nobody_fits_any_more_is_emptied(world: World) -> None:
    a_chosen_crowd(world, "ann", "bob")
    world.push()
    world.values(NEXT_DAY, ann=0.0, bob=0.0)
    world.choose(NEXT_DAY)

    receipts = world.push(NEXT_DAY)

    assert world.remote("high_value") == []
    assert receipts["high_value"].detail == (
        "0 sendable of 0 who fit, at least 1 are needed; the remote audience was"
        " emptied"
    )


def test_a_day_on_which_nobody_could_be_chosen_leaves_the_last_choice_in_force(
    world: World,
) -> None:
    a_chosen_crowd(world, "ann", "bob")
    world.push()
    world.client.command("truncate table ml.lifetime_values")
    world.model("lifetime_value", refused_because="Too few have paid.")
    world.choose(NEXT_DAY)

    receipts = world.push(NEXT_DAY)

    assert world.remote("high_value") == digests("ann", "bob")
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
    requests.post(url, json={"kind": "throttle", "minutes": 99}, timeout=60)

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

    state = requests.get(f"{world.settings.meta_graph_url}/_standin/state", timeout=60)
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


def test_of_an_audience_that_is_kept_back_only_those_leave_who_withdrew(
    world: World,
) -> None:
    a_chosen_crowd(world, "ann", "bob", "cid")
    world.push()
    # the next choice is bad: dan came in, and bob would leave
    world.person("dan")
    world.values(NEXT_DAY, ann=5.0, dan=5.0, **{f"o{n}": 0.0 for n in range(18)})
    world.churn(NEXT_DAY, ann=0.9, dan=0.1)
    world.choose(NEXT_DAY)
    world.withdraws("cid")
    gate = AudienceGate(some={"high_value": "The gate is closed for high_value."})

    with pytest.raises(GateClosed, match=r"1 of \d audiences failed\. high_value: The"):
        world.push(NEXT_DAY, gate=gate)

    assert world.remote("high_value") == digests("ann", "bob")
    # the others are put right
    assert world.remote("at_risk") == digests("ann")
    kept = {one["audience"]: one for one in latest(world.client, NEXT_DAY)}
    assert kept["high_value"]["status"] == "stopped"
    assert kept["high_value"]["removed"] == 1
    assert kept["high_value"]["detail"] == (
        "The gate is closed for high_value. Who withdrew has left; nothing else was"
        " changed."
    )
    assert kept["at_risk"]["status"] == "delivered"
    assert kept["high_value_lookalike"]["status"] == "skipped"


def test_while_every_audience_is_kept_back_nobody_enters_one(world: World) -> None:
    a_chosen_crowd(world, "ann", "bob")

    with pytest.raises(GateClosed, match="Nobody has judged"):
        world.push(gate=AudienceGate(every="Nobody has judged these."))

    assert world.remote_names() == []
