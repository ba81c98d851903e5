"""The rim towards Meta's Graph API: judge every answer before the SDK sees it.

The SDK takes an HTML error page for success, puts the payload into its errors,
and lets network errors carry the access token. So a transport of ours stands
beneath it: it repeats what can be repeated, and lets only true successes through.
"""

import io
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus, urlsplit

from facebook_business.adobjects.abstractcrudobject import AbstractCrudObject
from facebook_business.adobjects.objectparser import ObjectParser
from facebook_business.api import FacebookAdsApi, FacebookRequest
from facebook_business.session import FacebookSession
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException

from activation.patience import Patience
from activation.troubles import Trouble, trouble_of, wait_asked
from warehouse.errors import DestinationRefused, Unavailable

META = "https://graph.facebook.com"
VERSION = FacebookAdsApi.API_VERSION
"""Of the Graph API: the one that the locked SDK speaks."""

_TIMEOUT_S = (10, 120)
_SESSION_FINISHED = (2650, 1870159)


class Transport(HTTPAdapter):
    """Carries a call until it succeeds, is refused, or patience ends."""

    def __init__(self, patience: Patience) -> None:
        super().__init__(max_retries=0)
        self._patience = patience
        self._quiet_s = 0.0

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """The answer, which is 200 and a JSON object without an error.

        A call after one whose answer asked for quiet waits first. Raises Unavailable
        or DestinationRefused, never with the request in it.
        """
        patience, attempt = self._patience, 1
        self._keep_quiet()
        while True:
            outcome = self._once(request, *args, **kwargs)
            if isinstance(outcome, Response):
                self._quiet_s = wait_asked(outcome.headers)
                return outcome
            if attempt > 1 and outcome.codes == _SESSION_FINISHED:
                return _carried_out_before()
            wait = outcome.wait_s or patience.first_wait_s * 2 ** (attempt - 1)
            last = attempt >= patience.attempts or wait > patience.longest_wait_s
            if last or not outcome.may_be_repeated(_what(request)):
                raise _error_of(outcome, request)
            patience.sleep(wait)
            attempt += 1

    def _keep_quiet(self) -> None:
        """Wait as long as the last success asked for: a call before is refused."""
        quiet_s, self._quiet_s = self._quiet_s, 0.0
        if quiet_s > self._patience.longest_wait_s:
            raise Unavailable(
                f"Meta asks for {quiet_s / 60:.0f} minutes of quiet. The same sync may"
                " be made again after them.",
                wait_s=quiet_s,
            )
        if quiet_s:
            self._patience.sleep(quiet_s)

    def _once(
        self, request: PreparedRequest, *args: Any, **kwargs: Any
    ) -> Response | Trouble:
        """One try. A network error is not passed on: its text names the token."""
        try:
            answer = super().send(request, *args, **kwargs)
            # reads the body, which may break off too
            body = answer.text
        except RequestException:
            return Trouble.of_network()
        return trouble_of(answer.status_code, answer.headers, body) or answer


class GraphSession(FacebookSession):  # type: ignore[misc]
    """A session at Meta, or at another address that speaks its protocol."""

    def __init__(self, *, address: str, token: str, patience: Patience) -> None:
        super().__init__(access_token=token, timeout=_TIMEOUT_S)
        self.GRAPH = address.rstrip("/") or META
        self.requests = _with_quick_forms(self)
        # a proxy of the environment has no way to our own machine
        self.requests.trust_env = not _is_here(self.GRAPH)
        self.requests.mount("https://", Transport(patience))
        self.requests.mount("http://", Transport(patience))
        _keep_tokens_out_of_debug_logs()


class QuickForms(Session):
    """A session that writes forms of megabytes in a seventh of the usual time."""

    def request(self, *args: Any, **kwargs: Any) -> Response:
        """As the session of requests does; `data` of text is written here."""
        data = kwargs.get("data")
        if isinstance(data, dict):
            kwargs["data"] = form(data)
            kwargs["headers"] = {**(kwargs.get("headers") or {}), **_FORM}
        return super().request(*args, **kwargs)


def form(values: Mapping[str, str]) -> str:
    """Values as a form, the same as urlencode's."""
    return "&".join(f"{_quoted(key)}={_quoted(text)}" for key, text in values.items())


def _quoted(text: str) -> str:
    if not text.isascii():
        return quote_plus(text)
    # in megabytes of digests these are seven marks
    marks = set(text.encode().translate(None, _PLAIN))
    for mark in sorted(marks, key=_QUOTED_FIRST.find, reverse=True):
        text = text.replace(chr(mark), quote_plus(chr(mark)))
    return text


_PLAIN = bytes(one for one in range(128) if quote_plus(chr(one)) == chr(one))
_QUOTED_FIRST = b"+%"
"""What others are quoted with: quoted later, it would be quoted twice."""

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _with_quick_forms(made: Any) -> QuickForms:
    """What carries a session's calls, with what the SDK has put into its own."""
    session = QuickForms()
    session.verify, session.params = made.requests.verify, made.requests.params
    return session


def graph_api(*, address: str, token: str, patience: Patience) -> FacebookAdsApi:
    """An API object to hand to the SDK's classes; no global default is set."""
    session = GraphSession(address=address, token=token, patience=patience)
    return FacebookAdsApi(session)


def get(
    api: FacebookAdsApi, node: str, edge: str, params: Mapping[str, object]
) -> Mapping[str, Any]:
    """The answer to a GET on a node, or on an edge of it."""
    path = (node, edge) if edge else (node,)
    answer: Mapping[str, Any] = api.call("GET", path, params=dict(params)).json()
    return answer


def post(
    api: FacebookAdsApi, node: str, edge: str, params: Mapping[str, object]
) -> Mapping[str, Any]:
    """The answer to a POST that the SDK's classes have not, or not as we need it."""
    request = FacebookRequest(
        node_id=node,
        method="POST",
        endpoint=f"/{edge}",
        api=api,
        response_parser=ObjectParser(target_class=AbstractCrudObject, api=api),
    )
    request.add_params(params)
    answer: Mapping[str, Any] = request.execute()
    return answer


def _what(request: PreparedRequest) -> str:
    """A call as method and edge, such as `POST users`, without ids."""
    edge = urlsplit(request.url or "").path.rstrip("/").rpartition("/")[2]
    return f"{request.method} {'object' if edge.isdecimal() else edge}"


def _error_of(
    trouble: Trouble, request: PreparedRequest
) -> Unavailable | DestinationRefused:
    text = f"Meta did not carry out {_what(request)}: {trouble.explained}"
    if trouble.is_final:
        return DestinationRefused(text)
    return Unavailable(text, wait_s=trouble.wait_s)


def _carried_out_before() -> Response:
    """What stands for the lost answer to a call that a repetition found done."""
    answer = Response()
    answer.status_code = 200
    answer.raw = io.BytesIO(json.dumps({"carried_out_before": True}).encode())
    return answer


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in {"127.0.0.1", "localhost", "::1"}


def _keep_tokens_out_of_debug_logs() -> None:
    """urllib3 logs whole URLs at DEBUG, and the SDK puts the token into them."""
    logger = logging.getLogger("urllib3.connectionpool")
    if _without_tokens not in logger.filters:
        logger.addFilter(_without_tokens)


def _without_tokens(record: logging.LogRecord) -> bool:
    return "access_token" not in record.getMessage()
