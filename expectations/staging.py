"""The gate before the marts: one sound row an event."""

from collections.abc import Iterable, Sequence
from datetime import date

from expectations import unlike
from expectations.suites import Keyed, Rule, Suite, not_empty
from expectations.taxonomy import event_rules

_event = Keyed("toString(event_id)")


def suites(as_of: date) -> Sequence[Suite]:
    """Everything staged is judged, and compared with the weeks before the day."""
    from warehouse.taxonomy import load

    return (
        Suite(
            database="staging",
            table="stg_events",
            rules=(
                *_EVENTS,
                _planned_or_tagged(load().events),
                *event_rules(),
                *_VOLUME,
            ),
        ),
        Suite(database="staging", table="stg_payments", rules=_PAYMENTS),
        unlike.suite("staging", as_of, "volume", "share", "novelty", "level"),
    )


def _planned_or_tagged(names: Iterable[str]) -> Rule:
    planned = ", ".join(f"'{name}'" for name in sorted(names))
    return _event.never(
        f"event_name not in ({planned}) and not has(tags, 'unplanned_event')",
        name="event_name_is_planned_or_tagged",
        meaning="Every event is in the taxonomy, or was tagged at the door.",
        columns=["event_name", "tags"],
    )


_EVENTS = (
    _event.one_row_per(
        "event_id", meaning="One row per event, however often it was sent."
    ),
    _event.never(
        "event_id is null or empty(toString(event_id))"
        " or toString(event_id) = '00000000-0000-0000-0000-000000000000'",
        name="event_id_is_present",
        meaning="Every event has its id.",
        columns=["event_id"],
    ),
    _event.never(
        "event_name is null or event_name = ''",
        name="event_name_is_present",
        meaning="Every event has a name.",
        columns=["event_name"],
    ),
    _event.never(
        "ifNull(user_id, '') = '' and ifNull(anonymous_id, '') = ''",
        name="person_is_present",
        meaning="Every event belongs to a user or to a device.",
        columns=["user_id", "anonymous_id"],
    ),
    _event.never(
        # a file may tell of a day before 1971; nothing can have arrived live then
        "known_at is null or (not imported and known_at < toDateTime64('1971-01-01', 3,"
        " 'UTC'))",
        name="known_at_is_present",
        meaning="It is known when we learnt of every event.",
        columns=["known_at", "imported"],
    ),
    _event.never(
        "occurred_at > received_at + interval 24 hour",
        name="occurred_at_is_not_in_the_future",
        meaning="No event lies more than 24 hours after its receipt.",
        columns=["occurred_at", "received_at"],
    ),
    _event.never(
        "not isValidJSON(toString(properties))",
        name="properties_are_json",
        meaning="The properties of every event can be read.",
        columns=["properties"],
    ),
)
_VOLUME = (
    not_empty(
        name="events_were_not_lost",
        meaning="Events that lie in raw.events are staged.",
        when="exists(select 1 from raw.events)",
        severity="stop",
    ),
    not_empty(
        name="events_are_present",
        meaning="There are events: none yet is a beginning, not a fault.",
        severity="warn",
    ),
)
_PAYMENTS = (
    _event.one_row_per("event_id", meaning="One row per payment or refund."),
    _event.never(
        "amount_minor is null",
        name="amount_can_be_read",
        meaning="An open source may send money that cannot be read; reports miss it.",
        columns=["amount_minor"],
        severity="warn",
    ),
    _event.never(
        "kind = 'payment' and amount_minor < 0",
        name="payments_are_not_negative",
        meaning="Money that goes back is a refund, not a payment below nothing.",
        columns=["kind", "amount_minor"],
        severity="warn",
    ),
)
