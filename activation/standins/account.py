"""The state of the stand-in's ad account, and Meta's rules about it.

Refusals are values here: a code and a subcode as Meta gives them. Those marked (?)
are from the field's memory and could not be checked against Meta.
"""

import itertools
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from activation.standins.held import Held
from activation.standins.payload import KEYS, Rows

MOST_AUDIENCES = 500
MOST_PEOPLE = 100_000_000
SMALLEST_SEED = 100
SMALLEST_RATIO, LARGEST_RATIO = 0.01, 0.20
SESSION_S = 90 * 60
POLLS_UNTIL_READY = 3
_READY, _NOT_READY = 200, 300
_SHOWN_AT_LEAST = 1_000
_NORMAL, _FLAGGED = 200, 471
_SENSITIVE = re.compile(
    "health|medical|medication|disease|diabet|pregnan|cancer|income|salary|wealth"
    "|credit|debt|bankrupt|loan",
    re.IGNORECASE,
)
"""(?) Which words Meta takes for a hint at health or income is not published."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Meta answers instead of doing it."""

    code: int
    message: str
    subcode: int = 0
    status: int = 400


Answer = dict[str, Any]
_IN_PROGRESS = Refusal(2650, "A replace session is in progress", 1870145)


@dataclass(slots=True)
class ReplaceSession:
    """A set that is being written beside the one in force."""

    session_id: str
    began: float
    schema: tuple[str, ...]
    staged: Held = field(default_factory=lambda: Held(KEYS))
    seen: set[int] = field(default_factory=set)
    received: int = 0


@dataclass(slots=True)
class Audience:
    """One custom or lookalike audience."""

    id: str
    name: str
    subtype: str
    description: str = ""
    is_value_based: bool = False
    origin_id: str = ""
    lookalike_spec: Mapping[str, Any] = field(default_factory=dict)
    people: Held = field(default_factory=lambda: Held(KEYS))
    session: ReplaceSession | None = None
    finished: set[str] = field(default_factory=set)
    uploads: dict[str, int] = field(default_factory=dict)
    """Rows received by each session of plain uploads."""
    polls_left: int = 0
    invalid: int = 0

    @property
    def is_flagged(self) -> bool:
        """Whether Meta would hold the name against it."""
        return bool(_SENSITIVE.search(self.name))


@dataclass(slots=True)
class Account:
    """One ad account; `clock` counts seconds."""

    clock: Callable[[], float]
    audiences: dict[str, Audience] = field(default_factory=dict)
    ids: Iterator[int] = field(
        # ids are never given twice, as at Meta, also after a restart
        default_factory=lambda: itertools.count(10**17 + secrets.randbelow(10**17))
    )

    def create(self, params: Mapping[str, Any]) -> Answer | Refusal:
        """A new audience, or why not."""
        if len(self.audiences) >= MOST_AUDIENCES:
            # (?) code and subcode
            return Refusal(2656, "The ad account has 500 custom audiences already")
        if not params.get("name"):
            return Refusal(100, "(#100) The parameter name is required")
        if params.get("subtype") == "LOOKALIKE":
            return self._create_lookalike(params)
        if params.get("subtype") != "CUSTOM" or not params.get("customer_file_source"):
            return Refusal(100, "(#100) subtype and customer_file_source are required")
        return self._keep(
            Audience(
                id=str(next(self.ids)),
                name=str(params["name"]),
                subtype="CUSTOM",
                description=str(params.get("description", "")),
                is_value_based=params.get("is_value_based") is True,
            )
        )

    def _create_lookalike(self, params: Mapping[str, Any]) -> Answer | Refusal:
        seed = self.audiences.get(str(params.get("origin_audience_id")))
        spec = params.get("lookalike_spec")
        if seed is None or seed.subtype != "CUSTOM":
            return Refusal(100, "(#100) origin_audience_id is no custom audience")
        if not isinstance(spec, dict) or not _is_spec(spec):
            return Refusal(100, "(#100) lookalike_spec needs ratio 0.01-0.20, country")
        if seed.is_flagged:
            return Refusal(100, "The source audience is flagged", 1713232)
        if len(seed.people) < SMALLEST_SEED:
            # (?) subcode
            return Refusal(100, "The source audience is too small", 1713007)
        if any(
            (one.origin_id, one.lookalike_spec) == (seed.id, spec)
            for one in self.audiences.values()
        ):
            return Refusal(2654, "(#2654) Can't create a duplicate lookalike")
        return self._keep(
            Audience(
                id=str(next(self.ids)),
                name=str(params["name"]),
                subtype="LOOKALIKE",
                origin_id=seed.id,
                lookalike_spec=spec,
                polls_left=POLLS_UNTIL_READY,
            )
        )

    def _keep(self, audience: Audience) -> Answer:
        self.audiences[audience.id] = audience
        return {"id": audience.id}

    def describe(self, audience: Audience) -> Answer:
        """An audience in Meta's words; its size is rounded, as Meta's are."""
        is_custom = audience.subtype == "CUSTOM"
        is_small = is_custom and len(audience.people) < SMALLEST_SEED
        ready = not (audience.polls_left or is_small)
        size = max(_SHOWN_AT_LEAST, len(audience.people) // 100 * 100)
        operation = _FLAGGED if audience.is_flagged else _NORMAL
        described = {
            "id": audience.id,
            "name": audience.name,
            "subtype": audience.subtype,
            "description": audience.description,
            "is_value_based": audience.is_value_based,
            "operation_status": {
                "code": operation,
                "description": "Flagged" if audience.is_flagged else "Normal",
            },
            "delivery_status": {
                "code": _READY if ready else _NOT_READY,
                "description": "Ready for use" if ready else "Not ready yet",
            },
            "approximate_count_lower_bound": size,
            "approximate_count_upper_bound": size,
        }
        if not is_custom:
            origin = {"id": audience.origin_id, "type": "custom_audience"}
            spec = {**audience.lookalike_spec, "origin": [origin]}
            described["lookalike_spec"] = spec
        return described

    def add(
        self, audience: Audience, rows: Rows, session: Mapping[str, Any] | None
    ) -> Answer | Refusal:
        """Put people into an audience."""
        if self._in_session(audience):
            return _IN_PROGRESS
        audience.people.put(rows.valid)
        return _taken(audience, rows, received=_cumulative(audience, rows, session))

    def remove(
        self, audience: Audience, rows: Rows, session: Mapping[str, Any] | None = None
    ) -> Answer | Refusal:
        """Take out whoever is named by any of the identifying keys."""
        if self._in_session(audience):
            return _IN_PROGRESS
        audience.people.take(rows.valid)
        return _taken(audience, rows, received=_cumulative(audience, rows, session))

    def erase(self, node: str, rows: Rows) -> Answer:
        """Take people out of every audience of the account."""
        for one in self.audiences.values():
            one.people.take(rows.valid)
        return {
            "account_id": node,
            "num_received": rows.received,
            "num_invalid_entries": rows.invalid,
            "invalid_entry_samples": {},
        }

    def replace(
        self, audience: Audience, rows: Rows, session: Mapping[str, Any]
    ) -> Answer | Refusal:
        """Take one batch of a replace session; the last one puts the set in force."""
        session_id, seq = str(session.get("session_id", "")), session.get("batch_seq")
        if not session_id.isdecimal() or not isinstance(seq, int) or seq < 1:
            return Refusal(100, "(#100) session needs session_id and batch_seq")
        if session_id in audience.finished:
            return Refusal(2650, "The replace session is finished", 1870159)
        total = session.get("estimated_num_total")
        if isinstance(total, int) and total >= MOST_PEOPLE:
            return Refusal(2650, "The audience is too big to be replaced", 1870144)
        current = self._current(audience, rows, session)
        if isinstance(current, Refusal):
            return current
        current.seen.add(seq)
        current.staged.put(rows.valid)
        current.received += rows.received
        if session.get("last_batch_flag") is True:
            if current.seen != set(range(1, seq + 1)):
                return Refusal(2650, "The replace session is incomplete", 1870148)
            audience.people = current.staged
            audience.finished.add(session_id)
            audience.session = None
        return _taken(audience, rows, received=current.received)

    def _current(
        self, audience: Audience, rows: Rows, session: Mapping[str, Any]
    ) -> ReplaceSession | Refusal:
        """The session a batch belongs to, begun by its first batch."""
        session_id, current = str(session["session_id"]), audience.session
        if current is not None and current.session_id == session_id:
            if not self._in_session(audience):
                audience.session = None
                return Refusal(2650, "The replace session timed out", 1870158)
            if current.schema != rows.schema:
                return Refusal(100, "(#100) a session has one schema")
            return current
        if self._in_session(audience):
            return _IN_PROGRESS
        if session["batch_seq"] != 1:
            return Refusal(2650, "The session has no batch_seq 1", 1870147)
        audience.session = ReplaceSession(session_id, self.clock(), rows.schema)
        return audience.session

    def _in_session(self, audience: Audience) -> bool:
        current = audience.session
        return current is not None and self.clock() - current.began <= SESSION_S


def _is_spec(spec: Mapping[str, Any]) -> bool:
    ratio, country = spec.get("ratio"), spec.get("country")
    if not isinstance(ratio, int | float) or not isinstance(country, str):
        return False
    return SMALLEST_RATIO <= ratio <= LARGEST_RATIO and len(country) == len("DE")


def _cumulative(
    audience: Audience, rows: Rows, session: Mapping[str, Any] | None
) -> int:
    """Rows received: of this call, or of its session so far, resends included."""
    session_id = str((session or {}).get("session_id", ""))
    if not session_id:
        return rows.received
    received = audience.uploads.get(session_id, 0) + rows.received
    audience.uploads[session_id] = received
    return received


def _taken(audience: Audience, rows: Rows, *, received: int) -> Answer:
    audience.invalid += rows.invalid
    return {
        "audience_id": audience.id,
        "num_received": received,
        "num_invalid_entries": rows.invalid,
        "invalid_entry_samples": {},
    }
