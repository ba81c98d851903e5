"""What went wrong at Google, read from status codes and error reasons alone.

What Google's messages say is not repeated: they may quote what we sent. Of a
refusal we tell its reason, which is a word of Google's own list.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.ads.googleads.errors import GoogleAdsException
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.api_core.exceptions import GoogleAPICallError
from google.rpc.error_details_pb2 import BadRequest, RetryInfo

_FAILURE = "google.ads.googleads.v26.errors.googleadsfailure-bin"
_REASON = re.compile("[A-Z][A-Z0-9_]{1,99}")
_ROW = re.compile(r"(?:audience_members|events)\[([0-9]{1,6})\]")

REPEATABLE = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""After these both SDKs repeat a call by themselves, where it may be repeated."""
_LATER = REPEATABLE | {"RESOURCE_EXHAUSTED", "INTERNAL", "ABORTED", "UNKNOWN"}

AGAIN = frozenset({"CONCURRENT_MODIFICATION"})
"""Reasons that are gone when the call is made again, whatever the code."""

NAME_TAKEN = "NAME_ALREADY_USED"
_BY_REASON: Mapping[str, str] = {
    "ADVERTISER_NOT_ON_ALLOWLIST_FOR_USING_UPLOADED_DATA": (
        "the account may not use Customer Match. Its policy and spend decide that"
    ),
    "CUSTOMER_NOT_FOUND": "there is no such account. Check GOOGLE_CUSTOMER_ID",
    "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE": (
        "the developer token has never uploaded members by an offline job, and Google"
        " lets no new one begin. Set GOOGLE_MEMBERS_BY=data_manager"
    ),
    "DEVELOPER_TOKEN_INVALID": (
        "the developer token is not valid. Put a new one into GOOGLE_DEVELOPER_TOKEN"
    ),
    "DUPLICATE_LOOKALIKE": "the account already has such a lookalike by another name",
    "INVALID_USER_LIST_ID": "the user list is gone. The next push makes it anew",
    "MEMBERSHIP_DURATION_TOO_LONG": "the list keeps members longer than 540 days",
    "NOT_ALLOWLISTED": "the account may not use this feature of the Data Manager API",
    "TERMS_AND_CONDITIONS_NOT_SIGNED": (
        "the Customer Match terms are not accepted. A person of the business accepts"
        " them once in Google Ads, under Audience Manager"
    ),
    "USER_PERMISSION_DENIED": (
        "these credentials have no access to the account. If it is reached through a"
        " manager account, set GOOGLE_LOGIN_CUSTOMER_ID"
    ),
}
_BY_CODE: Mapping[str, str] = {
    "UNAUTHENTICATED": (
        "the credentials or the developer token are not valid. Renew"
        " GOOGLE_REFRESH_TOKEN or GOOGLE_DEVELOPER_TOKEN"
    ),
    "PERMISSION_DENIED": "the credentials have no access to the account",
    "RESOURCE_EXHAUSTED": "a quota is used up",
    "UNAVAILABLE": "no answer came. Check GOOGLE_ENDPOINT and the network",
    "DEADLINE_EXCEEDED": "no answer came in time",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """An answer that is no success: gRPC's code, Google's reasons, the wait asked."""

    code: str
    reasons: tuple[str, ...] = ()
    wait_s: float = 0.0
    rows: Mapping[int, str] = field(default_factory=dict)
    """The rows of the request that Google could not read, and why."""

    @property
    def is_final(self) -> bool:
        """Whether no later call will succeed either."""
        return self.code not in _LATER and not AGAIN & set(self.reasons)

    @property
    def is_passing(self) -> bool:
        """Whether the call was not carried out, and may be made again at once."""
        return bool(AGAIN & set(self.reasons))

    @property
    def explained(self) -> str:
        """What it is and what to do, without anything that we sent."""
        known = next(
            (_BY_REASON[reason] for reason in self.reasons if reason in _BY_REASON),
            _BY_CODE.get(self.code, "see the code" if self.is_final else "try later"),
        )
        if self.wait_s:
            known += f"; Google asks for {self.wait_s:.0f} s of quiet"
        return f"{known} (error {' '.join((self.code, *self.reasons))})."


def trouble_of(error: Exception) -> Trouble:
    """What an SDK's exception means."""
    if isinstance(error, GoogleAdsException):
        return _of_failure(error.error.code().name, error.failure)
    if isinstance(error, GoogleAPICallError):
        return _of_api(error)
    code = error.code().name if isinstance(error, grpc.Call) else "UNAVAILABLE"
    return Trouble(code)


def _of_api(error: GoogleAPICallError) -> Trouble:
    code = getattr(error.grpc_status_code, "name", "UNKNOWN")
    for cause in error.errors:
        # quota errors keep Google Ads' own words in the trailing metadata
        for key, value in getattr(cause, "trailing_metadata", tuple)() or ():
            if key == _FAILURE:
                return _of_failure(code, GoogleAdsFailure.deserialize(value))
    waits = [
        detail.retry_delay.ToTimedelta().total_seconds()
        for detail in error.details
        if isinstance(detail, RetryInfo)
    ]
    reason, wait_s = _fit([error.reason or ""]), max(waits, default=0.0)
    return Trouble(code, reason, wait_s, _rows(error.details))


def _rows(details: Iterable[Any]) -> Mapping[int, str]:
    """Rows that cannot be read, by their place in the request; messages left aside."""
    found = {}
    for detail in details:
        if isinstance(detail, BadRequest):
            for violation in detail.field_violations:
                row = _ROW.search(violation.field)
                if row:
                    reason = _fit([violation.reason]) or ("UNREADABLE",)
                    found[int(row.group(1))] = reason[0].lower()
    return found


def _of_failure(code: str, failure: Any) -> Trouble:
    found = [_read(one) for one in failure.errors]
    return Trouble(
        code,
        _fit(reason for reason, _ in found),
        max((wait for _, wait in found), default=0.0),
    )


def rows_refused(failure: Any) -> Mapping[int, str]:
    """The operations that a failure is about, by their place, and why."""
    found = {}
    for one in failure.errors:
        places = [
            element.index
            for element in one.location.field_path_elements
            if element.field_name in {"operations", "conversion_adjustments"}
        ]
        reason, _ = _read(one)
        for place in places:
            found[place] = (_fit([reason]) or ("UNREADABLE",))[0].lower()
    return found


def _read(error: Any) -> tuple[str, float]:
    """The reason of one Google Ads error, and the wait that it asks for."""
    message = type(error).pb(error) if hasattr(type(error), "pb") else error
    field = message.error_code.WhichOneof("error_code")
    if field is None:
        return "", 0.0
    number = getattr(message.error_code, field)
    known = message.error_code.DESCRIPTOR.fields_by_name[field].enum_type
    wait = message.details.quota_error_details.retry_delay.ToTimedelta()
    return known.values_by_number[number].name, wait.total_seconds()


def _fit(reasons: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in reasons if _REASON.fullmatch(one)))
