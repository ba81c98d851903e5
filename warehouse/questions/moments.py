"""Moments as questions are asked and answered: text on the outside."""

import re
from datetime import UTC, datetime
from typing import Final

from warehouse.questions.parameters import milliseconds

_DAY_MS: Final = 86_400_000
_DAY_ALONE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def last_millisecond(text: str, parameter: str) -> int:
    """The last ms of what a text names: of a day, of a second, or itself.

    So an inclusive end of 23:59:59 takes in 23:59:59.999. Raises BadInput for what is
    no moment.
    """
    begins = milliseconds(text, parameter)
    if _DAY_ALONE.fullmatch(text):
        return begins + _DAY_MS - 1
    return begins if "." in text else begins + 999


def written(moment: datetime) -> str:
    """A moment of the warehouse (UTC) as text, such as 2026-03-01T10:00:00.000Z."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
