"""Events of many people as rows of raw.events, made inside the engine."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.errors import Unavailable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DAYS = 180
"""What all events there are at first fill, from 2026-01-01 on."""

_REST_S = 600
_IDLE_POLLS = 12

# sessions of five events, in the order of time; four of five people have an account,
# and are signed in from the second event of a session on
_EVENTS = """
insert into raw.events
with
    number + {first:UInt64} as n,
    intDiv(n, 5) as session,
    n % 5 as place,
    sipHash64(session, 'person') % {people:UInt64} as person,
    sipHash64(n, 'what') % 1000 as what,
    person % 5 > 0 and place > 0 as is_named,
    multiIf(
        what < 10, 'payment_completed', what < 400, 'page_viewed',
        what < 700, 'rolled', what < 800, 'game_session_started',
        what < 900, 'feature_used', what < 960, 'user_logged_in',
        what < 990, 'character_created', 'user_signed_up'
    ) as name,
    toDateTime64('2026-01-01 00:00:00', 3, 'UTC')
    + toIntervalMillisecond(
        toUInt64(session * {step_ms:Float64}) + place * 61000 + what * 7
    ) as came_at,
    -- late by up to thirty days
    n % 100 < {late:UInt8} as is_late,
    came_at
    - toIntervalSecond(is_late * (sipHash64(n, 'late') % 2592000)) as happened_at
select
    reinterpretAsUUID(sipHash128(n, 'event')) as event_id, name as event_name,
    '1.0' as event_version,
    if(is_named, concat('user-', toString(person)), '') as user_id,
    concat('device-', toString(person)) as anonymous_id,
    concat('s-', toString(session)) as session_id,
    happened_at as occurred_at, came_at as sent_at,
    came_at + toIntervalSecond(1) as received_at,
    toDateTime64('2026-01-01 00:01:00', 3, 'UTC') + toIntervalMillisecond(
        toUInt64(intDiv(n, 10000) * 2000 * {step_ms:Float64})
    ) as loaded_at,
    received_at as known_at, 0 as clock_offset_ms, 'none' as clock_offset_source,
    n as sequence, 'web' as source, false as imported, [] as tags,
    multiIf(
        name = 'payment_completed', concat(
            '{"payment_id":"p', toString(n), '","amount_cents":', toString(what * 37),
            ',"currency":"EUR","product":"hero","method":"card","note":"',
            hex(sipHash128(n, 'a')), '"}'
        ),
        concat(
            '{"path":"/page/', toString(sipHash64(n, 'path') % 500),
            '","utm_source":"news","feature_name":"dice","game_id":"g',
            toString(sipHash64(session, 'game') % 50000), '","text":"',
            hex(sipHash128(n, 'a')), hex(sipHash128(n, 'b')), '"}'
        )
    ) as properties,
    '{"country":"DE","device":"phone"}' as context,
    if(place = 0, '{"country":"DE"}', '{}') as user_properties,
    sipHash64(n, 'content') as content_hash
from numbers({count:UInt64})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """So many events of so many people, spread over `DAYS` days."""

    events: int
    people: int


def bring(
    client: "Client", stream: Stream, *, first: int, count: int, late: int = 0
) -> None:
    """Put events into raw.events: some of a stream, or what comes after it.

    Of these `late` in a hundred happened up to thirty days before they came.
    """
    client.command(
        _EVENTS,
        parameters={
            "first": first,
            "count": count,
            "people": stream.people,
            "late": late,
            "step_ms": DAYS * 86_400_000 / (stream.events / 5),
        },
    )


def rest(client: "Client") -> None:
    """Wait until the engine has merged what it wants to merge: a warehouse at rest.

    It thinks for some seconds between one merge and the next.
    """
    deadline = time.monotonic() + _REST_S
    idle_polls = 0
    while idle_polls < _IDLE_POLLS:
        if time.monotonic() > deadline:
            raise Unavailable(f"The engine still merges after {_REST_S} s.")
        is_merging = client.command("select count() from system.merges")
        idle_polls = 0 if is_merging else idle_polls + 1
        time.sleep(0.5)
