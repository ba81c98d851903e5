"""Conversions to Meta: events of a pixel (dataset), by the Conversions API.

Meta counts an event of a name and an id once within 48 hours, takes none older than
seven days, and takes none back: what was refunded before is left out. One event that it
can't take refuses its whole request, which is then cut in halves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from activation.conversions.values import PURCHASE, WON_BACK, Conversion
from activation.destinations.protocol import Answer, Outcome
from warehouse.errors import DestinationRefused, Unavailable

if TYPE_CHECKING:
    from facebook_business.api import FacebookAdsApi

EVENTS_A_REQUEST = 1_000
NAMES: Mapping[str, str] = {PURCHASE: "Purchase", WON_BACK: "WonBack"}
_KEYS: Mapping[str, str] = {
    "EMAIL": "em",
    "PHONE": "ph",
    "FN": "fn",
    "LN": "ln",
    "CT": "ct",
    "ST": "st",
    "ZIP": "zp",
    "COUNTRY": "country",
    "EXTERN_ID": "external_id",
}
"""Key of an audience → key of an event."""
_OF_ONE_EVENT = "(error 100/2804"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaPixel:
    """One pixel."""

    api: "FacebookAdsApi"
    pixel_id: str

    @property
    def platform(self) -> str:
        """Its name in the ledger."""
        return "meta"

    @property
    def kinds(self) -> Sequence[str]:
        """Every kind has an event."""
        return tuple(NAMES)

    @property
    def events_a_batch(self) -> int:
        """As many as one request takes."""
        return EVENTS_A_REQUEST

    @property
    def reach(self) -> timedelta:
        """Seven days, less the time until the call is made."""
        return timedelta(days=7) - timedelta(hours=1)

    @property
    def counts_once_for(self) -> timedelta:
        """48 hours, less the time until the call is made."""
        return timedelta(hours=47)

    def send(self, kind: str, conversions: Sequence[Conversion]) -> Answer:
        """Post events, halving a batch with one that Meta can't take."""
        try:
            self._posted(kind, conversions)
        except DestinationRefused as refused:
            if _OF_ONE_EVENT not in str(refused):
                raise
            if len(conversions) == 1:
                return Answer(invalid=1, refused={0: str(refused)})
            half = len(conversions) // 2
            first = self.send(kind, conversions[:half])
            rest = self.send(kind, conversions[half:])
            moved = {half + place: why for place, why in rest.refused.items()}
            return Answer(
                received=first.received + rest.received,
                invalid=first.invalid + rest.invalid,
                refused={**first.refused, **moved},
            )
        return Answer(received=len(conversions))

    def outcome(self, request_id: str) -> Outcome:
        """What Meta took is counted."""
        raise DestinationRefused(f"Meta knows of no request {request_id!r}.")

    def _posted(self, kind: str, conversions: Sequence[Conversion]) -> None:
        from activation.graph import post

        data = [event(kind, one) for one in conversions]
        answer = post(self.api, self.pixel_id, "events", {"data": data})
        if answer.get("events_received") != len(data):
            raise Unavailable(
                "Meta's answer to events does not say that it took them all. The same"
                " events may be sent again; it counts each once."
            )


def event(kind: str, conversion: Conversion) -> dict[str, object]:
    """An event in Meta's words; of the person, digests alone."""
    payment, known = conversion.payment, conversion.identity
    person = {
        theirs: [known[ours].hex] for ours, theirs in _KEYS.items() if known[ours].hex
    }
    return {
        "event_name": NAMES[kind],
        "event_id": payment.event_id,
        "event_time": int(payment.occurred_at.timestamp()),
        "action_source": "system_generated",
        "user_data": person,
        "custom_data": {
            "currency": payment.currency,
            "value": payment.value,
            "order_id": payment.payment_id,
        },
    }
