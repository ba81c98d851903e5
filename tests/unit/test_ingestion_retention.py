"""What is loaded leaves the log, after a while; what is not never does."""

import os
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.breaker import Breaker
from ingestion.frames import segment_path, segment_starts
from ingestion.inspection import inspected, position
from ingestion.loader import Ledger, Loader, Progress
from ingestion.loader_metrics import LoaderMetrics
from ingestion.loading import Chores
from ingestion.log_loaders import LogLoaders
from ingestion.records import Record
from ingestion.retention import drop_loaded
from ingestion.segments import PLAIN, SegmentLog, open_for_reading
from tests.unit.test_ingestion_segments import files_no_longer_than
from tests.unit.test_log_set_aside import NobodyErased
from warehouse.errors import BadInput, Unavailable
from warehouse.settings import Settings

NOW = datetime(2026, 3, 10, tzinfo=UTC)
A_DAY = timedelta(days=1)


def a_row(number: int) -> bytes:
    """Of what a row says only the moment of its receipt, at its place, counts here."""
    at = f"2026-03-01 10:00:{number:02d}.000"
    return b'["id",1,2,3,4,5,6,7,"%b"]\n' % at.encode()


def a_log(folder: Path, *, segments: int = 5) -> list[int]:
    """A log of segments with one record each, written a day apart; the positions."""
    with closing(SegmentLog.open(folder, segment_bytes=1)) as log:
        ends = [log.append([Record("accepted", a_row(n))]) for n in range(segments)]
    for days, start in enumerate(segment_starts(folder)):
        at = (NOW - (segments - days) * A_DAY).timestamp()
        os.utime(segment_path(folder, start), (at, at))
    return [0, *ends]


@pytest.mark.parametrize(
    ("loaded", "days", "is_low", "kept_from"),
    [
        (5, 2.5, False, 3),
        (5, 9.0, False, 0),
        (5, 0.0, False, 4),  # the last segment is the door's
        (2, 0.0, False, 2),
        (0, 0.0, True, 0),
        (3, 9.0, True, 3),
    ],
)
def test_old_segments_that_are_loaded_go(
    tmp_path: Path, loaded: int, days: float, *, is_low: bool, kept_from: int
) -> None:
    ends = a_log(tmp_path)

    gone = drop_loaded(
        tmp_path, loaded=ends[loaded], now=NOW, keep=days * A_DAY, is_low=is_low
    )

    assert len(gone) == kept_from
    with closing(SegmentLog.open(tmp_path)) as log:
        assert log.begin() == ends[kept_from]
        assert log.append([Record("accepted", a_row(9))]) > log.begin()
        assert len(log.read(log.begin(), limit=99).records) == 6 - kept_from


def test_a_loader_without_its_ledger_begins_where_the_log_does(tmp_path: Path) -> None:
    ends = a_log(tmp_path)
    drop_loaded(tmp_path, loaded=ends[2], now=NOW, keep=0 * A_DAY, is_low=False)

    with closing(open_for_reading(tmp_path)) as log:
        ledger = Ledger(tmp_path / "loaded.json")

        assert Loader(log, ledger, lambda: NOW).position == ends[2]
        ledger.write(Progress(log.identity, ends[3]))
        assert Loader(log, ledger, lambda: NOW).position == ends[3]


class Nowhere:
    """A client nobody may call."""


def test_a_segment_that_somebody_else_removed_is_missed(tmp_path: Path) -> None:
    a_log(tmp_path)
    segment_path(tmp_path, 0).unlink()

    with closing(open_for_reading(tmp_path)) as log:
        loader = Loader(log, Ledger(tmp_path / "loaded.json"), lambda: NOW)
        with pytest.raises(Unavailable, match="cannot be read at 0"):
            loader.drain(Nowhere())  # type: ignore[arg-type]


def test_an_inspection_tells_of_each_segment_and_finds_damage(tmp_path: Path) -> None:
    ends = a_log(tmp_path, segments=3)
    with closing(open_for_reading(tmp_path)) as log:
        Ledger(tmp_path / "loaded.json").write(Progress(log.identity, ends[1]))
    path = segment_path(tmp_path, ends[1])
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    told = list(inspected(tmp_path))

    assert [one.start for one in told] == ends[:-1]
    assert [one.is_whole for one in told] == [True, False, True]
    assert [one.is_loaded for one in told] == [True, True, False]
    assert [one.rows["accepted"] for one in told] == [1, 0, 1]
    assert told[2].first_received == "2026-03-01 10:00:02.000"


def test_a_moment_is_found_in_the_log(tmp_path: Path) -> None:
    ends = a_log(tmp_path)

    with closing(open_for_reading(tmp_path)) as log:
        assert position(log, "2026-03-01T10:00:02Z") == ends[2]
        assert position(log, "2026-03-01T11:00:02.500+01:00") == ends[3]
        assert position(log, "2026-03-02T00:00:00Z") == ends[-1]
        assert position(log, "17") == 17
        with pytest.raises(BadInput, match="no position"):
            position(log, "yesterday")


def test_a_disk_that_takes_not_even_the_note_does_not_stop_the_loader(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ends = a_log(tmp_path)
    with closing(open_for_reading(tmp_path)) as log:
        Ledger(tmp_path / "loaded.json").write(Progress(log.identity, ends[-1]))
        settings = Settings(log_keep_hours=0)
        metrics = LoaderMetrics(Breaker(lambda: 1.0))

        with closing(LogLoaders(tmp_path, NobodyErased(), PLAIN, lambda: NOW)) as them:
            chores = Chores(tmp_path, settings, metrics, lambda: NOW, them)
            with files_no_longer_than(0):
                chores.do()

        assert f"stay in the log in {tmp_path}: File too large" in caplog.text
        assert log.begin() == 0
        assert len(log.read(0, limit=99).records) == 5
