"""A refusal of the stand-in of Google's APIs."""

from collections.abc import Mapping
from typing import Any, NoReturn

import grpc
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

_FAILURE = "google.ads.googleads.v26.errors.googleadsfailure-bin"
_SAID = "The stand-in refused, quoting what it was sent"


class Refused(Exception):
    """A gRPC code, a reason of Google's lists, and the group Google Ads has it in.

    `fields` names the fields of a request that can't be read, each with its reason.
    """

    def __init__(
        self,
        code: str,
        reason: str,
        *,
        field: str = "",
        wait_s: int = 0,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.wait_s = code, reason, wait_s
        self.fields = fields or {}
        self.field = field or _GROUPS.get(reason, "user_list_error")


_GROUPS = {
    "CONCURRENT_MODIFICATION": "database_error",
    "CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE": "not_allowlisted_error",
    "DEVELOPER_TOKEN_INVALID": "authentication_error",
    "RESOURCE_TEMPORARILY_EXHAUSTED": "quota_error",
    "RESOURCE_EXHAUSTED": "quota_error",
}


def abort(context: grpc.ServicerContext, refused: Refused, *, is_ads: bool) -> NoReturn:
    """End a call as the API would, with its reason where that API puts it."""
    code = grpc.StatusCode[refused.code]
    if refused.reason or refused.wait_s or refused.fields:
        details = (_of_ads if is_ads else _of_members)(refused)
        context.set_trailing_metadata(details)
    context.abort(code, _SAID)
    raise refused


def _of_ads(refused: Refused) -> tuple[tuple[str, bytes], ...]:
    error: dict[str, Any] = {"message": _SAID}
    if refused.reason:
        error["error_code"] = {refused.field: refused.reason}
    if refused.wait_s:
        error["details"] = {
            "quota_error_details": {"retry_delay": Duration(seconds=refused.wait_s)}
        }
    failure = GoogleAdsFailure(errors=[error])
    return ((_FAILURE, GoogleAdsFailure.serialize(failure)),)


def _of_members(refused: Refused) -> tuple[tuple[str, bytes], ...]:
    status = Status(code=grpc.StatusCode[refused.code].value[0], message=_SAID)
    details: list[Any] = []
    if refused.reason:
        details.append(
            ErrorInfo(reason=refused.reason, domain="datamanager.googleapis.com")
        )
    if refused.wait_s:
        details.append(RetryInfo(retry_delay=Duration(seconds=refused.wait_s)))
    if refused.fields:
        violations = [
            BadRequest.FieldViolation(field=field, reason=reason, description=_SAID)
            for field, reason in refused.fields.items()
        ]
        details.append(BadRequest(field_violations=violations))
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def partly_refused(
    wrong: Mapping[int, str], group: str, operations: str
) -> Status | None:
    """Which operations of a request failed, as an answer says it; None when none."""
    if not wrong:
        return None
    errors = [
        {
            "error_code": {group: reason},
            "location": {
                "field_path_elements": [{"field_name": operations, "index": index}]
            },
        }
        for index, reason in wrong.items()
    ]
    packed = Packed()
    packed.Pack(GoogleAdsFailure.pb(GoogleAdsFailure(errors=errors)))
    return Status(code=3, message="Some failed", details=[packed])
