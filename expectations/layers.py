"""Every gate, each in a process of its own that has nothing to import."""

import multiprocessing
from collections.abc import Sequence
from datetime import date
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from expectations import pages
from expectations.gates import GATES, inspect
from expectations.report import GateReport
from warehouse.errors import GateClosed, QuestlogError, Unavailable
from warehouse.settings import Settings

_AT_ONCE = 2
"""While one waits for ClickHouse the other draws its pages."""


def inspect_all(as_of: date, settings: Settings) -> list[GateReport]:
    """Judge what was built for each gate, open or closed, in the order of the layers.

    What Great Expectations and the detectors import takes longer than most gates, so
    it is imported once, and templates are compiled, by the process that the others are
    forked from. Memory that one layer took is free again for the next. Raises what a
    gate raises that could not be judged.
    """
    from expectations import templates

    templates.compile_templates()
    waiting, judging = list(GATES), dict[Connection, tuple[str, ForkProcess]]()
    told: dict[str, GateReport | QuestlogError] = {}
    while waiting or judging:
        while waiting and len(judging) < _AT_ONCE:
            gate = waiting.pop(0)
            line, judge = _start(gate, as_of, settings)
            judging[line] = (gate, judge)
        for line in [one for one in wait(list(judging)) if isinstance(one, Connection)]:
            gate, judge = judging.pop(line)
            told[gate] = _hear(line, gate, judge)
    reports = []
    for gate in GATES:
        found = told[gate]
        if isinstance(found, QuestlogError):
            raise found
        reports.append(found)
    # two that ended together may have missed each other's page
    pages.write_index(reports[-1])
    return reports


def require_all_open(reports: Sequence[GateReport]) -> None:
    """Raise GateClosed naming what closed which gates, unless all are open."""
    closed = [report.closed_because for report in reports if not report.open]
    if closed:
        raise GateClosed("\n".join(closed))


def _start(
    gate: str, as_of: date, settings: Settings
) -> tuple[Connection, ForkProcess]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    judge = context.Process(target=_tell, args=(theirs, gate, as_of, settings))
    judge.start()
    theirs.close()
    return ours, judge


def _tell(line: Connection, gate: str, as_of: date, settings: Settings) -> None:
    try:
        line.send(inspect(gate, as_of, settings))
    except QuestlogError as error:
        line.send(error)


def _hear(
    line: Connection, gate: str, judge: ForkProcess
) -> GateReport | QuestlogError:
    try:
        told: GateReport | QuestlogError = line.recv()
    except EOFError:
        judge.join()
        told = Unavailable(
            f"The process that judged the gate {gate} ended with {judge.exitcode}"
            " before it told anything: was there enough memory?"
        )
    judge.join()
    line.close()
    return told
