"""Random small streams for questions, and how they are put where questions read."""

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.spec.analytics_reference import DAY_MS, Event
from warehouse.clickhouse import rows
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

START_MS: Final = 1_772_323_200_000  # 2026-03-01, before a clock change in Berlin
ZONES: Final = ("UTC", "Europe/Berlin", "America/Los_Angeles")
NAMES: Final = ("page_view", "touch", "touch", "buy", "rolled")
CHANNELS: Final = ("ads", "mail", "search", "friends", "ads > mail", "")
SILENCES: Final = (
    0,
    0,
    1,
    60_000,
    1_800_000,
    1_800_001,
    DAY_MS // 2,
    DAY_MS,
    9 * DAY_MS,
)
SEEDS: Final = st.integers(1, 2**32)
EVENTS: Final = "spec_analytics.events"
STAGED: Final = "spec_analytics.staged"


def streams(examples: int) -> Any:
    """Run a test for some random streams."""

    def wrapped(test: Any) -> Any:
        return settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(seed=SEEDS)(test))

    return wrapped


def make_tables(client: "Client") -> None:
    """The tables that `load` fills, if they are not there yet."""
    client.command("create database if not exists spec_analytics")
    client.command(
        f"create table if not exists {EVENTS} (event_id UUID,"
        " event_name LowCardinality(String), person_key UInt64, person_id String,"
        " session_id String, occurred_at DateTime64(3, 'UTC'), rank_time UInt64,"
        " is_engagement Bool, properties String)"
        " engine = MergeTree order by (event_name, person_key, rank_time)"
    )
    client.command(
        f"create table if not exists {STAGED} (event_id UUID, event_name String,"
        " user_id String, anonymous_id String, client_session_id String,"
        " occurred_at DateTime64(3, 'UTC'), sequence UInt64, properties String,"
        " context String) engine = MergeTree order by event_id"
    )


def stream(chance: random.Random, people: int = 25) -> list[Event]:
    """The lives of some people, with moments shared and limits hit."""
    events = []
    for number in range(people):
        ms = START_MS + chance.randrange(50 * DAY_MS)
        session = 0
        for place in range(chance.randrange(1, 16)):
            silence = chance.choice(SILENCES)
            ms += silence
            session += chance.random() < 0.2
            events.append(
                Event(
                    event_id=str(UUID(int=chance.getrandbits(128), version=4)),
                    person=f"person{number}",
                    session=f"{number}.{session}" if chance.random() < 0.9 else "",
                    name=chance.choice(NAMES),
                    ms=ms,
                    place=place,
                    channel=chance.choice(CHANNELS),
                    revenue=chance.choice((0.0, 4.99, 10.5, 139.12)),
                    url=chance.choice(("/a", "/b", "")),
                )
            )
    return events


def load(client: "Client", events: list[Event]) -> None:
    """Make these events all that questions read."""
    client.command(f"truncate table {EVENTS}")
    client.command(f"truncate table {STAGED}")
    properties = [
        json.dumps({"channel": one.channel, "revenue": one.revenue, "url": one.url})
        for one in events
    ]
    moments = [datetime.fromtimestamp(one.ms / 1000, UTC) for one in events]
    told = [
        [
            UUID(one.event_id),
            one.name,
            _key(one),
            one.person,
            one.session,
            moment,
            one.ms * 65536 + one.place,
            one.name != "buy",
            text,
        ]
        for one, moment, text in zip(events, moments, properties, strict=True)
    ]
    client.insert(EVENTS, told)
    staged = [
        [
            UUID(one.event_id),
            one.name,
            "",
            one.person,
            one.session,
            moment,
            one.place,
            text,
            "{}",
        ]
        for one, moment, text in zip(events, moments, properties, strict=True)
    ]
    client.insert(STAGED, staged)


def _key(event: Event) -> int:
    return int(event.person.removeprefix("person"))


def ask(client: "Client", macro: str, **parameters: Any) -> list[dict[str, Any]]:
    return rows(client, render(macro, **parameters))
