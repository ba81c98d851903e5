"""Members of Google's user lists by the Data Manager API, and what became of them.

Every request is taken first and carried out later, in no promised order. A request
with one member that cannot be read is refused as a whole; where Google says which one
it was, the others are sent without.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from google.ads.datamanager_v1 import types as members

from activation.destinations.protocol import Answer, Member, Outcome
from activation.google_account import TIMEOUT_S, GoogleAccount, MembersRefused
from activation.identifiers import Identity

MEMBERS_A_REQUEST = 10_000
LISTS_A_REQUEST = 10
NO_IDENTIFIER = "no e-mail address or phone number"
_Status = members.RequestStatusPerDestination.RequestStatus
_DONE = {_Status.SUCCESS, _Status.PARTIAL_SUCCESS, _Status.FAILED}
_OWN_FAULT = "internal_error"
_REASON = re.compile("(?:PROCESSING_ERROR_(?:REASON_)?)?([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataManager:
    """The members of one account's lists."""

    account: GoogleAccount

    def add(self, list_id: str, people: Sequence[Member]) -> Answer:
        """Ask Google to put members in."""
        target = [self._target(list_id)]
        return self._asked(
            "an upload of members",
            [one.identity for one in people],
            lambda identities: self.account.members.ingest_audience_members(
                request=upload(target, identities), retry=None, timeout=TIMEOUT_S
            ),
        )

    def remove(self, list_ids: Sequence[str], people: Sequence[Identity]) -> Answer:
        """Ask Google to take people out of at most ten lists."""
        targets = [self._target(one) for one in list_ids]
        return self._asked(
            "a removal of members",
            people,
            lambda identities: self.account.members.remove_audience_members(
                request=removal(targets, identities), retry=None, timeout=TIMEOUT_S
            ),
        )

    def remove_all(self, list_id: str) -> str:
        """Ask Google to take out all who were added before now; the request's id."""
        request = members.RemoveAllAudienceMembersRequest(
            destinations=[self._target(list_id)]
        )
        return str(
            self.account.call(
                "the removal of all members",
                lambda: self.account.members.remove_all_audience_members(
                    request=request, retry=None, timeout=TIMEOUT_S
                ),
            ).request_id
        )

    def outcome(self, request_id: str) -> Outcome:
        """How a request stands; pending until every list of it is done."""
        request = members.RetrieveRequestStatusRequest(request_id=request_id)
        answer = self.account.call_again(
            "a look at a request",
            lambda: self.account.members.retrieve_request_status(
                request=request, retry=None, timeout=TIMEOUT_S
            ),
        )
        return outcome_of(list(answer.request_status_per_destination))

    def _asked(
        self,
        what: str,
        people: Sequence[Identity],
        request: Callable[[Sequence[Identity]], Any],
    ) -> Answer:
        """Send those who can be read; sent twice, a request changes nothing."""
        refused: dict[int, str] = {
            index: NO_IDENTIFIER
            for index, identity in enumerate(people)
            if not any(digest.hex for digest in identity.values())
        }
        while len(refused) < len(people):
            sent = [index for index in range(len(people)) if index not in refused]
            identities = [people[index] for index in sent]
            try:
                taken = self.account.call_again(what, partial(request, identities))
            except MembersRefused as error:
                found = {
                    sent[index]: reason
                    for index, reason in error.members.items()
                    if index < len(sent)
                }
                if not found:
                    raise
                refused |= found
                continue
            return Answer(
                request_id=str(taken.request_id),
                received=len(sent),
                invalid=len(refused),
                refused=refused,
            )
        return Answer(invalid=len(refused), refused=refused)

    def _target(self, list_id: str) -> members.Destination:
        """A user list in the words of the Data Manager."""
        return destination(self.account, list_id)


def destination(account: GoogleAccount, product_id: str) -> members.Destination:
    """Something of the account that data go to: a user list, a conversion action."""
    google_ads = members.ProductAccount.AccountType.GOOGLE_ADS
    return members.Destination(
        operating_account={
            "account_type": google_ads,
            "account_id": account.customer_id,
        },
        login_account={
            "account_type": google_ads,
            "account_id": account.login_customer_id or account.customer_id,
        },
        product_destination_id=product_id,
    )


def upload(
    targets: Sequence[members.Destination], people: Sequence[Identity]
) -> members.IngestAudienceMembersRequest:
    """A request to add people who have consented: nobody else is ever sent."""
    granted = members.ConsentStatus.CONSENT_GRANTED
    request = members.IngestAudienceMembersRequest(
        destinations=targets,
        encoding=members.Encoding.HEX,
        terms_of_service={
            "customer_match_terms_of_service_status": (
                members.TermsOfServiceStatus.ACCEPTED
            )
        },
    )
    # straight into the protobuf message: twenty times as fast as through its wrapper
    message = members.IngestAudienceMembersRequest.pb(request)
    for person in people:
        member = message.audience_members.add()
        member.consent.ad_user_data = granted
        member.consent.ad_personalization = granted
        name(member.user_data, person)
    return request


def removal(
    targets: Sequence[members.Destination], people: Sequence[Identity]
) -> members.RemoveAudienceMembersRequest:
    """A request to take people out."""
    request = members.RemoveAudienceMembersRequest(
        destinations=targets, encoding=members.Encoding.HEX
    )
    message = members.RemoveAudienceMembersRequest.pb(request)
    for person in people:
        name(message.audience_members.add().user_data, person)
    return request


def name(user_data: Any, person: Identity) -> None:
    """Write a person's digests into a message."""
    for key, digest in person.items():
        if digest.hex:
            setattr(user_data.user_identifiers.add(), key, digest.hex)


def outcome_of(told: Sequence[members.RequestStatusPerDestination]) -> Outcome:
    """What the lists of a request say together.

    Without any list there is nothing to be said yet. A request that failed for one
    list and not for another is done in part.
    """
    states = [one.request_status for one in told]
    if not told or not set(states) <= _DONE:
        return Outcome(state="pending")
    reasons: Counter[str] = Counter()
    for one in told:
        reasons.update(
            {word(count.reason): count.record_count for count in _errors(one)}
        )
    return Outcome(
        state=_together(states),
        received=sum(_records(one) for one in told),
        invalid=sum(reasons.values()),
        reasons=reasons,
        left_out_may_pass=_OWN_FAULT in reasons,
        match_rate=", ".join(filter(None, map(_match_rate, told))),
    )


def word(reason: Any) -> str:
    """A reason of Google's list, such as `denied_consent`."""
    found = _REASON.fullmatch(getattr(reason, "name", ""))
    return found.group(1).lower() if found else "unknown_reason"


def _together(states: Sequence[Any]) -> Any:
    if set(states) == {_Status.SUCCESS}:
        return "done"
    return "failed" if set(states) == {_Status.FAILED} else "partly"


def _errors(told: members.RequestStatusPerDestination) -> Sequence[Any]:
    return list(told.error_info.error_counts)


def _records(told: members.RequestStatusPerDestination) -> int:
    """Rows that Google says it got; nothing for a removal of all."""
    ingested = told.audience_members_ingestion_status.user_data_ingestion_status
    removed = told.audience_members_removal_status.user_data_removal_status
    events = told.events_ingestion_status
    return int(ingested.record_count or removed.record_count or events.record_count)


def _match_rate(told: members.RequestStatusPerDestination) -> str:
    """Google's range in words like `81 to 90 %`; empty where it says none."""
    ingested = told.audience_members_ingestion_status.user_data_ingestion_status
    return match_rate(ingested.upload_match_rate_range)


def match_rate(told: Any) -> str:
    """A range of Google's in words; empty where it does not say."""
    return _MATCH_RATES.get(getattr(told, "name", "").rpartition("RANGE_")[2], "")


_MATCH_RATES: Mapping[str, str] = {
    "LESS_THAN_20": "less than 20 %",
    **{
        f"{low}_TO_{high}": f"{low} to {high} %"
        for low, high in [(20, 30), *((low, low + 9) for low in range(31, 92, 10))]
    },
}
"""Google's word for a range of match rates → ours."""


def joined(answers: Sequence[Answer]) -> Answer:
    """Several answers as one, with all of their requests."""
    return Answer(
        request_id=" ".join(one.request_id for one in answers if one.request_id),
        received=sum(one.received for one in answers),
        invalid=sum(one.invalid for one in answers),
    )
