"""Conversions to Google: events by the Data Manager, corrections by google-ads.

Google counts a transaction of a conversion action once. What is refunded after it was
told is taken back, or restated where a part was refunded, a day later at the earliest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.ads.datamanager_v1 import types as members
from google.ads.googleads.v26.enums.types.conversion_adjustment_type import (
    ConversionAdjustmentTypeEnum,
)
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.ads.googleads.v26.services.types import (
    conversion_adjustment_upload_service as adjustments,
)

from activation.conversions.values import Conversion, Payment
from activation.destinations.protocol import Answer, Outcome
from activation.google_account import TIMEOUT_S, GoogleAccount, MembersRefused
from activation.google_members import DataManager, destination, name
from activation.google_troubles import rows_refused

EVENTS_A_REQUEST = 2_000
_Type = ConversionAdjustmentTypeEnum.ConversionAdjustmentType


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleConversions:
    """The conversion actions of one account: `actions` maps a kind to its number."""

    account: GoogleAccount
    actions: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> str:
        """Its name in the ledger."""
        return "google"

    @property
    def kinds(self) -> Sequence[str]:
        """Those that have a conversion action."""
        return tuple(self.actions)

    @property
    def events_a_batch(self) -> int:
        """As many as one request takes."""
        return EVENTS_A_REQUEST

    @property
    def reach(self) -> timedelta:
        """Late payments count; a month of them is enough for the first run."""
        return timedelta(days=30)

    @property
    def counts_once_for(self) -> timedelta:
        """Always: by the transaction."""
        return timedelta(days=3_650)

    @property
    def corrects_after(self) -> timedelta:
        """Google takes no correction on the first day."""
        return timedelta(hours=25)

    def send(self, kind: str, conversions: Sequence[Conversion]) -> Answer:
        """Send events; those that Google can't read are named, the others sent."""
        self.account.sign_in()
        refused: dict[int, str] = {}
        while len(refused) < len(conversions):
            sent = [n for n in range(len(conversions)) if n not in refused]
            request = events(
                self.account, self.actions[kind], [conversions[n] for n in sent]
            )
            try:
                taken = self._ingested(request)
            except MembersRefused as error:
                found = {sent[n]: why for n, why in error.members.items()}
                if not found:
                    raise
                refused |= found
                continue
            return Answer(
                request_id=taken,
                received=len(sent),
                invalid=len(refused),
                refused=refused,
            )
        return Answer(invalid=len(refused), refused=refused)

    def outcome(self, request_id: str) -> Outcome:
        """How a request stands."""
        self.account.sign_in()
        return DataManager(account=self.account).outcome(request_id)

    def correct(
        self, kind: str, payments: Sequence[Payment], at: datetime
    ) -> Mapping[int, str]:
        """Take back what was refunded whole, restate the rest."""
        self.account.sign_in()
        customer = self.account.customer_id
        action = f"customers/{customer}/conversionActions/{self.actions[kind]}"
        request = adjustments.UploadConversionAdjustmentsRequest(
            customer_id=customer,
            partial_failure=True,
            conversion_adjustments=[correction(one, action, at) for one in payments],
        )
        answer = self.account.call_again(
            "a correction of conversions",
            lambda: self.account.adjustments.upload_conversion_adjustments(
                request=request, retry=None, timeout=TIMEOUT_S
            ),
        )
        return _refused(answer)

    def _ingested(self, request: members.IngestEventsRequest) -> str:
        return str(
            self.account.call_again(
                "an upload of conversions",
                lambda: self.account.members.ingest_events(
                    request=request, retry=None, timeout=TIMEOUT_S
                ),
            ).request_id
        )


def events(
    account: GoogleAccount, action: str, conversions: Sequence[Conversion]
) -> members.IngestEventsRequest:
    """A request with events of people who have consented."""
    granted = members.ConsentStatus.CONSENT_GRANTED
    request = members.IngestEventsRequest(
        destinations=[destination(account, action)], encoding=members.Encoding.HEX
    )
    message = members.IngestEventsRequest.pb(request)
    for one in conversions:
        event, payment = message.events.add(), one.payment
        event.transaction_id = payment.payment_id
        event.event_timestamp.FromDatetime(payment.occurred_at.astimezone(UTC))
        event.event_source = members.EventSource.OTHER
        event.currency = payment.currency
        event.conversion_value = payment.value
        event.consent.ad_user_data = granted
        event.consent.ad_personalization = granted
        name(event.user_data, one.identity)
    return request


def correction(
    payment: Payment, action: str, at: datetime
) -> adjustments.ConversionAdjustment:
    """What a payment comes to now; taken back when nothing is left of it."""
    made = adjustments.ConversionAdjustment(
        conversion_action=action,
        order_id=payment.payment_id,
        adjustment_date_time=at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00:00"),
        adjustment_type=_Type.RESTATEMENT if payment.amount_minor else _Type.RETRACTION,
    )
    if payment.amount_minor:
        made.restatement_value = {
            "adjusted_value": payment.value,
            "currency_code": payment.currency,
        }
    return made


def _refused(answer: Any) -> Mapping[int, str]:
    found: dict[int, str] = {}
    for detail in answer.partial_failure_error.details:
        if detail.type_url.endswith("GoogleAdsFailure"):
            found |= rows_refused(GoogleAdsFailure.deserialize(detail.value))
    return found
