"""Take a batch: judge, ask for consent, vault, log, and only then answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from ingestion.bodies import Body
from ingestion.consent import Standing, Timeline, decision, subjects_of, withheld
from ingestion.judging import (
    Accepted,
    Arrival,
    Refused,
    Rules,
    Source,
    Verdict,
    judge,
)
from ingestion.log import Log
from ingestion.moments import moment
from ingestion.records import Record, accepted_record, refused_record
from warehouse.vault import Secret, Vault

ANSWERED_OBJECTIONS: Final = 20


def judged(
    body: Body, *, rules: Rules, source: Source, received_at: datetime
) -> list[Verdict]:
    """The verdict on each event of a body, in order; nothing is kept yet."""
    arrival = Arrival(moment(received_at), sent_at=body.sent_at)
    return [
        judge(raw, rules=rules, source=source, arrival=arrival) for raw in body.events
    ]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the door keeps what it takes."""

    log: Log
    vault: Vault
    standing: Standing


def keep(
    verdicts: Sequence[Verdict], keeping: Keeping, *, now: datetime
) -> list[Verdict]:
    """Make verdicts durable, after consent was considered; the final verdicts.

    Raises Unavailable when vault or log cannot be written: nothing is acknowledged.
    """
    final = _considered(verdicts, keeping.standing, now)
    secure(final, keeping.vault)
    keeping.log.append([_record(verdict, keeping.vault) for verdict in final])
    return final


def _considered(
    verdicts: Sequence[Verdict], standing: Standing, now: datetime
) -> list[Verdict]:
    decided = [one for one in map(decision, verdicts) if one is not None]
    before = standing.of(subjects_of(verdicts), now=now)
    timeline = Timeline.of(decided)
    # noted before the log is written: a denial is never lost between the two
    standing.note(decided)
    return [withheld(verdict, timeline, before) for verdict in verdicts]


def secure(verdicts: Sequence[Verdict], vault: Vault) -> None:
    """Move the direct identifiers of accepted events into the vault, in one step."""
    found = [
        (identifier, verdict.envelope)
        for verdict in verdicts
        if isinstance(verdict, Accepted)
        for identifier in verdict.identifiers
    ]
    if not found:
        return
    tokens = vault.tokens(
        [
            Secret(
                event.subject, identifier.name, identifier.value, event.occurred_at.at
            )
            for identifier, event in found
        ]
    )
    for (identifier, _), token in zip(found, tokens, strict=True):
        identifier.replace_by(token)


def _record(verdict: Verdict, vault: Vault) -> Record:
    if isinstance(verdict, Refused):
        return refused_record(verdict, refusal_id=uuid4(), seal=vault.seal)
    return accepted_record(verdict)


def answer(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """What the sender is told: a verdict for each event, in order."""
    accepted = sum(isinstance(verdict, Accepted) for verdict in verdicts)
    return {
        "accepted": accepted,
        "refused": len(verdicts) - accepted,
        "verdicts": [_answered(verdict) for verdict in verdicts],
    }


def _answered(verdict: Verdict) -> dict[str, object]:
    if isinstance(verdict, Accepted):
        return {
            "event_id": verdict.envelope.event_id,
            "status": "accepted",
            "tags": verdict.tags,
            "objections": [],
        }
    return {
        "event_id": verdict.event_id or None,
        "status": "refused",
        "tags": [],
        "objections": [
            one.as_json() for one in verdict.objections[:ANSWERED_OBJECTIONS]
        ],
    }
