"""The stand-in's half of conversions: events of the Data Manager, each once."""

import re
from collections import Counter
from typing import Any

from google.ads.datamanager_v1 import types as members
from google.ads.googleads.v26.enums.types.conversion_adjustment_type import (
    ConversionAdjustmentTypeEnum,
)
from google.ads.googleads.v26.services.types.conversion_adjustment_upload_service import (  # noqa: E501 Google's name
    UploadConversionAdjustmentsRequest,
    UploadConversionAdjustmentsResponse,
)

from activation.standins.google_members import consent_missing, unreadable
from activation.standins.google_refusal import Refused, partly_refused
from activation.standins.user_lists import Asked, GoogleState

MOST_EVENTS = 2_000
_Type = ConversionAdjustmentTypeEnum.ConversionAdjustmentType
_CURRENCY = re.compile("[A-Z]{3}")
_TWICE = "PROCESSING_ERROR_REASON_DUPLICATE_TRANSACTION_ID"
_OLD = "PROCESSING_ERROR_REASON_EVENT_TOO_OLD"
_OLDEST_S = 90 * 86_400.0


def ingest(state: GoogleState, request: members.IngestEventsRequest) -> Any:
    """Take conversions; those without consent, too old, or taken before are counted."""
    raw = members.IngestEventsRequest.pb(request)
    action = _action(raw)
    if not raw.events:
        raise Refused("INVALID_ARGUMENT", "REQUIRED_FIELD_MISSING")
    if len(raw.events) > MOST_EVENTS:
        raise Refused("INVALID_ARGUMENT", "TOO_MANY_EVENTS")
    wrong = {
        f"events.events[{index}]": reason
        for index, event in enumerate(raw.events)
        if (reason := _unreadable(event, raw))
    }
    if wrong:
        raise Refused("INVALID_ARGUMENT", next(iter(wrong.values())), fields=wrong)
    if request.validate_only:
        return members.IngestEventsResponse()
    refused: Counter[str] = Counter()
    for event in raw.events:
        reason = _withheld(state, event, raw, action)
        if reason:
            refused[reason] += 1
        else:
            state.events[f"{action}:{event.transaction_id}"] = _told(event, action)
    state.events_received += len(raw.events)
    asked = Asked("events", raw.destinations[0].operating_account.account_id, 0, _done)
    asked.records, asked.refused = len(raw.events), dict(refused)
    return members.IngestEventsResponse(request_id=state.ask(asked))


def correct(state: GoogleState, request: UploadConversionAdjustmentsRequest) -> Any:
    """Take conversions back or restate them; those never told of are refused."""
    wrong: dict[int, str] = {}
    for index, one in enumerate(request.conversion_adjustments):
        action = one.conversion_action.rpartition("/")[2]
        held = state.events.get(f"{action}:{one.order_id}")
        if held is None:
            wrong[index] = "CONVERSION_NOT_FOUND"
        elif one.adjustment_type == _Type.RETRACTION:
            held["value"] = 0.0
        else:
            held["value"] = one.restatement_value.adjusted_value
    return UploadConversionAdjustmentsResponse(
        partial_failure_error=partly_refused(
            wrong, "conversion_adjustment_upload_error", "conversion_adjustments"
        )
    )


def _done() -> None:
    """Events are kept when they are taken."""


def _action(raw: Any) -> str:
    """The conversion action that the events are for. Raises Refused."""
    if not raw.destinations:
        raise Refused("INVALID_ARGUMENT", "REQUIRED_FIELD_MISSING")
    action = str(raw.destinations[0].product_destination_id)
    if not action.isdecimal():
        raise Refused("INVALID_ARGUMENT", "INVALID_CONVERSION_ACTION_ID")
    return action


def _unreadable(event: Any, raw: Any) -> str:
    if not event.HasField("event_timestamp"):
        return "REQUIRED_FIELD_MISSING"
    if not event.transaction_id:
        return "REQUIRED_FIELD_MISSING"
    if event.HasField("conversion_value") and not _CURRENCY.fullmatch(event.currency):
        return "INVALID_CURRENCY_CODE"
    if event.HasField("user_data"):
        if raw.encoding != members.Encoding.HEX:
            return "REQUIRED_FIELD_MISSING"
        return unreadable(event.user_data)
    return "" if event.HasField("ad_identifiers") else "NO_IDENTIFIERS_PROVIDED"


def _withheld(state: GoogleState, event: Any, raw: Any, action: str) -> str:
    """Why an event that can be read is not counted."""
    if f"{action}:{event.transaction_id}" in state.events:
        return _TWICE
    if event.event_timestamp.seconds < state.clock() - _OLDEST_S:
        return _OLD
    return consent_missing(event, raw)


def _told(event: Any, action: str) -> dict[str, Any]:
    return {
        "action": action,
        "transaction_id": event.transaction_id,
        "at": event.event_timestamp.seconds,
        "value": event.conversion_value,
        "currency": event.currency,
        "identifiers": [
            {one.WhichOneof("identifier"): getattr(one, one.WhichOneof("identifier"))}
            for one in event.user_data.user_identifiers
        ],
    }
