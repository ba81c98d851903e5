"""What a large block took goes back to the system; rounds leave nothing behind."""

import ctypes
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="this C library keeps no memory that could be given back",
)

_HELD_KB = """
def held_kb():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return next(int(line.split()[1]) for line in lines if "Private_Dirty" in line)
"""
# every hundredth piece stays, so that the heap cannot simply become shorter
_A_LARGE_BLOCK = f"""
{_HELD_KB}
from ingestion.giving_back import give_back
before = held_kb()
pieces = [bytes(20_000) for _ in range(2_000)]
kept = pieces[::100]
del pieces
left = held_kb()
give_back()
print(left - before, held_kb() - before)
"""
_NAMES = f"""
{_HELD_KB}
from pathlib import Path
# as many words as the command has
import clickhouse_connect, questlog.__main__, questlog.commands.ingestion
import ingestion.loading
from ingestion.giving_back import give_back, settle
settle()
give_back()
print(held_kb())
for number in range(100_000):
    Path("folder") / f"{{number}}.segment"
give_back()
print(held_kb())
"""
_ROUNDS = f"""
{_HELD_KB}
import sys, tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from ingestion.giving_back import give_back, settle
from ingestion.log_loaders import LogLoaders
from ingestion.records import Record
from ingestion.segments import PLAIN, SegmentLog
from tests.unit.test_log_set_aside import NobodyErased, Taker

class Forgets(Taker):
    def raw_insert(self, *_, insert_block, **__):
        for piece in insert_block:
            pass

settle()
now = lambda: datetime(2026, 3, 1, tzinfo=UTC)
row = b'["%b"]\\n' % (b"x" * 900)
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    log = SegmentLog.open(folder)
    with closing(log), closing(LogLoaders(folder, NobodyErased(), PLAIN, now)) as all_:
        for number in range(1_501):
            # now and then many have gathered
            count = 400 if number % 300 == 150 else 2
            log.append([Record("accepted", row * 20, 20) for _ in range(count)])
            assert sum(all_.loaded(Forgets())) == 20 * count
            if number % 20 == 0:
                give_back()
            if number % 300 == 0:
                print(sys.getallocatedblocks(), held_kb())
"""


def said_by(program: str) -> list[list[int]]:
    """Numbers a program prints, in a process of its own: memory is a process's."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


def test_memory_between_pieces_in_use_is_given_back() -> None:
    ((left, after),) = said_by(_A_LARGE_BLOCK)

    assert left > 20_000
    assert after < 4_000


def test_names_of_files_let_no_table_grow_after_the_start() -> None:
    looks = said_by(_NAMES)

    assert looks[1][0] - looks[0][0] < 100
    assert looks[1][0] - looks[0][0] > -1_500


def test_rounds_and_large_blocks_leave_nothing_behind() -> None:
    looks = said_by(_ROUNDS)

    blocks = [count for count, _ in looks]
    held = [kilobytes for _, kilobytes in looks]
    assert blocks[-1] - blocks[1] < 600
    assert held[-1] - held[0] < 900
