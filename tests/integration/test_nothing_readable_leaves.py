"""No raw identifier reaches an SDK or the wire, a log or an error: searched for.

Between every destination and its stand-in stands a proxy that keeps each byte that
leaves. What people are called is then looked for in it, in every spelling that a
protocol might give it.
"""

import ast
import base64
import contextlib
import http.server
import logging
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activation.conversions import targets
from activation.conversions.values import PURCHASE, Conversion, Payment
from activation.destinations.kinds import identity_for, kinds, opened
from activation.destinations.protocol import Erases, Member, Replaces, Wanted
from activation.identifiers import Hashed, Identifiers, external_key
from activation.patience import Patience
from activation.standins.google import GoogleFault, GoogleStandin
from activation.standins.google import running as google_running
from activation.standins.serving import running as graph_running
from warehouse.errors import BadInput, DestinationRefused, Unavailable
from warehouse.settings import REPOSITORY, Settings

KEY = external_key(b"k" * 32)
TOKEN = "a-secret-token"
ANN = Identifiers(
    "customer-4711",
    email="Ann.Readable@Example.com",
    phone="+49 30 901820",
    first_name="Annegret",
    last_name="Lesbar",
    country="DE",
    city="Wuppertal",
    region="Nordrhein",
    postcode="42103",
    date_of_birth="1984-05-17",
)
READABLE = (
    *("customer-4711", "Ann.Readable@Example.com", "ann.readable@example.com"),
    *("+49 30 901820", "+4930901820", "4930901820", "Annegret", "annegret"),
    *("Lesbar", "lesbar", "Wuppertal", "wuppertal", "Nordrhein", "nordrhein"),
    *("42103", "1984-05-17", "19840517"),
)


def spellings(text: str) -> set[bytes]:
    """A text as it might lie on the wire."""
    plain = text.encode()
    encoded = base64.b64encode(plain[: len(plain) // 3 * 3])
    quoted = urllib.parse.quote(text, safe="").encode()
    return {plain, quoted, quoted.replace(b"%20", b"+"), encoded}


def readable_in(content: bytes) -> list[str]:
    return [
        text
        for text in READABLE
        if any(len(one) > 4 and one in content for one in spellings(text))
    ]


@dataclass
class Wire:
    """A proxy of bytes to a stand-in, and all that went through to it."""

    target: int
    listener: socket.socket
    sent: bytearray = field(default_factory=bytearray)
    open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                self.open += [client, server]
                for pair in ((client, server, self.sent), (server, client, None)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()


def carry(source: socket.socket, sink: socket.socket, kept: bytearray | None) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65_536):
            if kept is not None:
                kept += content
            sink.sendall(content)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def recorded(port: int) -> Iterator[Wire]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire(port, listener)
        threading.Thread(target=wire.serve, daemon=True).start()
        yield wire
        # a listener that waits does not hear that it was closed
        listener.shutdown(socket.SHUT_RDWR)
        for one in wire.open:
            one.close()


class Accepting(http.server.BaseHTTPRequestHandler):
    """Accepts whatever is posted."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class World:
    """Every destination that has a stand-in, and the wires to them."""

    settings: Settings
    google: GoogleStandin
    wires: list[Wire]

    @property
    def left(self) -> bytes:
        return b"".join(bytes(wire.sent) for wire in self.wires)


@pytest.fixture
def world() -> Iterator[World]:
    with (
        graph_running() as graph,
        google_running() as (endpoint, google),
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Accepting) as hook,
        recorded(int(graph.rpartition(":")[2])) as to_graph,
        recorded(int(endpoint.rpartition(":")[2])) as to_google,
        recorded(hook.server_address[1]) as to_hook,
    ):
        thread = threading.Thread(target=hook.serve_forever, args=(0.05,))
        thread.start()
        settings = Settings(
            meta_graph_url=f"http://127.0.0.1:{to_graph.port}",
            meta_access_token=TOKEN,
            meta_ad_account_id="act_7",
            meta_pixel_id="1000",
            google_endpoint=f"127.0.0.1:{to_google.port}",
            google_developer_token=TOKEN,
            google_customer_id="1234567890",
            google_conversion_action="55",
            audience_webhook_url=f"http://127.0.0.1:{to_hook.port}/",
            audience_webhook_secret=TOKEN,
        )
        yield World(settings, google, [to_graph, to_google, to_hook])
        hook.shutdown()
        thread.join()


def do_everything(settings: Settings) -> None:
    """Each call of each destination, with Ann in it."""
    patience = Patience(attempts=2, sleep=lambda _: None)
    for name, kind in kinds().items():
        if not kind.is_started(settings):
            continue
        destination = opened(name, settings, patience)
        ann = identity_for(name, ANN, KEY)
        wanted = Wanted(audience="best", meaning="The best.")
        remote_id = destination.find(wanted) or destination.make(wanted)
        destination.add(remote_id, [Member(identity=ann, value=1.0)])
        destination.remove(remote_id, [ann])
        if isinstance(destination, Replaces):
            destination.replace(remote_id, [[Member(identity=ann)]], 1)
        if isinstance(destination, Erases):
            destination.erase([ann])
    payment = Payment(
        payment_id="p1",
        event_id="e1",
        person_id=ANN.person_id,
        country="DE",
        occurred_at=datetime.now(UTC),
        amount_minor=499,
        currency="EUR",
        digits=2,
    )
    for target in targets(settings, patience):
        identity = identity_for(target.platform, ANN, KEY)
        target.send(PURCHASE, [Conversion(payment=payment, identity=identity)])


def test_nothing_that_can_be_read_is_in_what_leaves(world: World) -> None:
    do_everything(world.settings)

    left = world.left
    assert all(wire.sent for wire in world.wires)
    # that it was looked at at all: the digests are there
    digest = identity_for("meta", ANN, KEY)["EMAIL"].hex.encode()
    assert left.count(digest) >= 3
    assert readable_in(left) == []


def test_the_search_would_find_it() -> None:
    for text in READABLE:
        for one in (
            text.encode(),
            urllib.parse.urlencode({"a": text}).encode(),
            base64.b64encode(text.encode() + b"and more"),
        ):
            if len(text) > 5:
                assert readable_in(b"before" + one + b"after")


def test_nothing_that_can_be_read_is_logged_or_raised_whatever_goes_wrong(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    raised = []
    for fault in (
        GoogleFault(method="IngestAudienceMembers", code="INVALID_ARGUMENT"),
        GoogleFault(method="IngestAudienceMembers", times=9),
        GoogleFault(method="IngestEvents", code="INVALID_ARGUMENT"),
        GoogleFault(method="RemoveAudienceMembers", code="PERMISSION_DENIED"),
    ):
        world.google.faults[:] = [fault]
        try:
            do_everything(world.settings)
        except (DestinationRefused, Unavailable) as error:
            raised.append(everything_in(error))

    told = caplog.text + "".join(capfd.readouterr()) + " ".join(raised)
    digests = {
        digest.hex
        for name in ("meta", "google", "webhook")
        for digest in identity_for(name, ANN, KEY).values()
        if digest.hex
    }
    assert len(raised) == 4
    assert readable_in(told.encode()) == []
    assert [one for one in (TOKEN, *digests) if one in told] == []


def everything_in(error: BaseException | None) -> str:
    """The error with everything a traceback could show of it."""
    told = []
    while error is not None:
        told.append(repr(error))
        error = error.__cause__ or error.__context__
    return " ".join(told)


SDKS = {"facebook_business", "google", "boto3", "botocore", "requests", "grpc"}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found


def test_no_code_that_holds_an_sdk_knows_of_a_raw_identifier() -> None:
    """Types: what leaves is `Identity`, made of `Hashed`, which takes digests alone."""
    raw = {
        "activation.identifiers.Identifiers",
        "activation.people.identifiers_of",
        "warehouse.vault.Vault",
        "warehouse.vault.open_vault",
    }
    holding = {
        path.relative_to(REPOSITORY).as_posix(): imported(path)
        for path in (REPOSITORY / "activation").rglob("*.py")
        if any(one.split(".")[0] in SDKS for one in imported(path))
    }

    assert len(holding) > 10
    assert {path for path, names in holding.items() if names & raw} == set()
    with pytest.raises(BadInput):
        Hashed("ann.readable@example.com")
