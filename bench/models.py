"""Build the models of 2 and 20 million events whole, then follow 20,000 new ones.

Limits at the larger size: 240 s whole, 20 s for the increment, 6 GiB of memory (engine
and dbt together), and an increment at most 1.5 times as long as at the smaller size.
While developing, QUESTLOG_BENCH_EVENTS=100000,1000000 takes other sizes.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench._engine import Engine
from bench._memory import Watch
from warehouse.clickhouse import connect, rows
from warehouse.errors import Unavailable
from warehouse.transformation import build

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_PEOPLE = 500_000
_NEW_EVENTS = 20_000
_REST_S = 600
_IDLE_POLLS = 12
_LIMITS = {
    "full_build_limit_s": 240.0,
    "increment_limit_s": 20.0,
    "peak_limit_bytes": float(6 << 30),
    "increment_limit_ratio": 1.5,
}

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

_READ = """
select extract(query, '"node_id": "model\\.questlog\\.([a-z_0-9]+)"') as model,
    sum(read_rows) as read_rows, sum(query_duration_ms) as ms,
    intDiv(sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']), 1000) as cpu_ms
from system.query_log
where type = 'QueryFinish' and model != '' and event_time_microseconds > {since:String}
group by model order by model
"""


def run() -> dict[str, Any]:
    """Measure both sizes, the smaller first."""
    given = os.environ.get("QUESTLOG_BENCH_EVENTS", "2000000,20000000")
    small, large = (_measured(int(events)) for events in given.split(","))
    figures = {
        "full_build_s": large["full_build_s"],
        "increment_s": large["increment_s"],
        "peak_bytes": large["peak_bytes"],
        "increment_ratio": large["increment_s"] / small["increment_s"],
        "full_build_2m_s": small["full_build_s"],
        "increment_2m_s": small["increment_s"],
        "peak_2m_bytes": small["peak_bytes"],
    }
    return {"figures": figures, "compared_with": _LIMITS}


def _measured(events: int) -> dict[str, float]:
    home = Path(tempfile.mkdtemp(prefix="questlog-bench-"))
    figures: dict[str, float] = {}
    try:
        with Engine(home) as engine, connect(engine.settings) as client:
            _bring(client, first=0, count=events, events=events, late=0)
            _rest(client)
            with Watch(os.getpid()) as watch:
                for step in ("full_build", "increment"):
                    if step == "increment":
                        _bring(
                            client,
                            first=events,
                            count=_NEW_EVENTS,
                            events=events,
                            late=1,
                        )
                    _rest(client)
                    since = _now(client)
                    with _timed(figures, f"{step}_s"):
                        build(engine.settings, "staging")
                        build(engine.settings, "marts")
                    _tell(client, f"{step} of {events:,} events", since, figures)
            figures["peak_bytes"] = float(watch.peak_bytes)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return figures


def _bring(client: "Client", *, first: int, count: int, events: int, late: int) -> None:
    """Put events into raw.events; all there are at first fill 180 days."""
    client.command(
        _EVENTS,
        parameters={
            "first": first,
            "count": count,
            "people": _PEOPLE,
            "late": late,
            "step_ms": 180 * 86_400_000 / (events / 5),
        },
    )


def _rest(client: "Client") -> None:
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


def _now(client: "Client") -> str:
    return str(client.command("select toString(now64(6))"))


@contextmanager
def _timed(figures: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    figures[name] = time.monotonic() - began


def _tell(client: "Client", what: str, since: str, figures: dict[str, float]) -> None:
    """Print rows read and time by model, from the engine's own log."""
    client.command("system flush logs")
    print(f"{what}: {figures}")
    for row in rows(client, _READ, {"since": since}):
        print(
            f"  {row['model']:<26} {row['read_rows']:>13,} rows {row['ms']:>9,} ms"
            f" {row['cpu_ms']:>9,} ms of CPU"
        )
