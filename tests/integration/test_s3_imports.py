"""Files of events on S3, over real HTTP: fetched on where they broke off, once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from ingestion.s3_files import fetched, import_each, objects, store_of
from questlog.__main__ import app
from warehouse.clickhouse import connect, rows
from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.settings import Settings

BUCKET = "events"


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def settings(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = Settings(home=tmp_path, s3_endpoint_url=s3_url)
    store_of(made).create_bucket(Bucket=BUCKET)
    return made


def put(store: Any, key: str, content: bytes) -> None:
    store.put_object(Bucket=BUCKET, Key=key, Body=content)


class BreaksOff:
    """A store whose answers end after some, as a connection that is cut does."""

    def __init__(self, store: Any, answers: int) -> None:
        self.store = store
        self.left = answers
        self.asked: list[str] = []

    def get_object(self, **told: Any) -> Any:
        self.asked.append(told["Range"])
        if not self.left:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        self.left -= 1
        return self.store.get_object(**told)


def test_a_place_is_one_object_or_all_below_it(settings: Settings) -> None:
    store, mark = store_of(settings), uuid4().hex
    for name in ("2026/a.jsonl", "2026/b.jsonl", "2026-old/c.jsonl"):
        put(store, f"{mark}/{name}", b"{}")

    def keys(place: str) -> list[str]:
        return [one.key for one in objects(store, f"s3://{BUCKET}/{mark}/{place}")]

    assert keys("2026/a.jsonl") == [f"{mark}/2026/a.jsonl"]
    assert keys("2026") == [f"{mark}/2026/a.jsonl", f"{mark}/2026/b.jsonl"]
    assert keys("2026/") == keys("2026")
    with pytest.raises(BadInput, match="Nothing is at"):
        keys("2027")
    with pytest.raises(BadInput, match="NoSuchBucket"):
        objects(store, "s3://nowhere/x")
    with pytest.raises(BadInput, match="names no bucket"):
        objects(store, "s3://")


def test_a_fetch_that_broke_off_goes_on_and_one_of_another_content_does_not(
    settings: Settings, tmp_path: Path
) -> None:
    store, key = store_of(settings), f"{uuid4().hex}.jsonl"
    content = bytes(range(256)) * 80_000
    put(store, key, content)
    (remote,) = objects(store, f"s3://{BUCKET}/{key}")
    cut = BreaksOff(store, answers=2)
    with pytest.raises(Unavailable, match="goes on where it was"):
        fetched(cut, remote, tmp_path / "s3")

    again = BreaksOff(store, answers=9)
    path = fetched(again, remote, tmp_path / "s3")

    assert path.read_bytes() == content
    assert again.asked == [cut.asked[-1]]
    assert path.name == key
    put(store, key, b"{}")
    path.unlink()
    with pytest.raises(Unavailable, match="written anew"):
        fetched(store, remote, tmp_path / "s3")


def test_an_object_that_was_imported_is_not_fetched_again(
    settings: Settings, tmp_path: Path
) -> None:
    store, key = store_of(settings), f"{uuid4().hex}.jsonl"
    put(store, key, b"{}")
    found = objects(store, f"s3://{BUCKET}/{key}")
    ran: list[str] = []

    def run(path: Path) -> bytes:
        ran.append(path.name)
        return b"done"

    def imported(source: str) -> list[bytes]:
        return list(import_each(found, store, tmp_path / "s3", (source,), run))

    assert imported("web") == imported("web") == [b"done"]
    assert ran == [key]
    # under another source it is another import
    imported("app")
    assert ran == [key, key]
    assert not [one for one in (tmp_path / "s3").rglob("*") if one.name == key]


def test_no_credentials_and_no_answer_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = Settings(home=tmp_path, s3_endpoint_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="S3 did not answer"):
        objects(store_of(away), f"s3://{BUCKET}/x")

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(BadSetting, match="No credentials for S3"):
        objects(store_of(settings), f"s3://{BUCKET}/x")


def test_the_command_imports_a_prefix_into_the_warehouse_each_event_once(
    settings: Settings, endpoint: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, mark = store_of(settings), uuid4().hex[:12]
    for number in range(2):
        event = {
            "event_id": str(uuid4()),
            "timestamp": "2026-02-01T09:59:00.000Z",
            "event_name": "rolled",
            "user_id": f"ann{number}",
            "properties": {"dice": "1d20", "result": 7},
        }
        put(store, f"{mark}/{number}.jsonl", json.dumps(event).encode())
    monkeypatch.setenv("QUESTLOG_HOME", str(endpoint.home))
    monkeypatch.setenv("QUESTLOG_ENDPOINT_PORT", str(endpoint.endpoint_port))
    monkeypatch.setenv("S3_ENDPOINT_URL", settings.s3_endpoint_url)
    words = ["import", f"s3://{BUCKET}/{mark}/", "--source", mark]

    first = CliRunner().invoke(app, words, catch_exceptions=False)
    again = CliRunner().invoke(app, words, catch_exceptions=False)

    assert first.exit_code == again.exit_code == 0
    told = [json.loads(line) for line in first.stdout.splitlines()]
    assert [(one["file"], one["accepted"]) for one in told] == [
        ("0.jsonl", 1),
        ("1.jsonl", 1),
    ]
    with connect(endpoint) as client:
        found = rows(
            client,
            "select user_id from raw.events where source = {source:String}"
            " order by user_id",
            {"source": mark},
        )
    assert [row["user_id"] for row in found] == ["ann0", "ann1"]
