"""Verdicts as the records of the durable log: ready rows, direct identifiers gone."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from ingestion import moments
from ingestion.enrichment import enriched
from ingestion.judging import Accepted, Refused
from ingestion.objections import CONSENT
from ingestion.rows import content_hash, json_bytes, row_bytes

Kind = Literal["accepted", "refused"]

REFUSED_BYTES_KEPT: Final = timedelta(days=30)


class Record(msgspec.Struct, frozen=True, gc=False):
    """One row on its way to raw.events or raw.refused_events, all but `loaded_at`."""

    kind: Kind
    row: bytes


def accepted_record(verdict: Accepted) -> Record:
    """The row of an event whose identifiers were replaced by tokens."""
    found = verdict.envelope
    occurred_at = found.occurred_at.stored
    properties = json_bytes(found.properties)
    context = json_bytes(found.context)
    user_properties = json_bytes(found.user_properties)
    identity = json_bytes(
        [
            verdict.event_name,
            verdict.event_version,
            found.user_id,
            found.anonymous_id,
            found.session_id,
            occurred_at,
        ]
    )
    row = {
        "event_id": found.event_id,
        "event_name": verdict.event_name,
        "event_version": verdict.event_version,
        "user_id": found.user_id,
        "anonymous_id": found.anonymous_id,
        "session_id": found.session_id,
        "occurred_at": occurred_at,
        "sent_at": verdict.sent_at and verdict.sent_at.stored,
        "received_at": verdict.received_at.stored,
        "known_at": verdict.known_at.stored,
        "clock_offset_ms": verdict.clock_offset_ms,
        "clock_offset_source": "sent_at" if verdict.clock_offset_ms else "none",
        "sequence": found.sequence,
        "source": verdict.source,
        "imported": verdict.imported,
        "tags": verdict.tags,
        "properties": properties.decode(),
        "context": _enriched(found.context, context).decode(),
        "user_properties": user_properties.decode(),
        "content_hash": content_hash(identity, properties, context, user_properties),
    }
    return Record("accepted", row_bytes(row))


def _enriched(found: dict[str, Any], written: bytes) -> bytes:
    """The context as it is stored: what the door adds is no part of the content.

    So a copy that comes after better rules for user agents is a duplicate as ever.
    """
    more = enriched(found)
    return written if more is found else json_bytes(more)


def refused_record(
    verdict: Refused,
    *,
    refusal_id: UUID,
    seal: Callable[[bytes], bytes],
    place: str = "",
) -> Record:
    """The row of a refusal: all objections, and the bytes sealed where we keep them.

    Of an event refused for want of consent no bytes are kept. `place` says where
    in a file the event stood, such as `line 17`.
    """
    reasons = [objection.reason for objection in verdict.objections]
    kept = b"" if CONSENT in reasons else seal(verdict.raw)
    expires_at = verdict.judged_at.at + REFUSED_BYTES_KEPT
    row = {
        "refusal_id": str(refusal_id),
        "event_id": verdict.event_id,
        "event_name": verdict.event_name,
        "event_version": verdict.event_version,
        "reason": reasons[0],
        "reasons": list(dict.fromkeys(reasons)),
        "objections": [
            ": ".join(filter(None, (place, one.reason, one.at, one.message)))
            for one in verdict.objections
        ],
        "recoverable": all(one.recoverable for one in verdict.objections),
        "source": verdict.source,
        "imported": verdict.imported,
        "received_at": verdict.received_at.stored,
        "expires_at": moments.stored(expires_at)[:19],
        # sealed bytes are no text: they travel and are stored as base64
        "sealed_bytes": base64.b64encode(kept).decode(),
    }
    return Record("refused", row_bytes(row))
