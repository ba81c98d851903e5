"""Verdicts as the records of the durable log: ready rows, direct identifiers gone."""

import base64
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from json import loads
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
import orjson

from ingestion import moments
from ingestion.enrichment import with_additions
from ingestion.judging import Accepted, Refused
from ingestion.objections import CONSENT
from ingestion.rows import (
    CANARY_COLUMNS,
    EVENT_COLUMNS,
    REFUSAL_COLUMNS,
    content_hash,
    json_bytes,
    json_text,
    row_bytes,
)

Kind = Literal["accepted", "refused", "canary"]

COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    "accepted": EVENT_COLUMNS,
    "refused": REFUSAL_COLUMNS,
    "canary": CANARY_COLUMNS,
}
REFUSED_BYTES_KEPT: Final = timedelta(days=30)


class Record(msgspec.Struct, frozen=True, gc=False):
    """Rows on their way to one table of ClickHouse, one a line."""

    kind: Kind
    rows: bytes
    count: int = 1

    def named(self) -> Iterator[dict[str, Any]]:
        """The rows, their values by the names of their columns."""
        for line in self.rows.splitlines():
            # of the standard library: it keeps whole numbers of any size
            values = [json_text(x) if isinstance(x, dict) else x for x in loads(line)]
            yield dict(zip(COLUMNS[self.kind], values, strict=False))


def records_of(rows: Iterable[tuple[Kind, bytes]]) -> list[Record]:
    """Rows as one record for each table they go to."""
    sorted_out: dict[Kind, list[bytes]] = {}
    for kind, row in rows:
        sorted_out.setdefault(kind, []).append(row)
    return [
        Record(kind, b"".join(found), len(found)) for kind, found in sorted_out.items()
    ]


def accepted_row(verdict: Accepted) -> bytes:
    """The row of an event whose identifiers were replaced by tokens."""
    found = verdict.envelope
    identity = json_bytes(
        [
            verdict.event_name,
            verdict.event_version,
            found.user_id,
            found.anonymous_id,
            found.session_id,
            found.occurred_at.stored,
        ]
    )
    properties = json_bytes(found.properties)
    context = json_bytes(found.context)
    user_properties = json_bytes(found.user_properties)
    # what was written for the hash is not written again: the three stand as objects,
    # whose text the engine keeps
    return b'["%b",%b,%b,%b,%b,%b,%d]\n' % (
        found.event_id.encode(),
        identity[1:-1],
        _circumstances(verdict)[1:-1],
        properties,
        with_additions(found.context, context, verdict.country),
        user_properties,
        content_hash(identity, properties, context, user_properties),
    )


def _circumstances(verdict: Accepted) -> bytes:
    """How an event came; most of a batch came alike."""
    return _written_once(
        (
            verdict.sent_at and verdict.sent_at.stored,
            verdict.received_at.stored,
            verdict.known_at.stored,
            verdict.clock_offset_ms,
            "sent_at" if verdict.clock_offset_ms else "none",
            verdict.envelope.sequence,
            verdict.source,
            verdict.imported,
            verdict.tags,
        )
    )


@lru_cache(maxsize=1_000)
def _written_once(values: tuple[Any, ...]) -> bytes:
    return orjson.dumps(values)


def refused_row(
    verdict: Refused,
    *,
    refusal_id: UUID,
    seal: Callable[[bytes], bytes],
    place: str = "",
) -> bytes:
    """The row of a refusal: all objections, and the bytes sealed where we keep them.

    Of an event refused for want of consent no bytes are kept. `place` says where
    in a file the event stood, such as `line 17`.
    """
    reasons = [objection.reason for objection in verdict.objections]
    kept = b"" if CONSENT in reasons else seal(verdict.raw)
    expires_at = verdict.judged_at.at + REFUSED_BYTES_KEPT
    return row_bytes(
        (
            str(refusal_id),
            verdict.event_id,
            verdict.event_name,
            verdict.event_version,
            reasons[0],
            list(dict.fromkeys(reasons)),
            [
                ": ".join(filter(None, (place, one.reason, one.at, one.message)))
                for one in verdict.objections
            ],
            all(one.recoverable for one in verdict.objections),
            verdict.source,
            verdict.imported,
            verdict.received_at.stored,
            moments.stored(expires_at)[:19],
            # sealed bytes are no text: they travel and are stored as base64
            base64.b64encode(kept).decode(),
        )
    )
