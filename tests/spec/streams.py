"""Random small streams of many people, and how they are put into raw.events."""

import dataclasses
import json
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from tests.spec.reference import FUNNEL, Copy

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FIRST_DAY = date(2026, 2, 1)
LAST_DAY = date(2026, 5, 10)
NAMES = (
    *FUNNEL,
    *FUNNEL,
    "page_viewed",
    "rolled",
    "rolled",
    "payment_refunded",
    "consent_decided",
)
# silences around every limit: one moment, the session's, the funnel's window
STEPS = (
    timedelta(0),
    timedelta(milliseconds=1),
    timedelta(minutes=29, seconds=59, milliseconds=999),
    timedelta(minutes=30),
    timedelta(minutes=30, milliseconds=1),
    timedelta(hours=5),
    timedelta(days=1),
    timedelta(days=9),
    timedelta(days=30),
    timedelta(days=30, milliseconds=1),
)
# clocks right, behind by no more than is forgiven, and behind
BEHIND = (timedelta(0), timedelta(seconds=5), timedelta(minutes=40), timedelta(hours=3))
WAYS = (
    timedelta(0),
    timedelta(milliseconds=1),
    timedelta(seconds=4),
    timedelta(minutes=1),
)
AMOUNTS = ("139.12", "8.5", "0.005", "1000", "19.999", "0")
CURRENCIES = ("EUR", "EUR", "EUR", "USD", "JPY", "KWD", "GOLD")


def stream(chance: random.Random, *, users: int) -> list[Copy]:
    """Copies of the events of some people: late, doubled, and in conflict."""
    events = [event for user in range(users) for event in _life(chance, user, users)]
    doubled = [event for event in events if chance.random() < 0.15]
    copies = events + [_again(chance, event) for event in doubled]
    chance.shuffle(copies)
    return _sent(chance, copies)


def world(seed: int, users: int) -> list[Copy]:
    """A stream whose people and devices meet those of no other seed."""
    return [
        dataclasses.replace(
            copy,
            user_id=copy.user_id and f"{seed}-{copy.user_id}",
            anonymous_id=copy.anonymous_id and f"{seed}-{copy.anonymous_id}",
        )
        for copy in stream(random.Random(seed), users=users)  # noqa: S311  no secret
    ]


def _life(chance: random.Random, user: int, users: int) -> list[Copy]:
    """Events of one user, on devices of which some are shared with others."""
    devices = (f"own{user}", f"shared{chance.randrange(1 + users // 3)}", "")
    moment = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(
        milliseconds=chance.randrange(40 * 86_400_000)
    )
    events = []
    # now and then a machine: no pause for a day or more
    runs_away = chance.random() < 0.04
    for number in range(
        chance.randrange(45, 70) if runs_away else chance.randrange(1, 16)
    ):
        moment += timedelta(minutes=30) if runs_away else chance.choice(STEPS)
        if moment.date() > LAST_DAY:
            break
        device = chance.choice(devices)
        named = runs_away or not device or chance.random() < 0.6
        events.append(
            Copy(
                event_id=str(UUID(int=chance.getrandbits(128), version=4)),
                user_id=f"user{user}" if named else "",
                anonymous_id=device,
                occurred_at=moment,
                received_at=moment + chance.choice(STEPS[:8]),
                sequence=chance.choice((None, number, 100 - number)),
                content_hash=chance.getrandbits(63),
                **_content(chance),
            )
        )
    return events


def _sent(chance: random.Random, copies: Sequence[Copy]) -> list[Copy]:
    """The copies with the moment that their device, right or behind, sent them at."""
    devices = sorted({copy.anonymous_id for copy in copies})
    behind = {device: chance.choice(BEHIND) for device in devices}
    return [
        dataclasses.replace(
            copy,
            sent_at=copy.received_at - behind[copy.anonymous_id] - chance.choice(WAYS),
        )
        if chance.random() < 0.9
        else copy
        for copy in copies
    ]


def _content(chance: random.Random) -> dict[str, object]:
    name = chance.choice(NAMES)
    content: dict[str, object] = {"event_name": name}
    if name.startswith("payment_"):
        content["currency"] = chance.choice(CURRENCIES)
        if chance.random() < 0.5:
            content["amount_cents"] = chance.randrange(5000)
        else:
            content["amount"] = chance.choice(AMOUNTS)
    elif name == "consent_decided":
        content["purpose"] = chance.choice(("analytics", "advertising"))
        content["granted"] = chance.random() < 0.6
    else:
        content["game_id"] = chance.choice(("", "g1", "g2", "g3"))
    return content


def _again(chance: random.Random, event: Copy) -> Copy:
    """A second copy: received before, after or with the first; sometimes changed."""
    step = chance.choice((timedelta(hours=-1), timedelta(0), timedelta(hours=30)))
    received = max(event.received_at + step, event.occurred_at)
    if chance.random() < 0.7:
        return dataclasses.replace(event, received_at=received)
    return dataclasses.replace(
        event,
        received_at=received,
        game_id="changed",
        content_hash=chance.getrandbits(63),
    )


def load(client: "Client", copies: Sequence[Copy]) -> None:
    """Make these copies all there is in raw.events."""
    client.command("truncate table raw.events")
    add(client, copies)


def add(
    client: "Client", copies: Sequence[Copy], *, loaded_at: datetime | None = None
) -> None:
    """Put these copies into raw.events, in one load or each in a load of its own."""
    rows = [_row(copy, loaded_at or copy.received_at) for copy in copies]
    if rows:
        client.insert("raw.events", [list(row.values()) for row in rows], list(rows[0]))


def _row(copy: Copy, loaded_at: datetime) -> dict[str, object]:
    return {
        "event_id": UUID(copy.event_id),
        "event_name": copy.event_name,
        "event_version": "1.0",
        "user_id": copy.user_id,
        "anonymous_id": copy.anonymous_id,
        "occurred_at": copy.occurred_at,
        "received_at": copy.received_at,
        "sent_at": copy.sent_at,
        "loaded_at": loaded_at,
        "known_at": copy.received_at,
        "sequence": copy.sequence,
        "source": "spec",
        "properties": _properties(copy),
        "context": "{}",
        "user_properties": "{}",
        "content_hash": copy.content_hash,
    }


def _properties(copy: Copy) -> str:
    """The properties as JSON; the amount with exactly the digits it was given."""
    content = {
        "game_id": copy.game_id,
        "amount_cents": copy.amount_cents,
        "currency": copy.currency,
        "purpose": copy.purpose,
        "granted": copy.granted,
    }
    text = json.dumps({name: value for name, value in content.items() if value})
    if copy.amount_cents == 0:
        text = text[:-1] + ', "amount_cents": 0}'
    return text[:-1] + f', "amount": {copy.amount}}}' if copy.amount else text
