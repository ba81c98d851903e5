"""Refused events after a mend: let in once, with consent as it is now, or let go."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ingestion.consent import Standing
from ingestion.imports import import_file
from ingestion.judging import Mode, Rules, Source
from ingestion.refused import Again, Choice, expire, rehearse, replay
from warehouse.clickhouse import connect, rows
from warehouse.settings import Settings
from warehouse.taxonomy import Taxonomy, load
from warehouse.vault import open_vault

NOW = datetime.now(UTC)


def mended() -> Taxonomy:
    """The taxonomy, and the event that senders were ahead with."""
    planned = load()
    tamed = dataclasses.replace(planned.events["rolled"], name="dragon_tamed")
    return dataclasses.replace(planned, events={**planned.events, tamed.name: tamed})


def an_event(**changed: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": "2026-02-01T09:59:00.000Z",
        "event_name": "dragon_tamed",
        "user_id": "ann",
        "properties": {"dice": "1d20", "result": 7},
    } | changed


def refuse(settings: Settings, folder: Path, *events: dict[str, Any]) -> str:
    """Have events refused; the name of their source."""
    source = f"s{uuid4().hex[:12]}"
    path = folder / f"{source}.jsonl"
    path.write_text("\n".join(map(json.dumps, events)))
    summary = import_file(path, settings, now=lambda: NOW, source=Source(source))
    assert summary.accepted == 0
    return source


@pytest.fixture
def again(endpoint: Settings) -> Iterator[Again]:
    with connect(endpoint) as client, open_vault(endpoint) as vault:
        standing = Standing(vault, allowed_by_default=True)
        rules = Rules.of(mended())
        yield Again(client, vault, rules, standing, {}, lambda: NOW)


def in_events(again: Again, source: str) -> list[Any]:
    return rows(
        again.client,
        "select * from raw.events where source = {source:String}",
        {"source": source},
    )


def in_refused(again: Again, source: str) -> list[Any]:
    return rows(
        again.client,
        "select * from raw.refused_events where source = {source:String}",
        {"source": source},
    )


def test_what_the_mended_taxonomy_admits_is_let_in_once_and_its_bytes_go(
    endpoint: Settings, tmp_path: Path, again: Again
) -> None:
    good = an_event(user_properties={"email": "ann@example.com"})
    bad = an_event(properties={"dice": 20})
    source = refuse(endpoint, tmp_path, good, bad)
    choice = Choice(source=source)

    rehearsed = rehearse(again, choice)
    assert in_events(again, source) == []
    first, second = replay(again, choice), replay(again, choice)

    assert (
        (first.read, first.accepted) == (2, 1) == (rehearsed.read, rehearsed.accepted)
    )
    assert sum(first.refused.values()) == 1
    assert (second.read, second.accepted) == (1, 0)
    (event,) = in_events(again, source)
    assert str(event["event_id"]) == good["event_id"]
    assert event["imported"] is True
    assert json.loads(event["user_properties"])["email"].startswith("tok_")
    replayed, kept = sorted(
        in_refused(again, source), key=lambda one: one["sealed_bytes"]
    )
    assert replayed["sealed_bytes"] == ""
    assert replayed["replayed_at"] is not None
    assert kept["sealed_bytes"] != ""
    assert kept["replayed_at"] is None


def test_a_replay_killed_before_it_marked_what_it_let_in_lets_nothing_in_twice(
    endpoint: Settings, tmp_path: Path, again: Again
) -> None:
    source = refuse(endpoint, tmp_path, an_event(), an_event())
    replay(again, Choice(source=source))
    again.client.command(
        "alter table raw.refused_events update replayed_at = null,"
        f" sealed_bytes = '{_sealed(again, an_event())}' where source = '{source}'"
        " settings mutations_sync = 2"
    )
    events = in_events(again, source)
    for refusal in in_refused(again, source):
        # as it lay there before it was marked
        (event,) = [e for e in events if str(e["event_id"]) == refusal["event_id"]]
        sealed = _sealed(again, an_event(event_id=str(event["event_id"])))
        again.client.command(
            f"alter table raw.refused_events update sealed_bytes = '{sealed}'"
            f" where refusal_id = '{refusal['refusal_id']}' settings mutations_sync = 2"
        )

    done = replay(again, Choice(source=source))

    assert (done.accepted, done.repeated) == (0, 2)
    assert len(in_events(again, source)) == 2


def _sealed(again: Again, event: dict[str, Any]) -> str:
    import base64

    return base64.b64encode(again.vault.seal(json.dumps(event).encode())).decode()


def test_a_source_that_is_open_now_admits_what_nobody_planned(
    endpoint: Settings, tmp_path: Path, again: Again
) -> None:
    source = refuse(endpoint, tmp_path, an_event(event_name="unicorn_met"))
    modes: dict[str, Mode] = {source: "open"}

    assert replay(again, Choice(source=source)).accepted == 0
    done = replay(dataclasses.replace(again, modes=modes), Choice(source=source))

    assert done.accepted == 1
    (event,) = in_events(again, source)
    assert event["tags"] == ["unplanned_event"]


def test_who_has_denied_analytics_since_is_not_let_in(
    endpoint: Settings, tmp_path: Path, again: Again
) -> None:
    source = refuse(endpoint, tmp_path, an_event(user_id=f"u{uuid4().hex}"))
    (refusal,) = in_refused(again, source)
    assert refusal["sealed_bytes"]
    user = json.loads((tmp_path / f"{source}.jsonl").read_text())["user_id"]
    again.vault.set_analytics_denied(f"user:{user}", True, NOW)

    done = replay(again, Choice(source=source))

    assert (done.accepted, dict(done.refused)) == (0, {"consent": 1})
    assert in_events(again, source) == []


def test_bytes_whose_time_is_over_are_really_gone(
    endpoint: Settings, tmp_path: Path, again: Again
) -> None:
    source = refuse(endpoint, tmp_path, an_event())

    assert expire(again.client, NOW + timedelta(days=29)) == 0
    assert in_refused(again, source)[0]["sealed_bytes"]
    assert expire(again.client, NOW + timedelta(days=31)) >= 1

    assert in_refused(again, source)[0]["sealed_bytes"] == ""
    assert replay(again, Choice(source=source)).read == 0


def test_the_engine_lets_bytes_go_that_expired_by_itself(
    endpoint: Settings, tmp_path: Path, again: Again
) -> None:
    source = f"s{uuid4().hex[:12]}"
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(an_event()))

    # judged 40 days ago: over when it is written
    import_file(
        path, endpoint, now=lambda: NOW - timedelta(days=40), source=Source(source)
    )

    assert in_refused(again, source)[0]["sealed_bytes"] == ""
