"""A log that cannot be used is set aside and told; the others go on without it."""

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingestion.breaker import Breaker
from ingestion.loader_metrics import LoaderMetrics
from ingestion.loading import Chores
from ingestion.log_loaders import LogLoaders
from ingestion.logs import log_folder
from ingestion.records import Record
from ingestion.segments import PLAIN, SegmentLog
from warehouse.errors import Unavailable
from warehouse.settings import Settings

NOW = datetime(2026, 3, 10, tzinfo=UTC)


@dataclass(frozen=True)
class NobodyErased:
    found: frozenset[bytes] = field(default_factory=frozenset)

    def tombstones(self) -> frozenset[bytes]:
        return self.found

    def index(self, subject: str) -> bytes:
        return subject.encode()


class Taker:
    """A ClickHouse that takes everything, and remembers the rows."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def raw_insert(
        self, *_: object, insert_block: Iterable[bytes], **__: object
    ) -> None:
        rows = b"".join(insert_block).splitlines()
        self.taken += [json.loads(row)[1] for row in rows]

    def query(self, *_: object, **__: object) -> "Nothing":
        return Nothing()


@dataclass(frozen=True)
class Nothing:
    """The answer of a query that finds no row."""

    column_names: tuple[str, ...] = ()
    result_rows: tuple[tuple[object, ...], ...] = ()


@dataclass
class Seconds:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def append(folder: Path, *ids: str) -> None:
    with closing(SegmentLog.open(folder)) as log:
        log.append([Record("accepted", b'["%b"]\n' % one.encode()) for one in ids])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The logs of three workers, each with two events."""
    for worker in range(3):
        append(log_folder(tmp_path, worker), f"{worker}a", f"{worker}b")
    return tmp_path


@contextmanager
def loaders_of(
    folder: Path, seconds: Callable[[], float] = lambda: 0.0
) -> Iterator[LogLoaders]:
    own = LogLoaders(folder, NobodyErased(), PLAIN, lambda: NOW, seconds=seconds)
    with closing(own):
        yield own


def load(loaders: LogLoaders, taker: Taker) -> int:
    return sum(loaders.loaded(taker))  # type: ignore[arg-type]


def spoiled_segment(log: Path) -> None:
    (path,) = log.glob("*.segment")
    path.write_bytes(b"x" * path.stat().st_size)


def taken_away_segment(log: Path) -> None:
    (path,) = log.glob("*.segment")
    path.rename(path.with_suffix(".away"))
    path.mkdir()


def spoiled_ledger(log: Path) -> None:
    (log / "loaded.json").write_bytes(b"{")


def ledger_that_cannot_be_written(log: Path) -> None:
    (log / "loaded.json").mkdir()


def short_mark(log: Path) -> None:
    (log / "durable").write_bytes(b"")


def spoiled_beginning(log: Path) -> None:
    (log / "dropped").write_text("some")


def no_mark_but_a_folder(log: Path) -> None:
    (log / "durable").unlink()
    (log / "durable").mkdir()


DAMAGES = (
    spoiled_segment,
    taken_away_segment,
    spoiled_ledger,
    ledger_that_cannot_be_written,
    short_mark,
    spoiled_beginning,
    no_mark_but_a_folder,
)


@pytest.mark.parametrize("worker", [0, 1])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)
def test_a_damage_before_the_start_holds_up_no_other_log(
    folder: Path, damage: Callable[[Path], None], worker: int
) -> None:
    damage(log_folder(folder, worker))
    taker = Taker()

    with loaders_of(folder) as loaders:
        count = load(loaders, taker)
        unusable = list(loaders.unusable)

    others = {0, 1, 2} - {worker}
    assert set(taker.taken) - {f"{worker}a", f"{worker}b"} == {
        f"{one}{letter}" for one in others for letter in "ab"
    }
    assert count == 4
    assert unusable == [log_folder(folder, worker)]


def test_a_damage_under_way_is_told_waited_out_and_forgotten_once_mended(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seconds, taker, bad = Seconds(), Taker(), log_folder(folder, 1)
    (segment,) = bad.glob("*.segment")
    with loaders_of(folder, seconds) as loaders:
        content = segment.read_bytes()
        spoiled_segment(bad)
        first = load(loaders, taker)
        tried_too_early = load(loaders, taker)
        warnings = len(caplog.records)
        seconds.now += 60
        tried_again = load(loaders, taker)
        segment.write_bytes(content)
        append(log_folder(folder, 2), "2c")
        meanwhile = load(loaders, taker)
        seconds.now += 60
        mended = load(loaders, taker)
        unusable = dict(loaders.unusable)

    assert (first, tried_too_early, tried_again, meanwhile, mended) == (4, 0, 0, 1, 2)
    assert taker.taken[-2:] == ["1a", "1b"]
    assert unusable == {}
    assert warnings == 1
    assert str(bad) in caplog.messages[0]
    assert caplog.messages[-1] == f"The log in {bad} is loaded again."


NOBODY = 65534


@contextmanager
def a_folder_of_a_user_without_rights() -> Iterator[Path]:
    """Root may read everything: as root all of the test is done as somebody else."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        if is_root:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            if is_root:
                os.seteuid(0)


def test_a_folder_that_may_not_be_looked_into_is_told_and_holds_up_no_other() -> None:
    seconds, taker = Seconds(), Taker()
    with a_folder_of_a_user_without_rights() as folder:
        for worker in range(3):
            append(log_folder(folder, worker), f"{worker}a", f"{worker}b")
        closed = log_folder(folder, 1)
        closed.chmod(0)
        with loaders_of(folder, seconds) as loaders:
            count = load(loaders, taker)
            told = [str(error) for error in loaders.unusable.values()]
            closed.chmod(0o700)
            seconds.now += 60
            opened = load(loaders, taker)

    assert (count, opened) == (4, 2)
    assert told == [f"The log in {closed} cannot be opened: Permission denied."]


def test_each_try_in_vain_waits_longer_up_to_a_quarter_of_a_minute(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = Seconds()
    spoiled_ledger(log_folder(folder, 1))
    with loaders_of(folder, seconds) as loaders:
        for _ in range(600):
            load(loaders, Taker())
            seconds.now += 0.5

    assert 20 <= len(caplog.records) <= 20 + 2 * 5 + 15
    assert "Trying again in" in caplog.messages[-1]


def test_a_block_that_a_damaged_log_cannot_give_again_waits_for_it(
    folder: Path,
) -> None:
    class Stops(Taker):
        def raw_insert(self, *_: object, **__: object) -> None:
            raise KeyboardInterrupt

    seconds, taker = Seconds(), Taker()
    with loaders_of(folder) as loaders, pytest.raises(KeyboardInterrupt):
        load(loaders, Stops())
    (segment,) = folder.glob("*.segment")
    content = segment.read_bytes()
    with loaders_of(folder, seconds) as loaders:
        segment.write_bytes(content[:10])
        others = load(loaders, taker)
        unusable = list(loaders.unusable)
        segment.write_bytes(content)
        seconds.now += 60
        mended = load(loaders, taker)

    assert (others, unusable, mended) == (4, [folder], 2)
    assert sorted(taker.taken) == ["0a", "0b", "1a", "1b", "2a", "2b"]


def test_clickhouse_away_is_no_fault_of_a_log(folder: Path) -> None:
    class Away(Taker):
        def raw_insert(self, *_: object, **__: object) -> None:
            raise Unavailable("No ClickHouse answers.")

    with loaders_of(folder) as loaders:
        with pytest.raises(Unavailable, match="No ClickHouse"):
            load(loaders, Away())
        assert not loaders.unusable


def test_logs_that_cannot_be_used_are_told_beside_what_waits_in_the_others(
    folder: Path,
) -> None:
    spoiled_ledger(log_folder(folder, 2))
    metrics = LoaderMetrics(Breaker(lambda: 1.0))
    with loaders_of(folder) as loaders:
        Chores(folder, Settings(), metrics, lambda: NOW, loaders).do()

    value = metrics.registry.get_sample_value
    assert value("questlog_logs_unusable") == 1
    waiting = [
        value("questlog_loader_waiting", {"log": name})
        for name in (folder.name, "worker-1", "worker-2")
    ]
    assert [one is not None and one > 0 for one in waiting] == [True, True, False]
