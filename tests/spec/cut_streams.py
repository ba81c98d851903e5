"""Streams cut into the runs that bring them, and what the tables must then say."""

import dataclasses
import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.spec import reference
from tests.spec.clocks_reference import set_right
from tests.spec.streams import add, world
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ZONE = "Europe/Berlin"
RUNS = 5
# loads share moments, and the clock goes back between runs
LOADS = [datetime(2026, 6, 1, hour, tzinfo=UTC) for hour in (3, 1, 2)]


@dataclasses.dataclass(frozen=True, slots=True)
class Stream:
    """Copies in the runs that bring them, and what is declared before each run."""

    seed: int
    runs: Sequence[Sequence[reference.Copy]]
    links: Sequence[Sequence[tuple[str, str, bool]]]


def cut(seed: int, users: int) -> Stream:
    """A stream in `RUNS` pieces of any size; some bring nothing new."""
    chance = random.Random(seed)  # noqa: S311  a stream, no secret
    copies = sent_by_others(world(seed, users))
    at = sorted(chance.randrange(len(copies) + 1) for _ in range(RUNS - 1))
    ends = [0, *at, len(copies)]
    pieces = [copies[a:b] for a, b in itertools.pairwise(ends)]
    # what was delivered once may be delivered again by a later run
    again = [chance.sample(copies[:end], min(end, 3)) for end in ends[:-1]]
    users_named = sorted({copy.user_id for copy in copies if copy.user_id})
    edges = sorted(
        {(f"anon:{c.anonymous_id}", c.user_id) for c in copies if c.anonymous_id}
    )
    links = [
        [word for word in _words(chance, users_named, edges) if chance.random() < 0.5]
        for _ in range(RUNS)
    ]
    runs = [[*new, *old] for new, old in zip(pieces, again, strict=True)]
    return Stream(seed=seed, runs=runs, links=links)


def sent_by_others(copies: Sequence[reference.Copy]) -> list[reference.Copy]:
    """The same, but of ids that come with another content some are another user's."""
    users = sorted({copy.user_id for copy in copies if copy.user_id})
    return [
        dataclasses.replace(copy, user_id=users[copy.content_hash % len(users)])
        if copy.game_id == "changed" and copy.content_hash % 2
        else copy
        for copy in copies
    ]


def _words(
    chance: random.Random, users: Sequence[str], edges: Sequence[tuple[str, str]]
) -> Iterator[reference.Word]:
    """Users declared users, in chains and circles, and edges of devices cut."""
    if users:
        yield chance.choice(users), chance.choice(users), chance.random() < 0.7
        yield chance.choice(users), chance.choice(users), True
    if edges:
        device, user = chance.choice(edges)
        yield device, user or chance.choice([*users, "nobody"]), chance.random() < 0.3


def words_said(streams: Sequence[Stream], runs: int) -> list[reference.Word]:
    """What was declared and cut before the first `runs` runs, in its order."""
    return [
        word
        for number in range(runs)
        for stream in streams
        for word in stream.links[number]
    ]


def bring(client: "Client", worlds: Sequence[Stream], number: int) -> None:
    add(
        client,
        [copy for stream in worlds for copy in stream.runs[number]],
        loaded_at=LOADS[number % len(LOADS)],
    )
    said = [word for stream in worlds for word in stream.links[number]]
    links = [
        # each a moment later: the latest word counts
        [*word, LOADS[0] + timedelta(days=number, milliseconds=place), "spec", "a test"]
        for place, word in enumerate(said)
    ]
    if links:
        names = ["id", "person_id", "linked", "known_at", "decided_by", "because"]
        client.insert("raw.identity_links", links, names)


def the_reference_agrees(client: "Client", worlds: Sequence[Stream], runs: int) -> None:
    copies = [copy for s in worlds for run in s.runs[:runs] for copy in run]
    words = words_said(worlds, runs)
    events = reference.deduplicated(set_right(copies))
    sessions_agree(client, events, words)
    steps = rows(
        client,
        "select people from marts_build.fct_activation_funnel order by step_number",
    )
    cells = rows(
        client,
        "select cohort_week, weeks_later, people, returned, is_complete"
        " from marts_build.fct_weekly_retention",
    )

    assert [step["people"] for step in steps] == reference.funnel(events, words)
    assert {tuple(cell.values()) for cell in cells} == reference.retention(
        events, ZoneInfo(ZONE), words
    )


def sessions_agree(
    client: "Client", events: Sequence[reference.Copy], words: Sequence[reference.Word]
) -> None:
    found = defaultdict(set)
    for event in rows(
        client,
        "select toString(event_id) as id, person_id, session_id, rank_time"
        " from marts_build.fct_events",
    ):
        found[event["person_id"], event["session_id"]].add(event["id"])
    people = reference.by_person(events, words)
    expected = [
        (person, sorted(event.event_id for event in session))
        for person, ordered in people.items()
        for session in reference.sessions(ordered)
    ]
    counted = rows(
        client,
        "select person_id, session_number, events, is_runaway"
        " from marts_build.fct_sessions",
    )
    set_aside = rows(
        client, "select person_id, runaway_on from marts_build.fct_runaways"
    )
    zone = ZoneInfo(ZONE)

    assert sorted((person, sorted(ids)) for (person, _), ids in found.items()) == (
        sorted(expected)
    )
    assert sorted(tuple(row.values()) for row in counted) == sorted(
        (person, *session)
        for person, ordered in people.items()
        for session in reference.numbered_sessions(ordered, zone)
    )
    assert sorted(tuple(row.values()) for row in set_aside) == sorted(
        (person, day)
        for person, ordered in people.items()
        for day in reference.runaway_days(ordered, zone)
    )
