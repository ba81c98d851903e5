"""The disk's log encrypted: nothing legible on disk, all of it for who has the key."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ingestion.inspection import inspected
from ingestion.records import Record
from ingestion.sealing import Plain, Sealed, sealing_of
from ingestion.segments import SegmentLog, open_for_reading
from warehouse.errors import BadInput, BadSetting
from warehouse.settings import Settings

KEY = bytes(range(32))
ROWS = b'["5e0f6d0c","rolled","1.0","user_10257"]\n'
RECORDS = [Record("accepted", ROWS), Record("refused", ROWS * 2, 2)]


def on_disk(folder: Path) -> bytes:
    return b"".join(one.read_bytes() for one in folder.glob("*.segment"))


def written(folder: Path, sealing: Sealed | Plain) -> None:
    with closing(SegmentLog.open(folder, sealing=sealing)) as log:
        log.append(RECORDS)


def test_nothing_is_legible_and_everything_is_read(tmp_path: Path) -> None:
    written(tmp_path, Sealed(KEY))

    with closing(open_for_reading(tmp_path, Sealed(KEY))) as log:
        stretch = log.read(0, limit=99)
        again = log.reread(stretch.first, stretch.last)

    assert list(stretch.records) == list(again.records) == RECORDS
    assert b"user_10257" not in on_disk(tmp_path)
    assert b"rolled" not in on_disk(tmp_path)


def test_one_log_may_hold_both_and_the_setting_may_change(tmp_path: Path) -> None:
    written(tmp_path, Plain())
    written(tmp_path, Sealed(KEY))
    written(tmp_path, Sealed(KEY, writes=False))

    with closing(open_for_reading(tmp_path, Sealed(KEY))) as log:
        assert list(log.read(0, limit=99).records) == RECORDS * 3
    assert on_disk(tmp_path).count(b"user_10257") == 6


@pytest.mark.parametrize("other", [Plain(), Sealed(bytes(32))])
def test_without_its_key_a_log_is_not_read_nor_cut(
    tmp_path: Path, other: Sealed | Plain
) -> None:
    written(tmp_path, Sealed(KEY))

    with (
        closing(open_for_reading(tmp_path, other)) as log,
        pytest.raises(BadInput, match="key"),
    ):
        log.read(0, limit=99)
    # nor does who writes it cut anything off
    closing(SegmentLog.open(tmp_path, sealing=other)).__exit__(None, None, None)
    with closing(open_for_reading(tmp_path, Sealed(KEY))) as log:
        assert list(log.read(0, limit=99).records) == RECORDS


def test_a_record_does_not_open_as_another_kind_or_number() -> None:
    sealed = Sealed(KEY).sealed(RECORDS[0])

    for changed in (
        Record("refused", sealed.rows, sealed.count),
        Record("accepted", sealed.rows, 2),
        Record("accepted", sealed.rows[:-1], 1),
    ):
        with pytest.raises(BadInput, match="does not open"):
            Sealed(KEY).opened(changed)


def test_the_key_is_the_homes_own_or_the_settings(tmp_path: Path) -> None:
    off = Settings(home=tmp_path)
    on = replace(off, log_encrypted=True)

    assert isinstance(sealing_of(off), Plain)
    made = sealing_of(on)
    assert sealing_of(on) == made
    # taken back, what is encrypted stays readable
    kept = sealing_of(off)
    assert isinstance(kept, Sealed)
    assert not kept.writes
    with pytest.raises(BadSetting, match="QUESTLOG_LOG_KEY_FILE names"):
        sealing_of(replace(on, log_key_file=tmp_path / "absent"))


def test_an_encrypted_log_is_inspected(tmp_path: Path) -> None:
    row = b'["id","rolled","reason",0,0,0,0,0,0,0,"2026-03-01 10:00:00.000"]\n'
    with closing(SegmentLog.open(tmp_path, sealing=Sealed(KEY))) as log:
        log.append([Record("refused", row)])

    (told,) = inspected(tmp_path, Sealed(KEY))

    assert told.is_whole
    assert told.first_received == told.last_received == "2026-03-01 10:00:00.000"
