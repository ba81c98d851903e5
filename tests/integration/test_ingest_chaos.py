"""Door, loader and engine killed under senders: a short run, and what it would tell."""

import random
import threading
from pathlib import Path

from bench._ledger import Sender, compared
from bench.ingest_chaos import played, staged

A, B, C = "a", "b", "c"


def test_what_was_promised_is_there_once_after_kills_and_troubles(
    tmp_path: Path,
) -> None:
    with staged(tmp_path) as stage:
        told = played(stage, rounds=4, seed=11)

    assert told["acknowledged"] > 0
    assert (told["lost"], told["doubled"], told["unexplained"]) == (0, 0, 0)


def faults(
    *stored: tuple[str, str], refusals: tuple[tuple[str, str], ...] = ((C, "1"),)
) -> tuple[int, int, int]:
    """Of a sender who sent two events once or twice, and one that was refused."""
    sender = Sender(1, 0, "", threading.Event(), random.Random(1))  # noqa: S311
    sender.accepted, sender.refused = {A, B}, {C}
    sender.tried.update({A: 2, B: 1, C: 1})
    told = compared([sender], stored=stored, refusals=refusals)
    return told["lost"], told["doubled"], told["unexplained"]


def test_the_ledgers_tell_of_what_is_missing_doubled_or_unexplained() -> None:
    whole = ((A, "10:00"), (B, "10:00"))

    assert faults(*whole) == (0, 0, 0)
    assert faults(*whole, (A, "10:01")) == (0, 0, 0)
    assert faults((A, "10:00")) == (1, 0, 0)
    assert faults(*whole, refusals=()) == (1, 0, 0)
    assert faults(*whole, (A, "10:00")) == (0, 1, 0)
    assert faults(*whole, refusals=((C, "1"), (C, "1"))) == (0, 1, 0)
    assert faults(*whole, (B, "10:01")) == (0, 0, 1)
    assert faults(*whole, ("d", "10:00")) == (0, 0, 2)
    assert faults(*whole, refusals=((C, "1"), (A, "2"))) == (0, 0, 1)
