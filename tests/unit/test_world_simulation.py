"""A world is the same for the same arguments, and the door agrees with its truth."""

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.judging import Accepted, Arrival, Rules, Source, judge
from ingestion.moments import moment
from questlog.world.geography import COUNTRIES, DOCUMENTATION_NETWORKS, MAIL_DOMAINS
from questlog.world.leaving import Course
from questlog.world.parameters import Parameters, milliseconds
from questlog.world.reading import Line, read_history, read_live
from questlog.world.simulate import World, create, simulate, truth_of
from warehouse.errors import BadInput
from warehouse.taxonomy import load

END = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 9, 15, 30, 250_000, tzinfo=UTC)
RULES = Rules.of(load())

worlds = st.builds(
    Parameters,
    people=st.integers(1, 40),
    days=st.integers(7, 60),
    end=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
    seed=st.integers(0, 2**32),
)


def parameters(**changed: Any) -> Parameters:
    usual: dict[str, Any] = {
        "people": 150,
        "days": 40,
        "end": END,
        "seed": 11,
        "now": NOW,
    }
    return Parameters(**(usual | changed))


@cache
def a_world() -> World:
    return create(parameters())


def all_lines(world: World) -> list[Line]:
    return [*world.history, *world.live]


def readable(lines: list[Line]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.reason not in {"not_json", "envelope"}:
            yield orjson.loads(line.raw)


def said_by_the_door(line: Line, *, imported: bool) -> set[str]:
    received = moment(datetime(2026, 3, 2, 10, tzinfo=UTC))
    arrival = Arrival(received, imported=imported)
    verdict = judge(line.raw, rules=RULES, source=Source("world"), arrival=arrival)
    if isinstance(verdict, Accepted):
        return {"", *verdict.tags}
    return {one.reason for one in verdict.objections}


def planted(line: Line) -> set[str]:
    """What judging one event by itself must say; consent is asked for later."""
    return {"" if line.reason == "consent" else line.reason}


@settings(max_examples=15, deadline=None)
@given(worlds)
def test_the_same_parameters_give_the_same_lines(world: Parameters) -> None:
    first, second = create(world), create(world)

    assert first.history == second.history
    assert first.live == second.live
    assert truth_of(first) == truth_of(second)


def test_the_same_parameters_give_the_same_files_byte_for_byte(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        simulate(parameters(people=40), tmp_path / folder)

    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["history.jsonl.gz", "latent.jsonl", "live.jsonl", "truth.json"]
    for name in files:
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_another_seed_gives_another_world() -> None:
    assert create(parameters(seed=12)).history != a_world().history


def test_history_does_not_depend_on_now() -> None:
    assert create(parameters(now=None)).history == a_world().history


@settings(max_examples=15, deadline=None)
@given(worlds)
def test_the_door_says_of_every_line_exactly_what_was_planted(
    world: Parameters,
) -> None:
    made = create(world)

    for line in made.history:
        assert said_by_the_door(line, imported=True) == planted(line)
    for line in made.live:
        assert line.reason != "consent"


def test_the_door_says_of_live_lines_exactly_what_was_planted() -> None:
    for line in a_world().live:
        assert said_by_the_door(line, imported=False) == planted(line)


def test_a_larger_world_holds_every_reason_for_refusal() -> None:
    truth = truth_of(a_world())

    assert set(truth["history"]["refused"]) == {
        *("not_json", "envelope", "unplanned_event", "required_missing", "future"),
        *("type_mismatch", "additional_property", "out_of_range", "too_large"),
        "consent",
    }
    assert truth["history"]["duplicates_removed"] > 0
    assert truth["history"]["conflicts"] > 0
    assert truth["live"]["duplicates_removed"] > 0


@settings(max_examples=10, deadline=None)
@given(worlds)
def test_history_and_live_add_up_to_all(world: Parameters) -> None:
    truth = truth_of(create(world))

    for count in ("lines", "accepted", "events_once", "payments", "revenue_minor"):
        parts = truth["history"][count] + truth["live"][count]
        assert truth["all"][count] == parts
    refused = Counter(truth["history"]["refused"]) + Counter(truth["live"]["refused"])
    assert truth["all"]["refused"] == refused
    for part in (truth["history"], truth["all"]):
        kept = part["events_once"] + part["duplicates_removed"]
        assert part["accepted"] == kept + part["conflicting_copies"]
        assert part["lines"] == part["accepted"] + sum(part["refused"].values())


def test_the_live_slice_ends_now_and_carries_no_receipt() -> None:
    live = a_world().live
    events = [orjson.loads(line.raw) for line in live if not line.reason]
    seen = read_live(live, after=read_history([]), posted_at=milliseconds(NOW)).accepted

    assert max(event.at for event in seen) == milliseconds(NOW)
    assert not any("received_at" in event for event in events)


def test_nothing_in_history_is_received_after_its_end() -> None:
    world = a_world()
    receipts = [event["received_at"] for event in readable(world.history)]

    assert max(receipts) < "2026-03-02"
    assert min(receipts) >= "2026-01-21"


def test_a_now_before_the_end_of_history_is_refused() -> None:
    with pytest.raises(BadInput, match="choose a moment from 2026-03-02 00:00 UTC on"):
        parameters(now=datetime(2026, 3, 1, 23, 59, tzinfo=UTC))


def test_some_events_arrive_days_late_and_the_file_is_out_of_order() -> None:
    accepted = [line for line in a_world().history if not line.reason]
    seen = read_history(accepted).accepted
    receipts = [event.received_at for event in seen]

    waits = [timedelta(milliseconds=event.received_at - event.at) for event in seen]
    assert sum(wait > timedelta(hours=12) for wait in waits) > 10
    assert receipts != sorted(receipts)


def test_people_who_deny_analytics_are_not_seen_again() -> None:
    world = a_world()
    scene = world.scene
    denied = {
        scene.people[i].user_id: at
        for i, at in scene.denied_at.items()
        if i not in scene.back_at
    }
    accepted = [line for line in world.history if not line.reason]
    live = {event.get("user_id") for event in readable(world.live)}

    assert denied
    for seen in read_history(accepted).accepted:
        assert seen.at <= denied.get(seen.user_id, seen.at)
    assert live.isdisjoint(denied)


def test_direct_identifiers_are_of_reserved_ranges_only() -> None:
    phones = [
        re.compile(country.phone.replace("+", r"\+").replace("#", r"\d"))
        for country in COUNTRIES
        if country.phone
    ]
    domains = tuple(f"@{domain}" for domain in MAIL_DOMAINS)
    found = 0
    for event in readable(all_lines(a_world())):
        given = (event.get("properties") or {}) | (event.get("user_properties") or {})
        if "email" in given:
            found += 1
            assert given["email"].endswith(domains)
        if "phone" in given:
            assert any(phone.fullmatch(given["phone"]) for phone in phones)
        address = event.get("context", {}).get("ip_address")
        assert address is None or address.startswith(DOCUMENTATION_NETWORKS)
    assert found > 50


def test_groups_sit_at_one_table_at_the_same_time() -> None:
    accepted = [line for line in a_world().history if not line.reason]
    tables: dict[str, dict[str, int]] = {}
    for seen in read_history(accepted).accepted:
        if seen.name == "game_session_started":
            evening = tables.setdefault(seen.properties["game_session_id"], {})
            evening[seen.user_id] = seen.at
    shared = [evening for evening in tables.values() if len(evening) > 1]

    assert len(shared) > 20
    for evening in shared:
        assert max(evening.values()) - min(evening.values()) <= 6 * 60_000


def test_those_who_will_leave_soon_are_less_active_before() -> None:
    scene = create(parameters(people=400, days=90)).scene
    end = milliseconds(datetime(2026, 3, 2, tzinfo=UTC))
    here = [course for course in scene.courses if course.joined_at < end - 20 * 864e5]
    leaving = [c for c in here if end < c.left_at < end + 7 * 864e5]
    staying = [c for c in here if c.left_at > end + 90 * 864e5]

    def mean(courses: list[Course]) -> float:
        return sum(course.active_share(end) for course in courses) / len(courses)

    assert leaving
    assert mean(leaving) < 0.7 * mean(staying)


def test_the_written_history_is_the_history(tmp_path: Path) -> None:
    simulate(parameters(), tmp_path)

    written = gzip.decompress((tmp_path / "history.jsonl.gz").read_bytes())
    assert written.splitlines() == [line.raw for line in a_world().history]
