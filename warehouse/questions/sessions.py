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
    """

    session_key: Literal["tracker", "inactivity"] = "inactivity"
    timeout_minutes: float = 30
    per: Literal["anonymous_id", "user_id"] = "anonymous_id"
    page_view_events: list[str] | None = None
    heartbeat_events: list[str] | None = None


def answer(
    client: "Client",
    events: str,  # noqa: ARG001  devices and contexts are in staging alone
    given: Mapping[str, Any],
) -> dict[str, object]:
    """How many sessions there are, and each of them."""
    asked = parameters.read("sessions", Parameters, given)
    query = render("ask_sessions", events=_EVENTS, **msgspec.structs.asdict(asked))
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
