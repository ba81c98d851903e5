"""Refused events once more: let in what is admitted now, let go what expired."""

import base64
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from ingestion import moments
from ingestion.blocks import Block, insert
from ingestion.consent import Standing, Timeline, subjects_of, withheld
from ingestion.door import secure
from ingestion.judging import (
    Accepted,
    Arrival,
    Mode,
    Rules,
    Source,
    Verdict,
    judge,
)
from ingestion.records import Record, accepted_row
from ingestion.replaying import missing
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput
from warehouse.settings import load
from warehouse.vault import Vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

AT_ONCE: Final = 2_000
_COLUMNS: Final = (
    *("refusal_id", "event_name", "source", "imported", "received_at"),
    "sealed_bytes",
)
_MARKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """Which refused events; empty words choose all."""

    event_name: str = ""
    source: str = ""
    since: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Replay:
    """What became of refused events: `refused` counts by the first reason of today.

    `repeated` were in raw.events already; `unreadable` no key opens any more.
    """

    read: int = 0
    accepted: int = 0
    repeated: int = 0
    unreadable: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Again:
    """What refused events are judged with once more; `modes` are those of sources."""

    client: "Client"
    vault: Vault
    rules: Rules
    standing: Standing
    modes: Mapping[str, Mode]
    now: Callable[[], datetime]


def rehearse(again: Again, choice: Choice) -> Replay:
    """What a replay would do; nothing is changed."""
    done = Replay()
    for batch in _batches(again.client, choice):
        for _, verdict in _judged(again, batch, done):
            done.accepted += isinstance(verdict, Accepted)
    return done


def replay(again: Again, choice: Choice) -> Replay:
    """Let in what the rules of today admit, each event once however often it is asked.

    A refusal that was let in is marked, and its bytes go. Killed in between, the next
    call finds the rows that are in, and marks them. Raises Unavailable.
    """
    done = Replay()
    for batch in _batches(again.client, choice):
        verdicts = _judged(again, batch, done)
        let_in = [(one, verdict) for one, verdict in verdicts if _is_in(verdict)]
        accepted = [verdict for _, verdict in let_in]
        secure(accepted, again.vault)
        lines = [accepted_row(one) for one in accepted if isinstance(one, Accepted)]
        if lines:
            record = Record("accepted", b"".join(lines), len(lines))
            new = missing(again.client, record)
            if new.count:
                insert(again.client, _block(again, new), [new])
            done.accepted += new.count
            done.repeated += record.count - new.count
            _mark(again, [refusal for refusal, _ in let_in])
    return done


def expire(client: "Client", now: datetime) -> int:
    """Empty the bytes whose time is over, without waiting for a merge; how many."""
    over = "sealed_bytes != '' and expires_at <= {now:DateTime}"
    at = {"now": now.astimezone(UTC).replace(tzinfo=None)}
    counted = f"select count() as found from raw.refused_events where {over}"
    found: int = rows(client, counted, at)[0]["found"]
    if found:
        client.command(
            f"alter table raw.refused_events update sealed_bytes = '' where {over}"
            " settings mutations_sync = 2",
            parameters=at,
        )
    return found


def expire_at_door(at: str) -> int:
    """The same for the settings of this process, at a moment as ISO 8601."""
    with connect(load(os.environ)) as client:
        return expire(client, datetime.fromisoformat(at))


def _batches(client: "Client", choice: Choice) -> Iterator[list[dict[str, Any]]]:
    """Refused events that a taxonomy may admit and whose bytes are kept, in parts.

    Which they are is asked once: those let in meanwhile do not shift the others.
    """
    conditions = [
        "recoverable and sealed_bytes != '' and replayed_at is null",
        "received_at >= {since:DateTime64(3, 'UTC')}",
        *(["event_name = {event_name:String}"] if choice.event_name else []),
        *(["source = {source:String}"] if choice.source else []),
    ]
    given = {
        "since": choice.since.astimezone(UTC).replace(tzinfo=None),
        "event_name": choice.event_name,
        "source": choice.source,
    }
    listed = rows(
        client,
        "select toString(refusal_id) as id from raw.refused_events"
        f" where {' and '.join(conditions)} order by received_at, id",
        given,
    )
    ids = [row["id"] for row in listed]
    for start in range(0, len(ids), AT_ONCE):
        yield rows(
            client,
            f"select {', '.join(_COLUMNS)} from raw.refused_events"
            " where refusal_id in {ids:Array(UUID)} order by received_at, refusal_id",
            {"ids": ids[start : start + AT_ONCE]},
        )


def _judged(
    again: Again, batch: Sequence[Mapping[str, Any]], done: Replay
) -> list[tuple[str, Verdict]]:
    """Each refusal that could be opened, with the verdict of today."""
    judged: list[tuple[str, Verdict]] = []
    for row in batch:
        done.read += 1
        try:
            raw = again.vault.unseal(base64.b64decode(row["sealed_bytes"]))
        except BadInput:
            done.unreadable += 1
            continue
        received_at = moments.moment(row["received_at"].replace(tzinfo=UTC))
        verdict = judge(
            raw,
            rules=again.rules,
            source=Source(row["source"], again.modes.get(row["source"], "planned")),
            arrival=Arrival(received_at, imported=row["imported"]),
        )
        judged.append((str(row["refusal_id"]), verdict))
    subjects = subjects_of(verdict for _, verdict in judged)
    standing = again.standing.of(subjects, now=again.now())
    final = [
        (refusal, withheld(verdict, Timeline(), standing))
        for refusal, verdict in judged
    ]
    done.refused.update(
        verdict.objections[0].reason for _, verdict in final if not _is_in(verdict)
    )
    return final


def _is_in(verdict: Verdict) -> bool:
    return isinstance(verdict, Accepted)


def _block(again: Again, record: Record) -> Block:
    content = blake2b(record.rows, digest_size=16).hexdigest()
    return Block(0, record.count, moments.stored(again.now()), f"refused-{content}")


def _mark(again: Again, refusals: Sequence[str]) -> None:
    at = moments.stored(again.now())
    for start in range(0, len(refusals), _MARKED_AT_ONCE):
        listed = ", ".join(
            f"'{one}'" for one in refusals[start : start + _MARKED_AT_ONCE]
        )
        again.client.command(
            "alter table raw.refused_events update sealed_bytes = '',"
            f" replayed_at = toDateTime64('{at}', 3, 'UTC')"
            f" where refusal_id in ({listed}) settings mutations_sync = 2"
        )
