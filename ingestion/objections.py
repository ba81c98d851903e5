"""What can be wrong with an event: typed reasons, each said without the value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NOT_JSON: Final = "not_json"
ENVELOPE: Final = "envelope"
UNPLANNED_EVENT: Final = "unplanned_event"
REQUIRED_MISSING: Final = "required_missing"
TYPE_MISMATCH: Final = "type_mismatch"
ADDITIONAL_PROPERTY: Final = "additional_property"
OUT_OF_RANGE: Final = "out_of_range"
TOO_LARGE: Final = "too_large"
FUTURE: Final = "future"
CONSENT: Final = "consent"

REASONS: Final = frozenset(
    {
        NOT_JSON,
        ENVELOPE,
        UNPLANNED_EVENT,
        REQUIRED_MISSING,
        TYPE_MISMATCH,
        ADDITIONAL_PROPERTY,
        OUT_OF_RANGE,
        TOO_LARGE,
        FUTURE,
        CONSENT,
    }
)

# A mended taxonomy can admit these; the others are wrong whatever it says.
RECOVERABLE: Final = frozenset(
    {
        UNPLANNED_EVENT,
        REQUIRED_MISSING,
        TYPE_MISMATCH,
        ADDITIONAL_PROPERTY,
        OUT_OF_RANGE,
    }
)

_LONGEST_POINTER = 200


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing wrong with one event; `at` is a JSON pointer into it."""

    reason: str
    at: str
    message: str

    @property
    def recoverable(self) -> bool:
        """Whether a mended taxonomy can admit what this objects to."""
        return self.reason in RECOVERABLE

    def as_json(self) -> dict[str, object]:
        """The objection as the door answers and stores it."""
        return {
            "reason": self.reason,
            "at": self.at,
            "message": self.message,
            "recoverable": self.recoverable,
        }


def pointer(*steps: str | int) -> str:
    """A JSON pointer (RFC 6901) to a place in an event, cut when very long."""
    text = "".join(
        "/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps
    )
    if len(text) <= _LONGEST_POINTER:
        return text
    return text[:_LONGEST_POINTER] + "…"


def tags_of(objections: Sequence[Objection]) -> tuple[str, ...]:
    """The reasons of objections, each once, in the order they came."""
    if not objections:
        return ()
    return tuple(dict.fromkeys(objection.reason for objection in objections))
