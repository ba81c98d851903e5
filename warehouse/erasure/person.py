"""Who a person is, as far as an erasure must know: every id, and nobody else's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.identity import DEVICE, Edge, graph

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_BUILT = """
select own_id from intermediate.int_people_of_ids where person_id in {ids:Array(String)}
"""
_DEVICES = """
with declared_anothers as (
    select id from raw.identity_links
    where startsWith(id, 'anon:') and person_id not in {users:Array(String)}
    group by id, person_id
    having argMax(linked, (known_at, not linked))
)
select
    concat('anon:', anonymous_id) as device,
    countIf(user_id != '' and user_id not in {users:Array(String)}) > 0
    or device in declared_anothers as is_shared
from raw.events
where anonymous_id in (
    select anonymous_id from raw.events
    where user_id in {users:Array(String)} and anonymous_id != ''
    union distinct select arrayJoin({devices:Array(String)})
)
group by anonymous_id
order by device
"""
_HAS_EVENTS = """
select count() > 0 as told from raw.events
where if(user_id != '', user_id, concat('anon:', anonymous_id)) in {ids:Array(String)}
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A person's ids: user ids, and `anon:` with the ids of devices.

    `alone` are those that only this person has: they are searched for everywhere and
    refused from now on. A device that others sign in on is not among them, nor is one
    that is declared another's.
    """

    own_ids: tuple[str, ...]
    alone: tuple[str, ...]
    shared: tuple[str, ...]
    has_events: bool

    @property
    def subjects(self) -> list[str]:
        """As the vault names them."""
        return [subject_of(one) for one in self.alone]


def subject_of(own_id: str) -> str:
    """The vault's name of an id."""
    return own_id if own_id.startswith(DEVICE) else f"user:{own_id}"


def checked(own_id: str) -> str:
    """An id as a command was given it. Raises BadInput for what can be none."""
    if not own_id.strip() or own_id == DEVICE:
        raise BadInput("No person is named: give a user id, or anon: and a device's.")
    if "@" in own_id and "." in own_id.rpartition("@")[2]:
        raise BadInput(
            "This looks like an e-mail address, and people are known by their ids here."
            " Look the user id up in your own service; addresses lie in the vault"
            " alone, under it."
        )
    return own_id


def find(client: "Client", own_id: str) -> Person:
    """The person an id is of, over the whole graph.

    Users that were declared one person, and devices that no other user signed in on.
    A device whose edge was cut is none of theirs.
    """
    seen: set[str] = set()
    cut: set[str] = set()
    ahead = {own_id}
    while ahead - seen:
        told = [graph(client, one) for one in sorted(ahead - seen)]
        seen |= ahead
        edges = {edge for one in told for edge in one.edges if edge.valid_to is None}
        cut |= {edge.id for edge in edges if edge.kind == "cut"}
        ahead = _declared(edges, seen) | {
            one.person_id for one in told if one.id in seen
        }
    ids = seen | set(_built(client, sorted(seen)))
    users = sorted(one for one in ids if not one.startswith(DEVICE))
    named = [one for one in ids if one.startswith(DEVICE)]
    devices = _devices(client, users, named)
    mine = {one for one, is_shared in devices.items() if not is_shared} | {
        one for one in named if one not in devices
    }
    # declared the person's, and used by others: its nameless events are the person's
    declared = {one for one in named if devices.get(one)}
    own = sorted({*users, *((mine | declared) - (cut - {own_id}))})
    alone = [one for one in own if not devices.get(one)]
    shared = [one for one, is_shared in devices.items() if is_shared]
    return Person(tuple(own), tuple(alone), tuple(shared), _has_events(client, own))


def _declared(edges: Iterable[Edge], ids: set[str]) -> set[str]:
    """Ids that a standing declaration says are one person with some of the ids."""
    return {
        other
        for edge in edges
        if edge.kind == "declared"
        for one, other in ((edge.id, edge.person_id), (edge.person_id, edge.id))
        if one in ids
    }


def _built(client: "Client", ids: Sequence[str]) -> list[str]:
    there = rows(
        client,
        "select 1 from system.tables where database = 'intermediate'"
        " and name = 'int_people_of_ids'",
    )
    if not there:
        return []
    return [row["own_id"] for row in rows(client, _BUILT, {"ids": list(ids)})]


def _devices(
    client: "Client", users: Sequence[str], named: Sequence[str]
) -> dict[str, bool]:
    """The devices of some users, and those named: whether they are others' too."""
    bare = [one.removeprefix(DEVICE) for one in named]
    found = rows(client, _DEVICES, {"users": list(users), "devices": bare})
    return {row["device"]: bool(row["is_shared"]) for row in found}


def _has_events(client: "Client", ids: Sequence[str]) -> bool:
    return bool(rows(client, _HAS_EVENTS, {"ids": list(ids)})[0]["told"])
