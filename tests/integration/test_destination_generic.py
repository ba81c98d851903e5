"""Destinations that are no ad platforms: a signed webhook, and files on S3."""

import base64
import hashlib
import hmac
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from activation.destinations.kinds import kinds, opened
from activation.destinations.protocol import Destination, Member, Replaces, Wanted
from activation.identifiers import Identifiers, external_key, plain_identity
from activation.patience import Patience
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

KEY = external_key(b"k" * 32)
SECRET = "webhook-secret"
WANTED = Wanted(audience="best", meaning="The best.")


def members(*names: str, value: float | None = None) -> list[Member]:
    people = [Identifiers(name, email=f"{name}@example.com") for name in names]
    return [Member(identity=plain_identity(one, KEY), value=value) for one in people]


def digest(name: str) -> str:
    return hashlib.sha256(f"{name}@example.com".encode()).hexdigest()


@dataclass
class Receiver:
    """Keeps what it was posted; answers with the statuses that are asked of it."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def destination(self) -> Destination:
        settings = Settings(
            audience_webhook_url=self.url, audience_webhook_secret=SECRET
        )
        return opened("webhook", settings, Patience(sleep=self.slept.append))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers = kept.answers.pop(0) if kept.answers else (204, {})
            kept.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        kept.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        yield kept
        server.shutdown()
        thread.join()


def test_a_webhook_is_told_who_comes_and_goes_signed(receiver: Receiver) -> None:
    webhook = receiver.destination()

    remote_id = webhook.make(WANTED)
    webhook.add(remote_id, members("ann", value=12.5))
    webhook.remove(remote_id, [members("bob")[0].identity])

    told = [json.loads(body) for _, body in receiver.got]
    assert [one["type"] for one in told] == [
        *("audience.made", "audience.added", "audience.removed")
    ]
    assert told[1]["members"][0]["email_sha256"] == digest("ann")
    assert told[1]["members"][0]["value"] == 12.5
    assert "phone_sha256" not in told[1]["members"][0]
    assert told[2]["members"][0]["email_sha256"] == digest("bob")
    for headers, body in receiver.got:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
        expected = hmac.digest(SECRET.encode(), content + body, "sha256")
        assert headers["webhook-signature"] == (
            f"v1,{base64.b64encode(expected).decode()}"
        )


def test_a_batch_that_is_sent_again_has_the_same_id(receiver: Receiver) -> None:
    receiver.answers = [(500, {}), (429, {"Retry-After": "7"}), (200, {})]

    receiver.destination().add("best", members("ann"))

    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert receiver.slept == [1.0, 7.0]


def test_a_webhook_that_asks_for_a_long_wait_is_left_for_later(
    receiver: Receiver,
) -> None:
    receiver.answers = [(503, {"Retry-After": "3600"})]

    with pytest.raises(Unavailable) as caught:
        receiver.destination().add("best", members("ann"))

    assert caught.value.wait_s == 3600
    assert receiver.slept == []


@pytest.mark.parametrize("status", [301, 400, 401, 410])
def test_a_webhook_that_refuses_is_final_and_no_address_is_told(
    receiver: Receiver, status: int
) -> None:
    receiver.answers = [(status, {"Location": "https://example.com"})]

    with pytest.raises(DestinationRefused, match=str(status)) as caught:
        receiver.destination().add("best", members("ann"))

    assert "hook" not in str(caught.value).replace("webhook", "")
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    "settings",
    [
        Settings(audience_webhook_url="https://example.com"),
        Settings(audience_webhook_secret="s"),
        Settings(
            audience_webhook_url="http://example.com", audience_webhook_secret="s"
        ),
    ],
)
def test_a_webhook_needs_a_secret_and_encryption(settings: Settings) -> None:
    assert kinds()["webhook"].is_started(settings)
    with pytest.raises(BadSetting, match="AUDIENCE_WEBHOOK"):
        opened("webhook", settings)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@dataclass
class Bucket:
    """A bucket of its own in the server, and destinations that write to it."""

    address: str
    name: str

    @property
    def client(self) -> object:
        return boto3.client("s3", endpoint_url=self.address)

    def destination(self, form: str = "csv", prefix: str = "/out") -> Destination:
        settings = Settings(
            audience_s3_url=f"s3://{self.name}{prefix}",
            audience_s3_format=form,
            s3_endpoint_url=self.address,
        )
        return opened("files", settings, Patience(attempts=1))

    def files(self) -> dict[str, bytes]:
        client = self.client
        listed = client.list_objects_v2(Bucket=self.name)  # type: ignore[attr-defined]
        return {
            one["Key"]: client.get_object(Bucket=self.name, Key=one["Key"])[  # type: ignore[attr-defined]
                "Body"
            ].read()
            for one in listed.get("Contents", [])
        }


@pytest.fixture
def bucket(
    s3: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Bucket:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # a proxy of the environment has no way to our own machine
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    name = f"b{abs(hash(request.node.name))}"
    made = Bucket(s3, name)
    made.client.create_bucket(Bucket=name)  # type: ignore[attr-defined]
    return made


def test_files_say_who_comes_and_goes_in_the_order_of_their_names(
    bucket: Bucket,
) -> None:
    files = bucket.destination()

    remote_id = files.make(WANTED)
    files.add(remote_id, members("ann", value=12.5))
    files.remove(remote_id, [members("ann")[0].identity])

    written = bucket.files()
    names = sorted(name for name in written if name.endswith(".csv"))
    assert [name.split("-")[1] for name in names] == ["add", "remove"]
    assert all(name.startswith("out/best/") for name in written)
    head, row = written[names[0]].decode().splitlines()
    assert head == "action,external_id,email_sha256,phone_sha256,value"
    assert row.split(",")[2:] == [digest("ann"), "", "12.5"]


def test_a_folder_that_somebody_deleted_is_noticed_and_made_anew(
    bucket: Bucket,
) -> None:
    files = bucket.destination()
    before = files.find(WANTED)
    first = files.make(WANTED)
    found = files.find(WANTED)
    bucket.client.delete_object(Bucket=bucket.name, Key="out/best/audience.json")  # type: ignore[attr-defined]

    assert (before, found) == ("", first)
    assert files.find(WANTED) == ""
    assert files.make(WANTED) != first


def test_a_whole_set_is_written_as_parquet_and_closed(bucket: Bucket) -> None:
    files = bucket.destination("parquet", prefix="")
    assert isinstance(files, Replaces)
    remote_id = files.make(WANTED)

    files.replace(remote_id, [members("ann"), members("bob")], 2)

    written = {k: v for k, v in bucket.files().items() if k.endswith(".parquet")}
    tables = [pq.read_table(io.BytesIO(written[key])) for key in sorted(written)]
    assert [table.num_rows for table in tables] == [1, 1, 0]
    assert tables[0].column("email_sha256").to_pylist() == [digest("ann")]
    assert [key.split("-")[1] for key in sorted(written)] == [
        *("replace", "replace", "replaced")
    ]


def test_a_set_of_another_size_than_promised_is_not_closed(bucket: Bucket) -> None:
    files = bucket.destination()
    assert isinstance(files, Replaces)
    remote_id = files.make(WANTED)

    with pytest.raises(DestinationRefused, match="not closed"):
        files.replace(remote_id, [members("ann")], 2)


def test_a_bucket_that_is_not_there_is_final_and_no_answer_is_not(
    bucket: Bucket,
) -> None:
    lost = Bucket(bucket.address, "nowhere").destination()
    dead = Bucket("http://127.0.0.1:1", bucket.name).destination()

    with pytest.raises(DestinationRefused, match="NoSuchBucket"):
        lost.make(WANTED)
    with pytest.raises(Unavailable, match="no answer"):
        dead.make(WANTED)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(audience_s3_url="bucket"), "AUDIENCE_S3_URL"),
        (Settings(audience_s3_url="s3://b", audience_s3_format="xlsx"), "FORMAT"),
    ],
)
def test_a_place_or_a_format_that_is_none_is_named(
    settings: Settings, said: str
) -> None:
    with pytest.raises(BadSetting, match=said):
        opened("files", settings)
