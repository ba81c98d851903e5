"""A pixel of the stand-in: events by the Conversions API, judged as Meta would.

One bad event refuses its whole request. An event of a name and an id that came before
is taken and counted once. Codes marked (?) could not be checked against Meta.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from activation.standins.account import Answer, Refusal

PIXEL = "1000"
"""The pixel that every stand-in has."""

MOST_EVENTS = 1_000
OLDEST_S = 7 * 86_400
_SLACK_S = 60
_ACTION_SOURCES = frozenset(
    ("app", "business_messaging", "chat", "email", "other", "phone_call")
) | {"physical_store", "system_generated", "website"}
_HASHED = frozenset(("em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country"))
_PLAIN = frozenset(
    ("external_id", "client_ip_address", "client_user_agent", "fbc", "fbp")
) | {"subscription_id", "fb_login_id", "lead_id", "madid", "anon_id"}
_NAMING = {"em", "ph", "external_id", "fbc", "fbp", "madid"}
_DIGEST = re.compile("[0-9a-f]{64}")
_CURRENCY = re.compile("[A-Z]{3}")
_CLICK_ID_VERSION = re.compile(r"fb\.[0-9]\.[0-9]+\..+")


@dataclass(slots=True)
class Pixel:
    """One pixel; `received` counts what came, `events` holds each once.

    Its clock is the world's, since events say when they happened.
    """

    events: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    received: int = 0
    clock: Callable[[], float] = time.time

    def take(self, params: Mapping[str, Any]) -> Answer | Refusal:
        """All events of a request, or why none."""
        data = params.get("data")
        if not isinstance(data, list) or not data:
            return Refusal(100, "(#100) param data must be non-empty.")
        if len(data) > MOST_EVENTS:
            # (?) code
            return Refusal(100, "(#100) Too many events in one request", 2804002)
        refused = next(filter(None, map(self._refused, data)), None)
        if refused:
            return refused
        for event in data:
            self.received += 1
            event_id = str(event.get("event_id") or f"#{self.received}")
            self.events.setdefault((str(event["event_name"]), event_id), event)
        return {"events_received": len(data), "messages": [], "fbtrace_id": "A0"}

    def _refused(self, event: Any) -> Refusal | None:
        """Why an event is not taken."""
        if not isinstance(event, dict):
            return Refusal(100, "(#100) An event must be an object")
        return (
            _of_shape(event)
            or self._of_time(event["event_time"])
            or _of_person(event.get("user_data"))
            or _of_money(event)
        )

    def _of_time(self, at: int) -> Refusal | None:
        if at < self.clock() - OLDEST_S - _SLACK_S:
            return Refusal(100, "Event Timestamp Too Old", 2804003)
        if at > self.clock() + _SLACK_S:
            # (?) subcode
            return Refusal(100, "Event Timestamp In The Future", 2804004)
        return None


def _of_shape(event: Mapping[str, Any]) -> Refusal | None:
    if not event.get("event_name") or not isinstance(event.get("event_time"), int):
        # (?) subcode
        return Refusal(100, "(#100) Missing event_name or event_time", 2804001)
    if event.get("action_source") not in _ACTION_SOURCES:
        # (?) subcode
        return Refusal(100, "(#100) Invalid action_source", 2804007)
    return None


def _of_person(told: Any) -> Refusal | None:
    if not isinstance(told, dict) or not set(told) <= _HASHED | _PLAIN:
        return Refusal(100, "(#100) Invalid user_data", 2804019)
    values = [one for key in _HASHED & set(told) for one in _several(told[key])]
    if not all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in values):
        return Refusal(100, "(#100) Customer information is not hashed", 2804019)
    if "fbc" in told and not _CLICK_ID_VERSION.fullmatch(str(told["fbc"])):
        # (?) subcode
        return Refusal(100, "(#100) Invalid fbc", 2804024)
    if not _NAMING & set(told):
        return Refusal(100, "Not enough customer information", 2804050)
    return None


def _of_money(event: Mapping[str, Any]) -> Refusal | None:
    told = event.get("custom_data") or {}
    if event["event_name"] != "Purchase":
        return None
    if not isinstance(told.get("value"), int | float):
        # (?) subcode
        return Refusal(100, "Missing value for a purchase", 2804008)
    if not _CURRENCY.fullmatch(str(told.get("currency", ""))):
        return Refusal(100, "Missing currency for a purchase", 2804009)
    return None


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
