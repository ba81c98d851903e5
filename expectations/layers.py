"""Every gate in turn, each in a process of its own that has nothing to import."""

import multiprocessing
from collections.abc import Sequence
from datetime import date
from multiprocessing.connection import Connection

from expectations.gates import GATES, inspect
from expectations.report import GateReport
from warehouse.errors import GateClosed, QuestlogError, Unavailable
from warehouse.settings import Settings


def inspect_all(as_of: date, settings: Settings) -> list[GateReport]:
    """Judge what was built for each gate, open or closed, in the order of the layers.

    What Great Expectations and the detectors import takes longer than most gates, so
    it is imported once, by the process that the others are forked from. Memory that
    one layer took is free again for the next. Raises what the first gate raises that
    could not be judged.
    """
    import great_expectations  # noqa: F401 - for the processes to come

    return [_apart(gate, as_of, settings) for gate in GATES]


def require_all_open(reports: Sequence[GateReport]) -> None:
    """Raise GateClosed naming what closed which gates, unless all are open."""
    closed = [report.closed_because for report in reports if not report.open]
    if closed:
        raise GateClosed("\n".join(closed))


def _apart(gate: str, as_of: date, settings: Settings) -> GateReport:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    judge = context.Process(target=_tell, args=(theirs, gate, as_of, settings))
    judge.start()
    theirs.close()
    try:
        told: GateReport | QuestlogError = ours.recv()
    except EOFError as error:
        judge.join()
        raise Unavailable(
            f"The process that judged the gate {gate} ended with {judge.exitcode}"
            " before it told anything; was there enough memory?"
        ) from error
    judge.join()
    if isinstance(told, QuestlogError):
        raise told
    return told


def _tell(line: Connection, gate: str, as_of: date, settings: Settings) -> None:
    try:
        line.send(inspect(gate, as_of, settings))
    except QuestlogError as error:
        line.send(error)
