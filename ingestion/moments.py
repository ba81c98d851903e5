"""Moments on the wire (RFC 3339) and in ClickHouse's text form, in milliseconds."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

# What DateTime64 can hold.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2299, 12, 31, tzinfo=UTC)

_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]
_USUAL_LENGTH = len("2026-03-01T10:00:00.000Z")


def read(text: str) -> datetime:
    """A moment as RFC 3339 writes it, zone included. Raises ValueError."""
    if is_usual(text):
        return datetime.fromisoformat(text)
    try:
        moment: datetime = msgspec.convert(text, _Zoned)
    except msgspec.ValidationError as error:
        raise ValueError("no RFC 3339 moment") from error
    return moment


def is_usual(text: str) -> bool:
    """Whether the text has the shape 2026-03-01T10:00:00.000Z."""
    return (
        len(text) == _USUAL_LENGTH
        and text[23] == "Z"
        and text[10] == "T"
        and text[7] == "-"
        and text[19] == "."
    )


def stored(moment: datetime) -> str:
    """A moment as ClickHouse reads it: UTC, milliseconds, the rest cut off."""
    return moment.astimezone(UTC).isoformat(" ", "milliseconds")[:23]


def milliseconds(span: timedelta) -> int:
    """A span in whole milliseconds, rounded down."""
    return span // timedelta(milliseconds=1)
