"""Moments on the wire (RFC 3339) and in ClickHouse's text form, in milliseconds."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

# What DateTime64 can hold.
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2299

_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]
_USUAL_LENGTH: Final = len("2026-03-01T10:00:00.000Z")


class OutsideCalendar(ValueError):
    """A moment that ClickHouse cannot hold."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A moment beside its text for ClickHouse: UTC, milliseconds, the rest cut off.

    The text is kept because writing it anew is a tenth of an event's cost.
    """

    at: datetime
    stored: str


def moment(at: datetime) -> Moment:
    """A moment with its text."""
    return Moment(at, stored(at))


def read(text: str) -> Moment:
    """A moment as RFC 3339 writes it, zone included.

    Raises ValueError; OutsideCalendar where ClickHouse has no such year.
    """
    if (
        # the shape 2026-03-01T10:00:00.000Z; a call more is a tenth of an envelope
        len(text) == _USUAL_LENGTH
        and text[23] == "Z"
        and text[10] == "T"
        and text[7] == "-"
        and text[19] == "."
        and text.isascii()
    ):
        found = Moment(datetime.fromisoformat(text), f"{text[:10]} {text[11:23]}")
    else:
        try:
            found = moment(msgspec.convert(text, _Zoned))
        except (msgspec.ValidationError, OverflowError) as error:
            raise ValueError("no RFC 3339 moment") from error
    if not _FIRST_YEAR <= found.at.year < _LAST_YEAR:
        raise OutsideCalendar
    return found


def stored(at: datetime) -> str:
    """A moment as ClickHouse reads it."""
    return at.astimezone(UTC).isoformat(" ", "milliseconds")[:23]


def milliseconds(span: timedelta) -> int:
    """A span in whole milliseconds, rounded down."""
    return span // timedelta(milliseconds=1)
