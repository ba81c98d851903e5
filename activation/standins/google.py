"""A stand-in of Google's ad APIs over gRPC: `questlog serve google-standin`.

It speaks what `activation.google` relies on of Google Ads v26 (user lists) and of the
Data Manager (members), limits and errors included. What it can't show is whether
Google would match a person: it counts rows.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from google.ads.datamanager_v1 import types as members
from google.ads.googleads.v26.errors.types.errors import GoogleAdsFailure
from google.ads.googleads.v26.services.types import (
    google_ads_service,
    user_list_service,
)
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from activation.standins import google_lists, google_members
from activation.standins.google_refusal import Refused
from activation.standins.user_lists import GoogleState
from warehouse.errors import StackFailed

_FAILURE = "google.ads.googleads.v26.errors.googleadsfailure-bin"
_ADS = "google.ads.googleads.v26.services"
_MEMBERS = "google.ads.datamanager.v1.IngestionService"
_MOST_BYTES = 64 * 2**20
_WORKERS = 4
_SAID = "The stand-in refused, quoting what it was sent"


@dataclass(slots=True, kw_only=True)
class GoogleFault:
    """Something that goes wrong `times` times with a method, after `after` went well.

    `answer_is_lost`: the call is carried out, and the caller never hears of it.
    """

    method: str
    code: str = "UNAVAILABLE"
    reason: str = ""
    times: int = 1
    after: int = 0
    wait_s: int = 0
    answer_is_lost: bool = False


@dataclass(slots=True)
class GoogleStandin:
    """One stand-in: what it holds, what shall go wrong, and the headers it was sent."""

    state: GoogleState
    faults: list[GoogleFault] = field(default_factory=list)
    token_is_revoked: bool = False
    headers: list[dict[str, str]] = field(default_factory=list)

    def next_fault(self, method: str) -> GoogleFault | None:
        """The fault that befalls a call, now spent once."""
        for fault in self.faults:
            if fault.method == method:
                if fault.after > 0:
                    fault.after -= 1
                    return None
                fault.times -= 1
                if fault.times < 1:
                    self.faults.remove(fault)
                return fault
        return None


Method = Callable[[GoogleState, Any], Any]
_METHODS: Mapping[str, Mapping[str, tuple[Method, Any, Any]]] = {
    f"{_ADS}.UserListService": {
        "MutateUserLists": (
            google_lists.mutate,
            user_list_service.MutateUserListsRequest,
            user_list_service.MutateUserListsResponse,
        ),
    },
    f"{_ADS}.GoogleAdsService": {
        "Search": (
            google_lists.search,
            google_ads_service.SearchGoogleAdsRequest,
            google_ads_service.SearchGoogleAdsResponse,
        ),
    },
    _MEMBERS: {
        "IngestAudienceMembers": (
            google_members.ingest,
            members.IngestAudienceMembersRequest,
            members.IngestAudienceMembersResponse,
        ),
        "RemoveAudienceMembers": (
            google_members.remove,
            members.RemoveAudienceMembersRequest,
            members.RemoveAudienceMembersResponse,
        ),
        "RemoveAllAudienceMembers": (
            google_members.remove_all,
            members.RemoveAllAudienceMembersRequest,
            members.RemoveAllAudienceMembersResponse,
        ),
        "RetrieveRequestStatus": (
            google_members.status,
            members.RetrieveRequestStatusRequest,
            members.RetrieveRequestStatusResponse,
        ),
    },
}


def serve(port: int) -> None:
    """Serve on this machine alone until SIGTERM.

    Raises StackFailed when the port is taken.
    """
    import signal

    server, _ = _server(GoogleStandin(GoogleState(time.time)), port)
    server.start()

    def stop(*_: object) -> None:
        server.stop(grace=1)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.wait_for_termination()


@contextlib.contextmanager
def running(
    clock: Callable[[], float] = time.time,
) -> Iterator[tuple[str, GoogleStandin]]:
    """The address of a stand-in that lives as long as the block, and its inside."""
    standin = GoogleStandin(GoogleState(clock))
    server, port = _server(standin, 0)
    server.start()
    try:
        yield f"127.0.0.1:{port}", standin
    finally:
        server.stop(grace=None).wait()


def _server(standin: GoogleStandin, port: int) -> tuple[grpc.Server, int]:
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS),
        options=[
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", _MOST_BYTES),
        ],
    )
    for service, methods in _METHODS.items():
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                _handler(standin, name, carry_out),
                request_deserializer=request.deserialize,
                response_serializer=response.serialize,
            )
            for name, (carry_out, request, response) in methods.items()
        }
        handler = grpc.method_handlers_generic_handler(service, handlers)
        server.add_generic_rpc_handlers((handler,))
    with contextlib.suppress(RuntimeError):
        return server, int(server.add_insecure_port(f"127.0.0.1:{port}"))
    raise StackFailed(
        f"Port {port} for the stand-in of Google's ad APIs cannot be had. Free it, or"
        " set QUESTLOG_GOOGLE_STANDIN_PORT."
    )


def _handler(
    standin: GoogleStandin, name: str, carry_out: Method
) -> Callable[[Any, grpc.ServicerContext], Any]:
    is_ads = carry_out in {google_lists.mutate, google_lists.search}

    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        headers = {key: str(value) for key, value in context.invocation_metadata()}
        standin.headers.append(headers)
        fault = standin.next_fault(name)
        try:
            _spoil(fault)
            _authenticate(standin, headers, is_ads=is_ads)
            answer = carry_out(standin.state, request)
        except Refused as refused:
            _abort(context, refused, is_ads=is_ads)
        if fault:
            _abort(context, Refused("UNAVAILABLE", ""), is_ads=is_ads)
        return answer

    return handle


def _spoil(fault: GoogleFault | None) -> None:
    """Raise Refused for a fault that keeps the call from being carried out."""
    if fault and not fault.answer_is_lost:
        raise Refused(fault.code, fault.reason, wait_s=fault.wait_s)


def _authenticate(
    standin: GoogleStandin, headers: Mapping[str, str], *, is_ads: bool
) -> None:
    """Raise Refused for a caller whose credentials don't count."""
    if standin.token_is_revoked or (is_ads and "developer-token" not in headers):
        raise Refused("UNAUTHENTICATED", "DEVELOPER_TOKEN_INVALID" if is_ads else "")


def _abort(
    context: grpc.ServicerContext, refused: Refused, *, is_ads: bool
) -> NoReturn:
    """End a call as the API would, with its reason where that API puts it."""
    code = grpc.StatusCode[refused.code]
    if refused.reason or refused.wait_s:
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
    for detail in details:
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)
