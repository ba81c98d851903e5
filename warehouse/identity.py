"""Whose an id is, by which edges, and the words that link ids or cut an edge.

Words are only added to `raw.identity_links`; the next build follows them. What they
mean is said in docs/identity.md and made by int_identity_links, int_identity_map and
int_people_of_ids.
"""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from warehouse import audit
from warehouse.clickhouse import rows
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DEVICE = "anon:"
_EVER = """
select count() as tables from system.tables
where (database, name) in (
    ('intermediate', 'int_device_users'), ('intermediate', 'int_people_of_ids')
)
"""
_FOUND = """
select concat('anon:', anonymous_id) as id, user_id as person_id, known_at
from intermediate.int_device_users
where concat('anon:', anonymous_id) in {ids:Array(String)}
    or user_id in {ids:Array(String)}
"""
_WORDS = """
select id, person_id, linked, known_at, decided_by, because
from raw.identity_links
where id in {ids:Array(String)} or person_id in {ids:Array(String)}
order by known_at, not linked
"""
_PEOPLE = """
select own_id, person_id
from intermediate.int_people_of_ids
where own_id in {ids:Array(String)}
"""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """An edge between an id and a person, as its latest word or an event tells it."""

    id: str
    person_id: str
    kind: str
    """found, declared or cut."""
    since: datetime
    valid_to: datetime | None = None
    """When a later word ended it; None while it stands."""
    by: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """All ids that edges connect with one, cut edges included, and whose they are."""

    id: str
    person_id: str
    people: dict[str, str]
    """Each id of the graph and its person, as the last build made them."""
    edges: tuple[Edge, ...]


def graph(client: "Client", own_id: str) -> Graph:
    """The graph of an id, over edges that stand or stood; people as last built.

    Users are followed from their devices and devices from their users, so a shared
    device shows all who used it, and no further: it connects no people.
    """
    built = rows(client, _EVER)[0]["tables"] == 2  # noqa: PLR2004  both are there
    seen: set[str] = set()
    edges: set[Edge] = set()
    ahead = {own_id}
    while ahead:
        seen |= ahead
        told = _edges(client, sorted(ahead), built=built)
        edges |= told
        ahead = _reached(told, ahead, start=own_id) - seen
    ids = sorted(seen | {one for e in edges for one in (e.id, e.person_id)})
    whose = (
        {row["own_id"]: row["person_id"] for row in rows(client, _PEOPLE, {"ids": ids})}
        if built
        else {}
    )
    people = {one: whose.get(one, one) for one in ids}
    return Graph(own_id, people[own_id], people, tuple(sorted(edges, key=_place)))


def _place(edge: Edge) -> tuple[datetime, str, str]:
    return edge.since, edge.id, edge.person_id


def _reached(edges: Iterable[Edge], ahead: set[str], *, start: str) -> set[str]:
    """Ids to look at next: past a device that was not asked for, nothing is."""
    return {
        other
        for edge in edges
        for one, other in ((edge.id, edge.person_id), (edge.person_id, edge.id))
        if one in ahead and (not one.startswith(DEVICE) or one == start)
    }


def _edges(client: "Client", ids: list[str], *, built: bool) -> set[Edge]:
    """Every stretch of the edges at some ids: found, declared and cut."""
    words = rows(client, _WORDS, {"ids": ids})
    told: dict[tuple[str, str], list[Edge]] = {}
    for word in words:
        kind = "declared" if word["linked"] else "cut"
        edge = Edge(
            *(word["id"], word["person_id"], kind, _utc(word["known_at"])),
            by=word["decided_by"],
            because=word["because"],
        )
        told.setdefault((edge.id, edge.person_id), []).append(edge)
    for row in rows(client, _FOUND, {"ids": ids}) if built else []:
        edge = Edge(row["id"], row["person_id"], "found", _utc(row["known_at"]))
        others = told.setdefault((edge.id, edge.person_id), [])
        # what events tell after a word does not undo it
        if not others or edge.since < others[0].since:
            others.insert(0, edge)
    return {edge for others in told.values() for edge in _ended(others)}


def _utc(moment: datetime) -> datetime:
    """A moment as the driver gives it: UTC, which it does not say."""
    return moment.replace(tzinfo=UTC)


def _ended(edges: list[Edge]) -> list[Edge]:
    """Stretches of one edge in order, each ended by the next."""
    ends = [*(edge.since for edge in edges[1:]), None]
    return [
        dataclasses.replace(edge, valid_to=end)
        for edge, end in zip(edges, ends, strict=True)
    ]


def link(client: "Client", own_id: str, person_id: str, done: audit.Act) -> Graph:
    """Declare that an id is a person's, from now on.

    Raises BadInput for a link of an id to itself, to a device, or of no id.
    """
    if not own_id or not person_id or own_id == DEVICE:
        raise BadInput("An id is empty; give the id and the person it is.")
    if own_id == person_id:
        raise BadInput(f"{own_id} is itself already; name two ids.")
    if person_id.startswith(DEVICE):
        raise BadInput(
            f"{person_id} is a device, and a device is nobody. Link it the other way"
            " round: the device first, then its user."
        )
    _say(client, own_id, person_id, linked=True, done=done)
    return graph(client, own_id)


def unlink(client: "Client", own_id: str, person_id: str, done: audit.Act) -> Edge:
    """Cut one edge, declared or found; without a person, the only one that stands.

    Raises BadInput where there is no such edge, or several and none is named.
    """
    standing = [
        edge
        for edge in graph(client, own_id).edges
        if edge.id == own_id and edge.valid_to is None and edge.kind != "cut"
    ]
    fitting = [edge for edge in standing if person_id in {"", edge.person_id}]
    if not fitting:
        raise BadInput(
            f"No edge from {own_id} to {person_id or 'anybody'} stands."
            f" `questlog identity show {own_id}` lists what there is."
        )
    if len(fitting) > 1:
        named = ", ".join(sorted(edge.person_id for edge in fitting))
        raise BadInput(
            f"{own_id} has {len(fitting)} edges, to {named}. Say which: `questlog"
            f" identity unlink {own_id} PERSON --because …`."
        )
    _say(client, own_id, fitting[0].person_id, linked=False, done=done)
    return fitting[0]


def _say(
    client: "Client", own_id: str, person_id: str, *, linked: bool, done: audit.Act
) -> None:
    """Add a word, later than every other on this edge, and its row in the audit.

    The audit comes first: a word that nobody can explain is worse than a row about a
    word that was not said.
    """
    latest = rows(
        client,
        "select max(known_at) as known_at from raw.identity_links"
        " where id = {id:String} and person_id = {person:String}",
        {"id": own_id, "person": person_id},
    )[0]["known_at"]
    at = max(done.at, _utc(latest) + timedelta(milliseconds=1))
    audit.note(
        client,
        done,
        action="identity.link" if linked else "identity.unlink",
        subject=own_id,
        detail={"person_id": person_id},
    )
    client.insert(
        "raw.identity_links",
        [[own_id, person_id, linked, at, done.by, done.because]],
        ["id", "person_id", "linked", "known_at", "decided_by", "because"],
    )


def circle(edges: Iterable[Edge]) -> list[str]:
    """The ids on circles of declared links that stand, in name order; or nothing."""
    links = {
        (edge.id, edge.person_id)
        for edge in edges
        if edge.kind == "declared" and edge.valid_to is None
    }
    # who leads nowhere, or whom nobody leads to, is on no circle
    while links != (
        kept := {
            (one, other)
            for one, other in links
            if any(other == begin for begin, _ in links)
            and any(one == end for _, end in links)
        }
    ):
        links = kept
    return sorted({one for one, _ in links})
