"""Sessions: runs of events by the tracker's own session, or by silence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.questions import moments, parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_EVENTS = "staging.stg_events"


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """`tracker`: the client's session_id; `inactivity`: silence over the timeout.

    Names of page views and heartbeats: none for those of the trackers we know.
    `users` asks for each session, not only for how many there are and how long.
    """

    session_key: Literal["tracker", "inactivity"] = "inactivity"
    timeout_minutes: float = 30
    per: Literal["anonymous_id", "user_id"] = "anonymous_id"
    page_view_events: list[str] | None = None
    heartbeat_events: list[str] | None = None
    users: bool = True


def answer(
    client: "Client",
    events: str,  # noqa: ARG001  devices and contexts are in staging alone
    given: Mapping[str, Any],
) -> dict[str, object]:
    """How many sessions there are and how long they last, or each of them."""
    asked = msgspec.structs.asdict(parameters.read("sessions", Parameters, given))
    if not asked.pop("users"):
        for names in ("page_view_events", "heartbeat_events"):
            del asked[names]
        query = render("ask_sessions_summed", events=_EVENTS, **asked)
        return dict(rows(client, query)[0])
    query = render("ask_sessions", events=_EVENTS, **asked)
    found = [_told(row) for row in rows(client, query)]
    return {"count": len(found), "sessions": found}


def _told(row: Mapping[str, Any]) -> dict[str, object]:
    """One session; what it lacks is null."""
    return {
        "session_id": row["session_id"],
        "anonymous_id": row["anonymous_id"] or None,
        "user_id": row["user_id"] or None,
        "start": moments.written(row["started_at"]),
        "end": moments.written(row["ended_at"]),
        "total_events": row["total_events"],
        "page_views": row["page_views"],
        "duration_seconds": row["duration_seconds"],
        "first_page_url": row["first_page_url"] or None,
        "last_page_url": row["last_page_url"] or None,
    }
