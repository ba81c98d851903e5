"""The stand-in's half of the Data Manager: members come, go, and are asked after."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from google.ads.datamanager_v1 import types as members

from activation.standins.google_refusal import Refused
from activation.standins.held import Row
from activation.standins.user_lists import (
    Asked,
    GoogleState,
    UserListHeld,
    addition,
    removal,
)

MOST_MEMBERS = 10_000
MOST_IDENTIFIERS = 10
MOST_DESTINATIONS = 10
_TOLD_FROM = 1_000
_DIGEST = re.compile("[0-9a-f]{64}")
_Results = members.RequestStatusPerDestination
_DIGESTS = frozenset({"email_address", "phone_number"})
_DENIED = "PROCESSING_ERROR_REASON_DENIED_CONSENT"
_UNSAID = "PROCESSING_ERROR_REASON_NO_CONSENT"
_LEFT_OUT = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"
_Range = members.MatchRateRange


def ingest(state: GoogleState, request: members.IngestAudienceMembersRequest) -> Any:
    """Add members; those without consent are counted and left out."""
    held = _list(state, request.destinations)
    _require_terms(state, request)
    # the raw message: wrapping ten thousand members takes a second
    raw = members.IngestAudienceMembersRequest.pb(request)
    rows = list(_rows(raw))
    refused = {
        reason: count
        for reason in (_DENIED, _UNSAID)
        if (
            count := sum(
                consent_missing(row, raw) == reason for row in raw.audience_members
            )
        )
    }
    added = [
        row
        for row, member in zip(rows, raw.audience_members, strict=True)
        if not consent_missing(member, raw)
    ]
    if request.validate_only:
        return members.IngestAudienceMembersResponse()
    refused |= _leave_out(state, added)
    asked = _asked("ingest", request.destinations, held, addition(state, held, added))
    asked.records, asked.refused = len(rows), refused
    return members.IngestAudienceMembersResponse(request_id=state.ask(asked))


def remove(state: GoogleState, request: members.RemoveAudienceMembersRequest) -> Any:
    """Take out whoever is named by any identifier."""
    several = [_list(state, [one]) for one in _few(request.destinations)]
    rows = list(_rows(members.RemoveAudienceMembersRequest.pb(request)))
    records = len(rows)
    refused = _leave_out(state, rows)

    def carry_out() -> None:
        for held in several:
            held.people.take(rows)

    asked = _asked("remove", request.destinations, several[0], carry_out)
    asked.records, asked.refused = records, refused
    return members.RemoveAudienceMembersResponse(request_id=state.ask(asked))


def remove_all(
    state: GoogleState, request: members.RemoveAllAudienceMembersRequest
) -> Any:
    """Take out all who were last added before a moment, which is never to come."""
    held = _list(state, request.destinations)
    as_of = None
    if "remove_as_of_time" in request:
        as_of = request.remove_as_of_time.timestamp()
        if as_of > state.clock():
            raise Refused("INVALID_ARGUMENT", "INVALID_ARGUMENT")
    asked = _asked(
        "remove_all", request.destinations, held, removal(state, held, as_of)
    )
    return members.RemoveAllAudienceMembersResponse(request_id=state.ask(asked))


def status(state: GoogleState, request: members.RetrieveRequestStatusRequest) -> Any:
    """How a request stands."""
    asked = state.look(request.request_id)
    if asked is None:
        raise Refused("NOT_FOUND", "INVALID_REQUEST_ID")
    told = _Results(request_status=_standing(asked))
    counts = dict(asked.refused)
    if asked.failed_because:
        counts = {asked.failed_because: asked.records}
    if asked.is_done:
        told.error_info = {
            "error_counts": [
                {"reason": members.ProcessingErrorReason[reason], "record_count": count}
                for reason, count in counts.items()
            ]
        }
        _count(told, asked)
    return members.RetrieveRequestStatusResponse(request_status_per_destination=[told])


def _leave_out(state: GoogleState, rows: list[Row]) -> dict[str, int]:
    """Drop the last of them, if that was asked for; how many, by the reason."""
    if not state.leaves_out:
        return {}
    count = min(state.leaves_out, len(rows))
    del rows[len(rows) - count :]
    state.leaves_out = 0
    return {_LEFT_OUT: count}


def _standing(asked: Asked) -> Any:
    if not asked.is_done:
        return _Results.RequestStatus.PROCESSING
    if asked.failed_because:
        return _Results.RequestStatus.FAILED
    if asked.refused:
        return _Results.RequestStatus.PARTIAL_SUCCESS
    return _Results.RequestStatus.SUCCESS


def _count(told: Any, asked: Asked) -> None:
    """The counts are in a place of their own for each kind of request."""
    match asked.kind:
        case "ingest":
            told.audience_members_ingestion_status = {
                "user_data_ingestion_status": {
                    "record_count": asked.records,
                    "upload_match_rate_range": _match_rate(asked.records),
                }
            }
        case "remove":
            told.audience_members_removal_status = {
                "user_data_removal_status": {"record_count": asked.records}
            }
        case "events":
            told.events_ingestion_status = {"record_count": asked.records}
        case _:
            told.remove_all_audience_members_status = {}


def _match_rate(records: int) -> Any:
    """Google tells a range for large uploads alone; which one is the stand-in's."""
    if records < _TOLD_FROM:
        return _Range.MATCH_RATE_RANGE_NOT_ELIGIBLE
    return _Range.MATCH_RATE_RANGE_61_TO_70


def _require_terms(
    state: GoogleState, request: members.IngestAudienceMembersRequest
) -> None:
    said = request.terms_of_service.customer_match_terms_of_service_status
    if said != members.TermsOfServiceStatus.ACCEPTED or not state.terms_are_accepted:
        raise Refused("FAILED_PRECONDITION", "TERMS_AND_CONDITIONS_NOT_SIGNED")


def _asked(
    kind: str, destinations: Sequence[Any], held: UserListHeld, carry_out: Any
) -> Asked:
    account = destinations[0].operating_account.account_id
    return Asked(kind, account, held.id, carry_out)


def _few(destinations: Sequence[Any]) -> Sequence[Any]:
    """The destinations of a request, if they are not too many. Raises Refused."""
    if not destinations or len(destinations) > MOST_DESTINATIONS:
        raise Refused("INVALID_ARGUMENT", "TOO_MANY_DESTINATIONS")
    return destinations


def _list(state: GoogleState, destinations: Sequence[Any]) -> UserListHeld:
    """The list meant. Raises Refused. Only removals are stood for from several."""
    target = _few(destinations)[0]
    google_ads = members.ProductAccount.AccountType.GOOGLE_ADS
    if target.operating_account.account_type != google_ads:
        raise Refused("INVALID_ARGUMENT", "INVALID_DESTINATION")
    lists = state.lists_of(target.operating_account.account_id)
    number = target.product_destination_id
    held = lists.get(int(number)) if number.isdecimal() else None
    if held is None:
        raise Refused("INVALID_ARGUMENT", "INVALID_USER_LIST_ID")
    if held.kind != "CRM_BASED":
        raise Refused("INVALID_ARGUMENT", "INVALID_USER_LIST_TYPE")
    return held


def _rows(raw: Any) -> Iterator[Row]:
    """The members of a request, each by its identifiers. Raises Refused."""
    if raw.encoding != members.Encoding.HEX:
        raise Refused("INVALID_ARGUMENT", "REQUIRED_FIELD_MISSING")
    if not raw.audience_members:
        raise Refused("INVALID_ARGUMENT", "REQUIRED_FIELD_MISSING")
    if len(raw.audience_members) > MOST_MEMBERS:
        raise Refused("INVALID_ARGUMENT", "TOO_MANY_AUDIENCE_MEMBERS")
    wrong = {
        f"audience_members.audience_members[{index}].user_data": reason
        for index, member in enumerate(raw.audience_members)
        if (reason := unreadable(member.user_data))
    }
    if wrong:
        raise Refused("INVALID_ARGUMENT", next(iter(wrong.values())), fields=wrong)
    for member in raw.audience_members:
        yield tuple(sorted(map(_identifier, member.user_data.user_identifiers)))


def unreadable(user_data: Any) -> str:
    """Why a person is not understood, in Google's word; empty when they are."""
    identifiers = user_data.user_identifiers
    if not identifiers:
        return "NO_IDENTIFIERS_PROVIDED"
    if len(identifiers) > MOST_IDENTIFIERS:
        return "TOO_MANY_USER_IDENTIFIERS"
    if not all(_DIGEST.fullmatch(_identifier(one)[1]) for one in identifiers):
        return "INVALID_SHA256_FORMAT"
    return ""


def _identifier(one: Any) -> tuple[str, str]:
    kind = one.WhichOneof("identifier") or ""
    return kind, getattr(one, kind) if kind in _DIGESTS else ""


def consent_missing(member: Any, request: Any) -> str:
    """Why somebody is left out. Their own consent goes before the request's."""
    given = member.consent if member.HasField("consent") else request.consent
    answers = {given.ad_user_data, given.ad_personalization}
    if int(members.ConsentStatus.CONSENT_DENIED) in answers:
        return _DENIED
    return "" if answers == {int(members.ConsentStatus.CONSENT_GRANTED)} else _UNSAID
