"""Faults of many kinds put one at a time into a clean month, and ten clean months.

Limits: all that must stop is stopped before its mart or audience, 95 of 100 kinds are
told of, and a clean month has one false alarm at most. QUESTLOG_BENCH_FAULTS=a,b takes
kinds by the beginning of their names, QUESTLOG_BENCH_MONTHS=2 fewer clean months.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import _fault_worlds as worlds
from bench._faults import Fault
from bench._faults_raw import FAULTS as OF_SENDERS
from bench._faults_tables import FAULTS as OF_TABLES
from warehouse.clickhouse import connect, rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from expectations.report import GateReport
    from warehouse.settings import Settings

FAULTS: Sequence[Fault] = (*OF_SENDERS, *OF_TABLES)
PEOPLE, DAYS = 1_000, 84
_BY_NAME: Mapping[str, Fault] = {fault.name: fault for fault in FAULTS}
_MONTHS, _FIRST_SEED = 10, 11
_AT_ONCE, _NO_FAULT = 2, ""
# the shipped examples of exchange rates end: of this every world is told
_KNOWN = {"marts_build.fct_payments rates_are_recent"}
_LIMITS = {
    "kinds_limit": 25.0,
    "stopped_share_limit": 1.0,
    "detected_share_limit": 0.95,
    "false_alarms_per_month_limit": 1.0,
}
_CHOSEN = frozenset({"churn", "lifetime_value", "audiences"})
"""What is made of published marts and features."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What gates said of one fault; `days` until they first did, 1 for its own day."""

    fault: Fault
    told: frozenset[str]
    closed: bool
    days: int


@dataclass(frozen=True, slots=True)
class _Told:
    """An outcome between processes, where a fault goes by its name.

    `stops` are those of the told that close the gate.
    """

    name: str
    told: frozenset[str]
    stops: frozenset[str]
    days: int = 1


def run() -> dict[str, Any]:
    """Every kind of fault, and the clean months: two at a time."""
    asked = [
        one for one in os.environ.get("QUESTLOG_BENCH_FAULTS", "").split(",") if one
    ]
    months = int(os.environ.get("QUESTLOG_BENCH_MONTHS", _MONTHS))
    chosen = [
        fault
        for fault in FAULTS
        if not asked or any(fault.name.startswith(word) for word in asked)
    ]
    with (
        tempfile.TemporaryDirectory(prefix="questlog-faults-") as place,
        workers(_AT_ONCE) as pool,
    ):
        clean = [
            pool.submit(_alarms_of_a_month, seed, Path(place))
            for seed in range(_FIRST_SEED, _FIRST_SEED + months)
        ]
        found = tried(chosen, Path(place), people=PEOPLE, pool=pool)
        outcomes = [_said(one) for one in found]
        alarms = [month.result() for month in clean]
    return {"figures": _figures(outcomes, alarms), "compared_with": _LIMITS}


def _figures(outcomes: Sequence[Outcome], alarms: Sequence[int]) -> dict[str, float]:
    grave = [outcome for outcome in outcomes if outcome.fault.severity == "stop"]
    told = [outcome for outcome in outcomes if outcome.told]
    days = sorted(outcome.days for outcome in told)
    return {
        "kinds": len(outcomes),
        "detected_share": len(told) / max(len(outcomes), 1),
        "stop_kinds": len(grave),
        "stopped_share": sum(one.closed for one in grave) / max(len(grave), 1),
        "clean_months": len(alarms),
        "false_alarms_per_month": sum(alarms) / max(len(alarms), 1),
        "time_to_detection_median_days": float(days[len(days) // 2]) if days else 0.0,
        "time_to_detection_p95_days": float(days[int(len(days) * 0.95)])
        if days
        else 0.0,
    }


def workers(at_once: int) -> ProcessPoolExecutor:
    """Processes that keep what they imported, and what dbt has read."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(at_once, mp_context=context)


def tried(
    faults: Sequence[Fault], folder: Path, *, people: int, pool: ProcessPoolExecutor
) -> Iterator[Outcome]:
    """Put each fault into a month of its own, and ask the gate behind it."""
    clean = worlds.month(people=people, days=DAYS, seed=1)
    worlds.kept(clean, folder)
    base, finished = folder / "base", folder / "finished"
    worlds.make_base(base, clean, folder)
    control = pool.submit(_of_sender, _NO_FAULT, folder)
    waiting: list[Future[list[_Told]]] = [
        pool.submit(_of_sender, fault.name, folder)
        for fault in faults
        if fault.layer == "raw"
    ]
    groups = _of_one_warehouse(faults)
    if groups:
        worlds.finish(finished, base, clean, folder)
        waiting += [pool.submit(_of_tables, names, folder) for names in groups]
    # what a gate says of the clean month is no word about a fault
    (clean_told,) = control.result()
    for done in as_completed(waiting):
        for one in done.result():
            fault = _BY_NAME[one.name]
            known = clean_told.told if fault.layer == "raw" else frozenset[str]()
            yield Outcome(
                fault, one.told - known, bool(one.stops - known), days=one.days
            )


def _of_one_warehouse(faults: Sequence[Fault]) -> list[list[str]]:
    """Faults of tables by what must be built for them."""
    groups: dict[str, list[str]] = {}
    for fault in faults:
        if fault.layer != "raw":
            group = "chosen" if fault.layer in _CHOSEN else fault.layer
            groups.setdefault(group, []).append(fault.name)
    return list(groups.values())


def _of_sender(name: str, folder: Path) -> list[_Told]:
    from warehouse.transformation import build

    clean = worlds.remembered(folder)
    spoiled = worlds.spoiled(_BY_NAME[name], clean) if name else clean.tail
    with worlds.copy_of(folder / "base", folder) as settings:
        worlds.bring(settings, spoiled, folder, "tail")
        build(settings, "staging")
        report = worlds.judged("staging", worlds.END, settings)
        first = worlds.first_told(settings, "staging")
        days = (first - worlds.CUT).days + 1 if first else 1
        return [_told(name, report, _KNOWN, days)]


def _of_tables(names: Sequence[str], folder: Path) -> list[_Told]:
    with worlds.copy_of(folder / "finished", folder) as settings:
        if _BY_NAME[names[0]].layer in _CHOSEN:
            worlds.score_and_choose(settings, worlds.CUT, worlds.END)
        return list(_one_by_one([_BY_NAME[name] for name in names], settings))


def _one_by_one(faults: Sequence[Fault], settings: "Settings") -> Iterator[_Told]:
    known: dict[str, set[str]] = {}
    for fault in faults:
        if fault.layer not in known:
            # what a gate says of the clean month is no word about a fault
            clean = worlds.judged(fault.layer, worlds.END, settings)
            known[fault.layer] = _KNOWN | worlds.named(clean.warnings + clean.stops)
        with connect(settings) as client, worlds.broken(client, fault):
            report = worlds.judged(fault.layer, worlds.END, settings)
        yield _told(fault.name, report, known[fault.layer])


def _told(
    name: str, report: "GateReport", known: frozenset[str] | set[str], days: int = 1
) -> _Told:
    return _Told(
        name,
        frozenset(worlds.named(report.warnings + report.stops) - known),
        frozenset(worlds.named(report.stops) - known),
        days,
    )


def _said(outcome: Outcome) -> Outcome:
    state = "closed" if outcome.closed else "told" if outcome.told else "UNSEEN"
    wanted = (
        " WANTED closed"
        if (outcome.fault.severity == "stop" and not outcome.closed)
        else ""
    )
    print(
        f"{outcome.fault.layer:<14} {outcome.fault.name:<40} {state}{wanted},"
        f" day {outcome.days}: {', '.join(sorted(outcome.told))[:160]}",
        flush=True,
    )
    return outcome


def _alarms_of_a_month(seed: int, folder: Path) -> int:
    """Days of a clean month, of 30 judged by what came before each, with an alarm."""
    from warehouse.transformation import build

    began = time.monotonic()
    clean = worlds.month(people=PEOPLE, days=DAYS, seed=seed)
    with worlds.new(folder) as settings:
        worlds.bring(settings, [*clean.before, *clean.tail], folder, "all")
        build(settings, "staging")
        build(settings, "marts")
        alarms: set[str] = set()
        for gate in ("staging", "marts"):
            report = worlds.judged(gate, worlds.END, settings)
            alarms |= worlds.named(report.warnings + report.stops) - _KNOWN
        with connect(settings) as client:
            found = _findings(client)
    rules = {alarm for alarm in alarms if "ops.anomalies" not in alarm}
    print(
        f"month {seed}: {len(found)} findings, {sorted(rules)},"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    for row in found:
        print("   ", *row.values())
    return len(rules) + len(
        {(row["day"], row["subject"], row["dimension"]) for row in found}
    )


def _findings(client: "Client") -> list[dict[str, Any]]:
    return rows(
        client,
        "select gate, day, judge, subject, dimension, category, days, observed,"
        " expected, surprise from ops.anomalies where day >= {first:Date}"
        " order by gate, day",
        {"first": worlds.END - timedelta(days=30)},
    )
