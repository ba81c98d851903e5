"""Consent at the door: whoever denies analytics is refused from then on.

So is whoever was erased, whatever they decided before or a copy of it says now.
"""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Protocol

from ingestion.envelope import Envelope
from ingestion.judging import Accepted, Refused, Verdict
from ingestion.moments import Moment
from ingestion.objections import Objection

DECISION: Final = "consent_decided"
DENIED = Objection("consent", "", "This person denied analytics.")
ERASED = Objection("consent", "", "This person was erased.")

_REMEMBERED_FOR: Final = timedelta(seconds=1)
_MOST_REMEMBERED: Final = 100_000


class Word(Enum):
    """What holds of a person's events at present."""

    ALLOWED = "allowed"
    DENIED = "denied"
    ERASED = "erased"


class Decisions(Protocol):
    """What people decided so far, and who was erased; the vault keeps it."""

    def analytics_decisions(self, subjects: Iterable[str]) -> dict[str, bool]:
        """Whether analytics is denied, for each subject who has decided."""

    def buried(self, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects who were erased."""

    def set_analytics_decisions(
        self, decisions: Iterable[tuple[str, bool, datetime]]
    ) -> None:
        """Note decisions, each subject, whether denied, and when; durable at return."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's decision about analytics."""

    subject: str
    denied: bool
    at: datetime


@dataclass(slots=True)
class Timeline:
    """Decisions that came in together, in the order people made them."""

    _by_subject: dict[str, list[tuple[datetime, bool]]] = field(default_factory=dict)

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> "Timeline":
        """Arrange decisions by person and time; a denial outweighs one moment's yes."""
        arranged: dict[str, list[tuple[datetime, bool]]] = {}
        for one in sorted(decisions, key=lambda found: (found.at, found.denied)):
            arranged.setdefault(one.subject, []).append((one.at, one.denied))
        return cls(arranged)

    def __contains__(self, subject: str) -> bool:
        return subject in self._by_subject

    def __bool__(self) -> bool:
        return bool(self._by_subject)

    def denied(self, subject: str, at: datetime) -> bool | None:
        """The person's word at a moment; None when they had not decided yet."""
        made = self._by_subject.get(subject, [])
        place = bisect_right(made, (at, True))
        return made[place - 1][1] if place else None


def decision(verdict: Verdict) -> Decision | None:
    """The decision about analytics that an accepted event carries, if it does."""
    if not isinstance(verdict, Accepted) or verdict.event_name != DECISION:
        return None
    properties = verdict.envelope.properties
    granted = properties.get("granted")
    if properties.get("purpose") != "analytics" or not isinstance(granted, bool):
        return None
    found = verdict.envelope
    return Decision(found.subject, not granted, found.occurred_at.at)


def withheld(
    verdict: Verdict, timeline: Timeline, standing: Mapping[str, Word]
) -> Verdict:
    """The verdict with consent considered.

    `standing` is what holds apart from the timeline. The decision event itself is
    always accepted, but for who was erased. A refusal is refused for this too: what
    else is wrong with an event is no reason to keep the bytes of a person who said no.
    """
    found = verdict.envelope
    if found is None:
        return verdict
    word = standing.get(found.subject, Word.ALLOWED)
    if word is Word.ERASED:
        return _refused(verdict, found, ERASED)
    if verdict.event_name == DECISION:
        return verdict
    denied = timeline.denied(found.subject, found.occurred_at.at) if timeline else None
    if denied is None:
        denied = word is Word.DENIED
    return _refused(verdict, found, DENIED) if denied else verdict


def subjects_of(verdicts: Iterable[Verdict]) -> set[str]:
    """Whose consent counts for these verdicts."""
    return {
        verdict.envelope.subject for verdict in verdicts if verdict.envelope is not None
    }


def _refused(verdict: Verdict, found: Envelope, because: Objection) -> Refused:
    others = () if isinstance(verdict, Accepted) else verdict.objections
    return Refused(
        event_id=found.event_id,
        event_name=verdict.event_name,
        event_version=verdict.event_version,
        source=verdict.source,
        imported=verdict.imported,
        received_at=verdict.received_at,
        judged_at=_judged_at(verdict),
        objections=(because, *others),
        raw=b"",
    )


def _judged_at(verdict: Verdict) -> Moment:
    return verdict.received_at if isinstance(verdict, Accepted) else verdict.judged_at


class Standing:
    """What holds of whom at present, as the vault knows it; remembered for a second."""

    def __init__(self, decisions: Decisions, *, allowed_by_default: bool) -> None:
        self._decisions = decisions
        self._undecided = Word.ALLOWED if allowed_by_default else Word.DENIED
        self._known: OrderedDict[str, tuple[datetime, Word]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, subjects: Iterable[str], *, now: datetime) -> dict[str, Word]:
        """What holds of each of the subjects."""
        with self._lock:
            return self._answered(set(subjects), now)

    def before_deciding(self, subjects: Iterable[str]) -> dict[str, Word]:
        """What holds of people until their first decision."""
        wanted = set(subjects)
        buried = self._decisions.buried(wanted) if wanted else set()
        return {
            one: Word.ERASED if one in buried else self._undecided for one in wanted
        }

    def _answered(self, wanted: set[str], now: datetime) -> dict[str, Word]:
        fresh_from = now - _REMEMBERED_FOR
        answer: dict[str, Word] = {}
        asked: list[str] = []
        for subject in wanted:
            known = self._known.get(subject)
            # a clock that was set back must not keep an answer fresh for hours
            if known is not None and fresh_from <= known[0] <= now:
                answer[subject] = known[1]
            else:
                asked.append(subject)
        if asked:
            found = self._decisions.analytics_decisions(asked)
            buried = self._decisions.buried(asked)
            for subject in asked:
                word = self._undecided
                if subject in buried:
                    word = Word.ERASED
                elif subject in found:
                    word = Word.DENIED if found[subject] else Word.ALLOWED
                self._known[subject] = (now, word)
                self._known.move_to_end(subject)
                answer[subject] = word
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return answer

    def note(self, decided: Iterable[Decision]) -> None:
        """Keep decisions durably; they count from the next question on."""
        made = [(one.subject, one.denied, one.at) for one in decided]
        if not made:
            return
        with self._lock:
            self._decisions.set_analytics_decisions(made)
            for subject, _, _ in made:
                self._known.pop(subject, None)
