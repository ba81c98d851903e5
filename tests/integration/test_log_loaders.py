"""Several logs drained by one loader: each once, none behind another's later load."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.loader import Ledger, Loader, Progress, ledger_of
from ingestion.log_loaders import LogLoaders
from ingestion.logs import log_folder, logs
from ingestion.segments import PLAIN, SegmentLog, open_for_reading
from tests.integration.test_ingestion_loader import an_event, stored, taken
from tests.unit.test_log_set_aside import NobodyErased
from warehouse.clickhouse import connect
from warehouse.settings import Settings

BEGAN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A second later each time it is asked."""

    at: datetime = BEGAN

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A log with two others in it, as three workers leave them."""
    for worker in range(3):
        log_folder(tmp_path / "log", worker).mkdir(parents=True)
        with closing(SegmentLog.open(log_folder(tmp_path / "log", worker))):
            pass
    return tmp_path


def took(folder: Path, worker: int, source: str, count: int) -> None:
    home = folder / f"home-{worker}-{source}"
    home.mkdir()
    (home / "log").symlink_to(log_folder(folder / "log", worker))
    taken(home, [an_event() for _ in range(count)], source=source)


def test_a_log_that_another_worker_left_is_found_by_its_number(folder: Path) -> None:
    (folder / "log" / "worker-x").mkdir()
    (folder / "log" / "worker-9").mkdir()

    assert list(logs(folder / "log")) == [0, 1, 2]


def test_every_log_is_loaded_once_also_one_that_comes_later(
    endpoint: Settings, tmp_path: Path
) -> None:
    (tmp_path / "log").mkdir()
    took(tmp_path, 0, "several", 30)
    loaders = LogLoaders(tmp_path / "log", NobodyErased(), PLAIN, Clock())
    with closing(loaders), connect(endpoint) as client:
        first = sum(loaders.loaded(client))
        log_folder(tmp_path / "log", 1).mkdir()
        took(tmp_path, 1, "several", 20)
        second = sum(loaders.loaded(client))
        again = sum(loaders.loaded(client))

    assert (first, second, again) == (30, 20, 0)
    assert len({row["event_id"] for row in stored(endpoint, "several")}) == 50


class Stops(Ledger):
    """Loses power right after a block was cut."""

    def write(self, progress: Progress) -> None:
        super().write(progress)
        raise KeyboardInterrupt


def test_a_block_that_a_crash_left_goes_before_whatever_is_cut_later(
    endpoint: Settings, folder: Path
) -> None:
    clock = Clock()
    for worker in (2, 1):
        took(folder, worker, f"crash-{worker}", 10)
        place = log_folder(folder / "log", worker)
        with (
            closing(open_for_reading(place)) as log,
            connect(endpoint) as client,
            pytest.raises(KeyboardInterrupt),
        ):
            Loader(log, Stops(place / "loaded.json"), clock).drain(client)
    took(folder, 0, "crash-0", 10)

    loaders = LogLoaders(folder / "log", NobodyErased(), PLAIN, clock)
    with closing(loaders), connect(endpoint) as client:
        counts = []
        for count in loaders.loaded(client):
            counts.append(count)
            arrived = [bool(stored(endpoint, f"crash-{one}")) for one in (2, 1, 0)]
            assert arrived == [True, len(counts) > 1, len(counts) > 2]

    assert counts == [10, 10, 10]
    moments = [stored(endpoint, f"crash-{one}")[0]["loaded_at"] for one in (2, 1, 0)]
    assert moments == sorted(moments)


def test_a_damaged_log_is_told_and_holds_up_no_other(
    endpoint: Settings, folder: Path
) -> None:
    took(folder, 1, "damaged", 5)
    took(folder, 0, "whole", 5)
    place = log_folder(folder / "log", 1)
    (segment,) = place.glob("*.segment")
    loaders = LogLoaders(folder / "log", NobodyErased(), PLAIN, Clock())
    segment.write_bytes(b"x" * segment.stat().st_size)

    with closing(loaders), connect(endpoint) as client:
        sum(loaders.loaded(client))
        (told,) = loaders.unusable.values()

    assert "it is damaged there" in str(told)
    assert len(stored(endpoint, "whole")) == 5
    with closing(open_for_reading(folder / "log")) as log:
        assert ledger_of(folder / "log").read(log.identity).position == log.end()
