"""The log on disk keeps what it acknowledged, whatever tears its end."""

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.log import Stretch
from ingestion.records import Record
from ingestion.segments import SegmentLog, open_for_reading
from warehouse.errors import BadInput, Unavailable

# rows are JSON, whatever follows the bracket
records = st.builds(
    Record,
    st.sampled_from(["accepted", "refused"]),
    st.binary(max_size=40).map(lambda rows: b"[" + rows),
)
batches = st.lists(st.lists(records, min_size=1, max_size=5), min_size=1, max_size=8)


def whole(folder: Path) -> list[Record]:
    with closing(open_for_reading(folder)) as log:
        return list(log.read(0, limit=10_000).records)


@settings(deadline=None)
@given(batches, st.integers(0, 60), st.binary(max_size=30))
def test_what_was_appended_is_read_back_and_a_torn_tail_is_cut(
    written: list[list[Record]], size: int, torn: bytes
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "log"
        with closing(SegmentLog.open(folder, segment_bytes=size)) as log:
            for batch in written:
                log.append(batch)
        last = max(folder.glob("*.segment"))
        with last.open("ab") as file:
            file.write(torn)

        read = whole(folder)
        with closing(SegmentLog.open(folder)) as log:
            log.append([Record("accepted", b"after")])

        flat = [record for batch in written for record in batch]
        # a torn tail can be a whole empty frame by chance only
        assert read == flat
        assert whole(folder) == [*flat, Record("accepted", b"after")]


@settings(deadline=None)
@given(batches, st.data())
def test_a_log_cut_anywhere_keeps_a_beginning_of_what_was_written(
    written: list[list[Record]], data: st.DataObject
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "log"
        with closing(SegmentLog.open(folder)) as log:
            ends = [log.append(batch) for batch in written]
        segment = next(folder.glob("*.segment"))
        cut = data.draw(st.integers(0, ends[-1]))
        os.truncate(segment, cut)

        read = whole(folder)

        flat = [record for batch in written for record in batch]
        assert read == flat[: len(read)]
        kept = sum(len(b) for b, end in zip(written, ends, strict=True) if end <= cut)
        assert len(read) >= kept


def test_positions_lead_on_and_a_stretch_can_be_read_again(tmp_path: Path) -> None:
    flat = [Record("accepted", b"%d" % number) for number in range(10)]
    with closing(SegmentLog.open(tmp_path, segment_bytes=30)) as log:
        for record in flat:
            log.append([record])
        first = log.read(0, limit=4)
        second = log.read(first.last, limit=100)

        assert [*first.records, *second.records] == flat
        assert second.last == log.end()
        assert log.read(second.last, limit=5) == Stretch(log.end(), log.end(), ())
        assert log.reread(first.first, first.last) == first
        with pytest.raises(BadInput, match="breaks off"):
            log.reread(first.first, first.last + 1)


def test_readers_see_only_what_is_durable(tmp_path: Path) -> None:
    with closing(SegmentLog.open(tmp_path)) as log:
        log.append([Record("accepted", b"one")])
        with closing(open_for_reading(tmp_path)) as reader:
            durable = reader.end()
            log.append([Record("accepted", b"two")])

            assert reader.end() > durable
            assert len(reader.read(0, limit=5).records) == 2
            assert reader.identity == log.identity


def test_appends_of_many_threads_are_all_kept_each_in_one_piece(tmp_path: Path) -> None:
    with closing(SegmentLog.open(tmp_path, segment_bytes=2000)) as log:

        def append(writer: int) -> None:
            for batch in range(20):
                log.append([Record("accepted", b"%d-%d" % (writer, batch))] * 3)

        threads = [threading.Thread(target=append, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        found = [record.rows for record in log.read(0, limit=1000).records]
    wanted = {b"%d-%d" % (writer, batch) for writer in range(8) for batch in range(20)}
    assert set(found) == wanted
    assert found[::3] == found[1::3] == found[2::3]


def test_one_process_writes_a_log_and_the_next_is_told_so(tmp_path: Path) -> None:
    with (
        closing(SegmentLog.open(tmp_path)),
        pytest.raises(Unavailable, match="one ingest service a log"),
    ):
        SegmentLog.open(tmp_path)

    SegmentLog.open(tmp_path).close()


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """The kernel refuses to write beyond, as it does when a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_unavailable_and_leaves_the_log_whole(tmp_path: Path) -> None:
    small, large = Record("accepted", b"small"), Record("accepted", b"x" * 5000)
    with closing(SegmentLog.open(tmp_path)) as log:
        log.append([small])
        with files_no_longer_than(1000), pytest.raises(Unavailable, match="written"):
            log.append([small, large])
        log.append([small])

        assert log.read(0, limit=10).records == (small, small)
    assert whole(tmp_path) == [small, small]


def test_a_log_made_anew_is_another_log(tmp_path: Path) -> None:
    def identity(name: str) -> str:
        with closing(SegmentLog.open(tmp_path / name)) as log:
            return log.identity

    assert identity("a") == identity("a") != identity("b")
