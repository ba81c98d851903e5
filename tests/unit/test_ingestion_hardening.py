"""What a hostile sender, disk or clock must not bring about at the door."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ingestion import files
from ingestion.bodies import split
from ingestion.consent import Standing, Word
from ingestion.door import Keeping, judged, keep
from ingestion.judging import Rules, Source
from ingestion.keys import add, listed, revoke
from ingestion.loader import Ledger, Loader, Progress
from ingestion.log import Stretch
from ingestion.records import Record
from ingestion.segments import SegmentLog, open_for_reading
from warehouse.durable import private_folder
from warehouse.errors import BadInput, Unavailable
from warehouse.taxonomy import load
from warehouse.vault import Vault

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
RULES = Rules.of(load())
ROLL = {"dice": "1d20", "result": 7}


def an_event(**changed: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "rolled",
        "user_id": "ann",
        "properties": ROLL,
    } | changed


@pytest.fixture
def keeping(tmp_path: Path) -> Iterator[Keeping]:
    with (
        closing(SegmentLog.open(tmp_path / "log")) as log,
        Vault.open(tmp_path / "vault.sqlite", b"k" * 32) as vault,
    ):
        yield Keeping(log, vault, Standing(vault, allowed_by_default=True))


@pytest.mark.parametrize(
    "unplanned",
    [{"event_name": "flew"}, {"timestamp": "2030-01-01T00:00:00Z"}],
    ids=["unplanned", "future"],
)
def test_of_a_person_who_said_no_no_refused_bytes_are_kept(
    keeping: Keeping, unplanned: dict[str, Any]
) -> None:
    keeping.vault.set_analytics_denied("user:ann", True, NOW - timedelta(days=1))
    body = split(json.dumps([an_event(**unplanned)]).encode())
    verdicts = judged(body, rules=RULES, source=Source("web"), received_at=NOW)

    keep(verdicts, keeping, now=NOW)

    (record,) = keeping.log.read(0, limit=5).records
    (row,) = record.named()
    assert row["reason"] == "consent"
    assert len(row["reasons"]) == 2
    assert row["sealed_bytes"] == ""


def test_a_batch_that_gives_its_events_twice_loses_none_in_silence() -> None:
    event = json.dumps(an_event(properties={"events": [], "\\events": {}})).encode()

    for body in (
        b'{"events":[' + event + b'],"events":[]}',
        b'{"events":[' + event + b'],"sent_at":null,"events":[]}',
    ):
        with pytest.raises(BadInput, match="given twice"):
            split(body)
    assert split(b'{"events":[' + event + b"]}").events == (event,)


def test_a_clock_set_back_does_not_keep_an_old_answer(tmp_path: Path) -> None:
    with Vault.open(tmp_path / "vault.sqlite", b"k" * 32) as vault:
        standing = Standing(vault, allowed_by_default=True)
        standing.of(["user:ann"], now=NOW)
        vault.set_analytics_denied("user:ann", True, NOW)

        said = standing.of(["user:ann"], now=NOW - timedelta(hours=1))

    assert said == {"user:ann": Word.DENIED}


def test_a_key_is_revoked_by_its_whole_fingerprint_alone(tmp_path: Path) -> None:
    path = tmp_path / "write_keys.json"
    add(path, source="web", mode="planned", now=NOW)
    fingerprint = listed(path)[0].fingerprint

    with pytest.raises(BadInput, match="keys list"):
        revoke(path, named=fingerprint[:2], now=NOW)

    assert [key.fingerprint for key in revoke(path, named=fingerprint, now=NOW)] == [
        fingerprint
    ]


def test_damage_before_the_durable_end_is_named_and_nothing_is_cut(
    tmp_path: Path,
) -> None:
    with closing(SegmentLog.open(tmp_path)) as log:
        ends = [log.append([Record("accepted", b"event %d" % n)]) for n in range(9)]
    segment = next(tmp_path.glob("*.segment"))
    content = bytearray(segment.read_bytes())
    content[ends[3] + 10] ^= 1
    segment.write_bytes(content)

    with pytest.raises(BadInput, match=f"damaged at position {ends[3]}"):
        SegmentLog.open(tmp_path)
    with pytest.raises(BadInput, match="damaged at position"):
        open_for_reading(tmp_path)

    assert segment.read_bytes() == content


class Nowhere:
    """A client nobody may call."""


@pytest.mark.parametrize("position", [9, 10_000], ids=["within", "beyond"])
def test_a_loader_that_cannot_read_on_says_so(tmp_path: Path, position: int) -> None:
    ledger = Ledger(tmp_path / "loaded.json")
    with closing(SegmentLog.open(tmp_path / "log")) as log:
        log.append([Record("accepted", b"an event")])
        ledger.write(Progress(log.identity, position))

        with pytest.raises(Unavailable, match=f"cannot be read at {position}"):
            Loader(log, ledger, lambda: NOW).drain(Nowhere())  # type: ignore[arg-type]


def test_a_sealed_segment_that_is_damaged_ends_what_is_read(tmp_path: Path) -> None:
    with closing(SegmentLog.open(tmp_path, segment_bytes=30)) as log:
        ends = [log.append([Record("accepted", b"x" * 20)]) for _ in range(6)]
        first = min(tmp_path.glob("*.segment"))
        first.write_bytes(b"\xff" + first.read_bytes()[1:])

        assert log.read(0, limit=9) == Stretch(0, 0, ())
        assert log.read(ends[1], limit=9).last == ends[-1]


def test_a_stretch_ends_where_its_bytes_are_enough(tmp_path: Path) -> None:
    with closing(SegmentLog.open(tmp_path)) as log:
        for _ in range(5):
            log.append([Record("accepted", b"x" * 100)])

        assert len(log.read(0, limit=9, limit_bytes=150).records) == 2
        assert len(log.read(0, limit=9, limit_bytes=1).records) == 1


def test_equal_places_of_two_logs_have_unequal_tokens(tmp_path: Path) -> None:
    tokens = []
    for content in (b"one", b"two"):
        with closing(SegmentLog.open(tmp_path / content.decode())) as log:
            (tmp_path / content.decode() / "identity").write_text("copied")
            log.append([Record("accepted", content)])
        with closing(open_for_reading(tmp_path / content.decode())) as copy:
            ledger = Ledger(tmp_path / content.decode() / "loaded.json")
            with pytest.raises(AttributeError):
                Loader(copy, ledger, lambda: NOW).drain(Nowhere())  # type: ignore[arg-type]
            block = ledger.read("copied").block
            assert block is not None
            tokens.append(block.token)

    assert tokens[0] != tokens[1]


def test_a_ledger_that_cannot_be_written_may_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder belongs")

    with pytest.raises(Unavailable, match="cannot be written"):
        Ledger(tmp_path / "taken" / "loaded.json").write(Progress("log"))


def test_a_line_without_an_end_is_read_by_its_beginning(tmp_path: Path) -> None:
    good = json.dumps(an_event()).encode()
    path = tmp_path / "bomb.jsonl"
    path.write_bytes(good + b"\n" + b"[" * 3_000_001 + b"\n" + good)

    lengths = [len(line.text) for line in files.lines(path)]

    assert lengths == [len(good), 1024 * 1024, len(good)]


def test_folders_are_private_from_the_home_down(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_folder(tmp_path / "home" / "log")
        with closing(SegmentLog.open(tmp_path / "home" / "log")):
            pass
    finally:
        os.umask(before)

    made = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    for folder in (tmp_path / "home", tmp_path / "home" / "log"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_home_that_is_no_folder_is_told_as_what_it_is(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as taken:
        taken.bind(str(tmp_path / "home"))

        with pytest.raises(OSError, match=r"exists|Not a directory"):
            private_folder(tmp_path / "home")
