"""A stand-in of Google's ad APIs over gRPC: `questlog serve google-standin`.

It speaks what the destination relies on of Google Ads v26 (user lists, offline jobs)
and of the Data Manager (members, events), limits and errors included. What it can't
show is whether Google would match a person: it counts rows.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from activation.standins import google_page
from activation.standins.google_faults import GoogleFault, GoogleStandin
from activation.standins.google_methods import METHODS, OF_ADS, Method
from activation.standins.google_refusal import Refused, abort
from activation.standins.serving import serving_beside
from activation.standins.user_lists import GoogleState
from warehouse.errors import StackFailed

__all__ = ["GoogleFault", "GoogleStandin", "running", "serve"]

_MOST_BYTES = 64 * 2**20
_WORKERS = 4


def serve(port: int, page_port: int) -> None:
    """Serve on this machine alone until SIGTERM, with a page that shows the state.

    Raises StackFailed when a port is taken.
    """
    import signal

    standin = GoogleStandin(GoogleState(time.time))
    server, _ = _server(standin, port)
    with serving_beside(google_page.create_app(standin), page_port):
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
    for service, methods in METHODS.items():
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
    is_ads = name in OF_ADS

    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        headers = {key: str(value) for key, value in context.invocation_metadata()}
        standin.headers.append(headers)
        fault = standin.next_fault(name)
        try:
            _spoil(fault)
            if fault:
                standin.state.leaves_out = fault.leaves_out
            _authenticate(standin, headers, is_ads=is_ads)
            answer = carry_out(standin.state, request)
        except Refused as refused:
            abort(context, refused, is_ads=is_ads)
        if fault and fault.answer_is_lost:
            abort(context, Refused("UNAVAILABLE", ""), is_ads=is_ads)
        return answer

    return handle


def _spoil(fault: GoogleFault | None) -> None:
    """Raise Refused for a fault that keeps the call from being carried out."""
    if fault and not (fault.answer_is_lost or fault.leaves_out):
        raise Refused(fault.code, fault.reason, wait_s=fault.wait_s)


def _authenticate(
    standin: GoogleStandin, headers: Mapping[str, str], *, is_ads: bool
) -> None:
    """Raise Refused for a caller whose credentials don't count."""
    if standin.token_is_revoked or (is_ads and "developer-token" not in headers):
        raise Refused("UNAUTHENTICATED", "DEVELOPER_TOKEN_INVALID" if is_ads else "")
