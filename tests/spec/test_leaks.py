"""Features of a day see what was known by then; each is held to it by itself."""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import yaml

from tests.spec import leaks
from tests.spec.leaks import PLANTED, leaking
from warehouse.clickhouse import connect
from warehouse.migrations import migrate
from warehouse.settings import Settings
from warehouse.transformation import run_dbt

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

MODELS = Path(__file__).resolve().parents[2] / "dbt_project/models/features"
AS_OF = date(2026, 5, 4)
MOMENT = datetime(2026, 5, 4, tzinfo=UTC)
FIRST = MOMENT - timedelta(days=70)
KEYS = {"feat_people": ("person_id",), "feat_newcomers": ("person_id",)}
NAMES = (
    *("rolled", "user_logged_in", "game_session_started", "feature_used"),
    *("payment_completed", "payment_refunded", "support_ticket_opened"),
    *("page_viewed", "subscription_changed", "user_signed_up"),
)
Row = dict[str, object]
Snapshot = dict[str, leaks.Table]


def columns(table: str) -> list[str]:
    """The features of a table, as its model documents them."""
    models = yaml.safe_load((MODELS / "_features__models.yml").read_text())["models"]
    model = next(one for one in models if one["name"] == table)
    named = [column["name"] for column in model["columns"]]
    return [name for name in named if name not in ("as_of", *KEYS[table])]


FEATURES = [(table, column) for table in KEYS for column in columns(table)]


def events(chance: random.Random) -> list[Row]:
    """Events of eighty people over a hundred days: late, on devices, full of words."""
    return [
        _event(chance, person, number)
        for person in range(80)
        for number in range(chance.randrange(5, 40))
    ]


def _event(chance: random.Random, person: int, number: int) -> Row:
    moment = FIRST + timedelta(minutes=chance.randrange(100 * 1440))
    late = chance.choice((0, 0, 1, 60, 3000, 20_000))
    name = chance.choice(NAMES)
    told = {
        "game_id": f"g{chance.randrange(9)}",
        "feature_name": f"f{chance.randrange(5)}",
        "signup_method": chance.choice(("email", "google", "discord")),
        "plan": chance.choice(("free", "hero", "legend")),
        "utm_campaign": f"campaign {chance.randrange(4)}",
        "amount_cents": chance.randrange(1, 3000),
        "currency": "EUR",
        "product": chance.choice(("single", "subscription")),
        "country": chance.choice(("DE", "FR", "NL")),
    }
    is_named = number == 0 or chance.random() < 0.7
    return {
        "event_id": UUID(int=chance.getrandbits(128), version=4),
        "event_name": name,
        "event_version": "1.0",
        "user_id": f"user{person}" if is_named else "",
        "anonymous_id": f"device{person}-{chance.randrange(3)}",
        "occurred_at": moment,
        "received_at": moment + timedelta(minutes=late),
        "loaded_at": moment + timedelta(minutes=late),
        "known_at": moment + timedelta(minutes=late),
        "sequence": number,
        "source": "spec",
        "properties": json.dumps(told),
        "context": json.dumps({"device_type": chance.choice(("mobile", "desktop"))}),
        "user_properties": "{}",
        "content_hash": chance.getrandbits(63),
    }


def built(settings: Settings, client: "Client", told: list[Row]) -> Snapshot:
    """Every table of features as these events alone make it."""
    client.command("truncate table raw.events")
    client.insert("raw.events", [list(row.values()) for row in told], list(told[0]))
    selected = ["path:seeds", "+path:models/features", "--exclude-resource-type"]
    run_dbt(
        settings,
        ["build", "--quiet", "--full-refresh", "--select", *selected, "unit_test"],
        variables={"as_of": AS_OF.isoformat()},
    )
    queries = {
        "feat_people": leaks.planted(AS_OF),
        "feat_newcomers": "select * from features_build.feat_newcomers",
    }
    return {
        table: leaks.read(client, query, KEYS[table])
        for table, query in queries.items()
    }


@pytest.fixture(scope="module")
def both(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager["Popen[bytes]"]],
) -> Iterator[tuple[Snapshot, Snapshot]]:
    """Features from all events, and from those that were known by the day."""
    own = new_settings()
    told = events(random.Random(3))  # noqa: S311  a stream, no secret
    by_then = [row for row in told if row["known_at"] < MOMENT]  # type: ignore[operator]
    with run_endpoint(own), connect(own) as client:
        migrate(client)
        yield built(own, client, told), built(own, client, by_then)


@pytest.mark.parametrize(("table", "feature"), FEATURES)
def test_a_feature_is_the_same_without_what_came_later(
    both: tuple[Snapshot, Snapshot], table: str, feature: str
) -> None:
    before, after = (snapshot[table] for snapshot in both)

    assert feature not in leaking(before, after)
    # of a feature that is the same for all nothing would be seen
    assert len({row[feature] for row in before.values()}) > 1


def test_the_same_people_have_features(both: tuple[Snapshot, Snapshot]) -> None:
    for table in KEYS:
        before, after = (snapshot[table] for snapshot in both)

        assert len(before) > 50
        assert leaks.ROWS not in leaking(before, after)


def test_features_that_leak_are_named_and_no_others(
    both: tuple[Snapshot, Snapshot],
) -> None:
    before, after = (snapshot["feat_people"] for snapshot in both)

    assert leaking(before, after) == sorted(PLANTED)
