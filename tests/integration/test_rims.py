"""The rims towards Meta and Google: what is no answer, whose sign-in is refused."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from google.oauth2.credentials import Credentials

from activation.destinations.google import Google
from activation.destinations.kinds import opened
from activation.destinations.protocol import Wanted
from activation.google_account import google_account
from activation.google_members import DataManager
from activation.graph import GraphSession
from activation.patience import Patience
from activation.standins.google import running
from warehouse.errors import BadSetting, DestinationRefused, StackFailed, Unavailable
from warehouse.settings import Settings

TOKEN = "a-secret-token"
WANTED = Wanted(audience="best", meaning="The best.")


def everything_in(error: BaseException | None) -> str:
    """The error with everything a traceback could show of it."""
    told = []
    while error is not None:
        told.append(repr(error))
        error = error.__cause__ or error.__context__
    return " ".join(told)


def at_meta(address: str) -> Settings:
    return Settings(
        meta_graph_url=address, meta_access_token=TOKEN, meta_ad_account_id="act_7"
    )


def at_google(address: str) -> Settings:
    return Settings(
        google_endpoint=address,
        google_developer_token=TOKEN,
        google_customer_id="123-456-7890",
        google_login_customer_id="999-000-1111",
    )


@contextmanager
def answering(handler: type[socketserver.BaseRequestHandler]) -> Iterator[str]:
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class BreakingOff(socketserver.BaseRequestHandler):
    """Announces more than it sends, then hangs up."""

    def handle(self) -> None:
        self.request.recv(65_536)
        self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{")


class Revoking(BaseHTTPRequestHandler):
    """A sign-in that refuses every refresh token."""

    def do_POST(self) -> None:
        body = json.dumps({"error": "invalid_grant"}).encode()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_an_answer_of_meta_that_breaks_off_is_none() -> None:
    slept: list[float] = []
    with answering(BreakingOff) as address:
        meta = opened(
            "meta", at_meta(address), Patience(attempts=2, sleep=slept.append)
        )
        with pytest.raises(Unavailable, match="no answer came") as caught:
            meta.find(WANTED)

    assert TOKEN not in everything_in(caught.value)
    assert slept == [1.0]


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("meta", at_meta("http://127.0.0.1:1"), "Check META_GRAPH_URL"),
        ("google", at_google("127.0.0.1:1"), "Check GOOGLE_ENDPOINT"),
    ],
)
def test_a_network_without_an_answer_is_away_and_names_no_secret(
    name: str, settings: Settings, said: str
) -> None:
    slept: list[float] = []
    destination = opened(name, settings, Patience(attempts=2, sleep=slept.append))

    with pytest.raises(Unavailable, match=said) as caught:
        destination.find(WANTED)

    assert TOKEN not in everything_in(caught.value)
    assert slept == [1.0]


def test_a_revoked_refresh_token_is_no_outage() -> None:
    with running() as (endpoint, _), answering(Revoking) as address:
        credentials = Credentials(  # type: ignore[no-untyped-call]
            None,
            refresh_token="refresh-secret",
            client_id="id",
            client_secret="client-secret",
            token_uri=f"{address}/",
        )
        account = replace(google_account(at_google(endpoint)), credentials=credentials)
        google = Google(account=account, members=DataManager(account=account))
        with pytest.raises(DestinationRefused, match="GOOGLE_REFRESH_TOKEN") as caught:
            google.find(WANTED)

    told = everything_in(caught.value)
    assert [one for one in ("refresh-secret", "client-secret") if one in told] == []


def test_a_revoked_developer_token_is_final() -> None:
    with running() as (endpoint, standin):
        standin.token_is_revoked = True
        google = opened("google", at_google(endpoint))

        with pytest.raises(DestinationRefused, match="GOOGLE_DEVELOPER_TOKEN") as said:
            google.find(WANTED)

    assert TOKEN not in everything_in(said.value)


def test_google_ads_is_told_the_token_and_the_manager() -> None:
    with running() as (endpoint, standin):
        opened("google", at_google(endpoint)).find(WANTED)

        headers = standin.headers[-1]

    assert headers["developer-token"] == TOKEN
    assert headers["login-customer-id"] == "9990001111"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"google_customer_id": ""}, "GOOGLE_CUSTOMER_ID: not set"),
        ({"google_endpoint": ""}, "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET and"),
        ({"google_customer_id": "me"}, "GOOGLE_CUSTOMER_ID: expected digits"),
        ({"google_endpoint": "ads.example.com:443"}, "an address of this machine"),
    ],
)
def test_without_an_account_nothing_starts_and_the_settings_are_named(
    changed: dict[str, str], named: str
) -> None:
    with pytest.raises(BadSetting, match=named):
        opened("google", replace(at_google("127.0.0.1:1"), **changed))  # type: ignore[arg-type]


def test_a_key_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text('{"private_key": "secret"}')
    settings = replace(at_google(""), google_service_account_file=path)

    with pytest.raises(BadSetting, match="GOOGLE_SERVICE_ACCOUNT_FILE") as caught:
        opened("google", settings)

    assert "secret" not in everything_in(caught.value)


def test_without_an_address_it_is_the_platforms_that_are_called() -> None:
    signed_in = {"google_client_id": "id", "google_client_secret": "client-secret"}
    settings = replace(
        at_google(""),
        google_refresh_token="refresh-secret",
        **signed_in,  # type: ignore[arg-type]
    )

    account = google_account(settings)
    session = GraphSession(address="", token=TOKEN, patience=Patience())

    assert account.members.transport.host == "datamanager.googleapis.com:443"
    assert account.queries.transport.host == "googleads.googleapis.com:443"
    assert "secret" not in repr(account)
    assert session.GRAPH == "https://graph.facebook.com"
    assert session.requests.trust_env


def test_an_address_that_is_not_the_graph_api_is_refused_at_once() -> None:
    from activation.standins.serving import running as graph_running

    with graph_running() as graph:
        meta = opened("meta", at_meta(f"{graph}/nowhere"))
        with pytest.raises(DestinationRefused, match="2635"):
            meta.find(WANTED)


def test_a_port_that_is_taken_is_told_with_its_setting() -> None:
    from activation.standins.google import serve

    with (
        running() as (endpoint, _),
        pytest.raises(StackFailed, match="QUESTLOG_GOOGLE_STANDIN_PORT"),
    ):
        serve(int(endpoint.rpartition(":")[2]), 0)
