"""What the chaos benchmark says of a ledger and of what a killed endpoint kept."""

import random
import threading

from bench.endpoint_chaos import Found, Writer, compared
from warehouse.settings import Settings

WHOLE = {(0, 0): (10, 10), (0, 1): (20, 20)}


def faults(found: Found) -> tuple[float, float, float]:
    writer = Writer(0, Settings(), threading.Event(), random.Random(1))  # noqa: S311
    writer.acknowledged = {0: 10}
    writer.unanswered = {1: 20}
    told = compared([writer], found)
    return told["lost"], told["partial"], told["doubled"]


def test_all_that_was_sent_is_no_fault() -> None:
    assert faults(WHOLE) == (0, 0, 0)


def test_what_was_never_acknowledged_may_be_missing() -> None:
    assert faults({(0, 0): (10, 10)}) == (0, 0, 0)


def test_a_missing_acknowledged_batch_is_lost_row_by_row() -> None:
    assert faults({(0, 1): (20, 20)}) == (10, 0, 0)


def test_a_part_of_a_batch_is_partial_though_it_was_never_acknowledged() -> None:
    assert faults(WHOLE | {(0, 1): (5, 5)}) == (0, 1, 0)


def test_rows_there_twice_are_doubled() -> None:
    assert faults(WHOLE | {(0, 0): (20, 10)}) == (0, 0, 1)
