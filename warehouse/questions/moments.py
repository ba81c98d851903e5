"""Moments as questions are asked and answered: text on the outside."""

from datetime import UTC, datetime

from warehouse.questions import parameters


def last_millisecond(text: str, parameter: str, zone: str = "UTC") -> int:
    """The last ms of what a text names: of a day, of a second, or itself.

    So an inclusive end of 23:59:59 takes in 23:59:59.999. Raises BadInput for what is
    no moment.
    """
    at = parameters.last_millisecond(text, parameter, zone)
    is_whole_second = "T" in text.replace(" ", "T") and "." not in text
    return at + 999 if is_whole_second else at


def written(moment: datetime) -> str:
    """A moment of the warehouse (UTC) as text, such as 2026-03-01T10:00:00.000Z."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + "Z"
