"""Take a batch: judge, ask for consent, vault, log, and only then answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, TypeVar
from uuid import uuid4

from ingestion.bodies import Body
from ingestion.consent import (
    DECISION,
    Standing,
    Timeline,
    Word,
    decision,
    subjects_of,
    withheld,
)
from ingestion.judging import (
    Accepted,
    Arrival,
    Refused,
    Rules,
    Source,
    Verdict,
)
from ingestion.log import Log
from ingestion.moments import moment
from ingestion.records import Record, accepted_row, records_of, refused_row
from ingestion.usual import verdict_on
from warehouse.errors import QuestlogError
from warehouse.vault import Secret, Vault

ANSWERED_OBJECTIONS: Final = 20

Made = TypeVar("Made")


def judged(
    body: Body, *, rules: Rules, source: Source, received_at: datetime
) -> list[Verdict]:
    """The verdict on each event of a body, in order; nothing is kept yet."""
    arrival = Arrival(moment(received_at), sent_at=body.sent_at)
    return [
        verdict_on(raw, rules=rules, source=source, arrival=arrival)
        for raw in body.events
    ]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where the door keeps what it takes."""

    log: Log
    vault: Vault
    standing: Standing


@dataclass(frozen=True, slots=True)
class Batch:
    """Verdicts that came in one request, and when."""

    verdicts: Sequence[Verdict]
    now: datetime


Kept = list[Verdict] | QuestlogError | OSError
"""The final verdicts of a batch, or why nothing of it was kept."""


def keep(
    verdicts: Sequence[Verdict], keeping: Keeping, *, now: datetime
) -> list[Verdict]:
    """Make verdicts durable, after consent was considered; the final verdicts.

    Raises Unavailable when vault or log cannot be written: nothing is acknowledged.
    """
    (kept,) = keep_together([Batch(verdicts, now)], keeping)
    if isinstance(kept, Exception):
        raise kept
    return kept


def keep_together(batches: Sequence[Batch], keeping: Keeping) -> list[Kept]:
    """Make several batches durable at the price of one; what became of each.

    Consent is considered batch by batch, so that it does not matter who came along.
    What is wrong with one batch costs the others nothing.
    """
    kept: list[Kept] = [
        _tried(partial(_considered, one.verdicts, keeping.standing, one.now))
        for one in batches
    ]
    kept = _secured(kept, keeping.vault)
    records: list[Record] = []
    for place, final in enumerate(kept):
        if isinstance(final, list):
            made = _tried(partial(_records, final, keeping.vault))
            if isinstance(made, list):
                records += made
            else:
                kept[place] = made
    failure = _tried(partial(keeping.log.append, records)) if records else None
    if isinstance(failure, Exception):
        return [one if isinstance(one, Exception) else failure for one in kept]
    return kept


def _secured(kept: list[Kept], vault: Vault) -> list[Kept]:
    """Secure all batches in one step; one by one when one of them cannot be."""
    together = [verdict for one in kept if isinstance(one, list) for verdict in one]
    if _tried(partial(secure, together, vault)) is None:
        return kept
    return [
        one if isinstance(one, Exception) else _secured_alone(one, vault)
        for one in kept
    ]


def _secured_alone(final: list[Verdict], vault: Vault) -> Kept:
    failure = _tried(partial(secure, final, vault))
    return final if failure is None else failure


def _tried(make: Callable[[], Made]) -> Made | QuestlogError | OSError:
    try:
        return make()
    except (QuestlogError, OSError) as error:
        return error


def _considered(
    verdicts: Sequence[Verdict], standing: Standing, now: datetime
) -> list[Verdict]:
    before = standing.of(subjects_of(verdicts), now=now)
    decided = [
        one
        for one in map(decision, [v for v in verdicts if v.event_name == DECISION])
        if one is not None and before[one.subject] is not Word.ERASED
    ]
    if not decided and set(before.values()) <= {Word.ALLOWED}:
        return list(verdicts)
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


def _records(verdicts: Sequence[Verdict], vault: Vault) -> list[Record]:
    return records_of(
        ("refused", refused_row(verdict, refusal_id=uuid4(), seal=vault.seal))
        if isinstance(verdict, Refused)
        else ("accepted", accepted_row(verdict))
        for verdict in verdicts
    )


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
