"""Faults of many kinds put one at a time into a clean month, and ten clean months.

Limits: all that must stop is stopped before its mart or audience, 95 of 100 kinds are
told of, and a clean month has one false alarm at most. QUESTLOG_BENCH_FAULTS=a,b takes
kinds by the beginning of their names, QUESTLOG_BENCH_MONTHS=2 fewer clean months, and
QUESTLOG_BENCH_SEED=101 others than those that judge: detectors are tuned on others.
QUESTLOG_BENCH_RESUMED=file keeps what was found: a run that was ended goes on there.
"""

import functools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clickhouse_connect.driver.exceptions import ClickHouseError

from bench import _fault_worlds as worlds
from bench._faults import Fault
from bench._faults_chosen import FAULTS as OF_WHAT_IS_CHOSEN
from bench._faults_marts import MARTS as OF_MARTS
from bench._faults_raw import FAULTS as OF_SENDERS
from bench._faults_subtle import FAULTS as OF_SUBTLE_SENDERS
from bench._outcomes import Found, Outcome, as_row, figures
from warehouse.clickhouse import connect, rows
from warehouse.errors import QuestlogError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from expectations.report import GateReport
    from warehouse.settings import Settings

FAULTS: Sequence[Fault] = (
    *(*OF_SENDERS, *OF_SUBTLE_SENDERS),
    *(*OF_MARTS, *OF_WHAT_IS_CHOSEN),
)
PEOPLE, DAYS = 1_000, 84
_BY_NAME: Mapping[str, Fault] = {fault.name: fault for fault in FAULTS}
_MONTHS, _FIRST_SEED = 10, 41
_AT_ONCE, _NO_FAULT = 3, ""
# the shipped examples of exchange rates end: of this every world is told
_KNOWN = {"marts_build.fct_payments rates_are_recent"}
_LIMITS = {
    "kinds_least": 25.0,
    "stopped_share_least": 1.0,
    "detected_share_least": 0.95,
    "false_alarms_per_month_most": 1.0,
}
_CHOSEN = frozenset({"churn", "lifetime_value", "audiences"})
"""What is made of published marts and features."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An outcome between processes, where a fault goes by its name.

    `stops` are those of the told that close the gate.
    """

    name: str
    told: frozenset[str]
    stops: frozenset[str]
    days: int = 1
    evidence: str = ""
    trouble: str = ""


def run() -> dict[str, Any]:
    """Every kind of fault, and the clean months: three at a time."""
    asked = [
        one for one in os.environ.get("QUESTLOG_BENCH_FAULTS", "").split(",") if one
    ]
    months = int(os.environ.get("QUESTLOG_BENCH_MONTHS", _MONTHS))
    seed = int(os.environ.get("QUESTLOG_BENCH_SEED", _FIRST_SEED))
    chosen = [
        fault
        for fault in FAULTS
        if not asked or any(fault.name.startswith(word) for word in asked)
    ]
    found = Found.of_environment(FAULTS)
    with (
        tempfile.TemporaryDirectory(prefix="questlog-faults-") as place,
        workers(_AT_ONCE) as pool,
    ):
        clean = {
            one: pool.submit(_alarms_of_a_month, one, Path(place))
            for one in range(seed, seed + months)
            if one not in found.months
        }
        for one, month in clean.items():
            month.add_done_callback(functools.partial(_note_month, found, one))
        left = [fault for fault in chosen if fault.name not in found.outcomes]
        for outcome in (
            tried(left, Path(place), people=PEOPLE, pool=pool) if left else ()
        ):
            found.note_outcome(_said(outcome))
    outcomes = [found.outcomes[one.name] for one in chosen]
    alarms = [
        found.months[one] for one in range(seed, seed + months) if one in found.months
    ]
    return {
        "figures": figures(outcomes, alarms),
        "compared_with": _LIMITS,
        "part": bool(asked) or months != _MONTHS or seed != _FIRST_SEED,
        "rows": [as_row(one) for one in outcomes],
    }


def _note_month(found: Found, seed: int, month: Future[int]) -> None:
    error = month.exception()
    if error is None:
        found.note_month(seed, month.result())
    else:
        print(f"month {seed} FAILED: {type(error).__name__}: {str(error)[:300]}")


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
    waiting: dict[Future[list[_Told]], list[str]] = {
        pool.submit(_of_sender, fault.name, folder): [fault.name]
        for fault in faults
        if fault.layer == "raw"
    }
    groups = _of_one_warehouse(faults)
    if groups:
        worlds.finish(finished, base, clean, folder)
        for names in groups:
            waiting[pool.submit(_of_tables, names, folder)] = names
    # what a gate says of the clean month is no word about a fault
    (clean_told,) = control.result()
    for done in as_completed(waiting):
        for one in _come(done, waiting[done]):
            fault = _BY_NAME[one.name]
            known = clean_told.told if fault.layer == "raw" else frozenset[str]()
            told, stops = one.told - known, one.stops - known
            yield Outcome(
                fault,
                told,
                bool(stops),
                days=one.days,
                evidence=one.evidence,
                trouble=one.trouble,
            )


def _come(done: Future[list[_Told]], names: Sequence[str]) -> list[_Told]:
    """What a process found; a fault that broke the process is a figure, no end."""
    error = done.exception()
    if error is None:
        return done.result()
    return [_troubled(name, error) for name in names]


def _troubled(name: str, error: BaseException) -> _Told:
    why = f"{type(error).__name__}: {str(error)[:300]}"
    return _Told(name, frozenset(), frozenset(), trouble=why)


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
        severity = _BY_NAME[name].severity if name else "warn"
        first = worlds.first_told(settings, "staging", severity)
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
        try:
            with connect(settings) as client, worlds.broken(client, fault):
                report = worlds.judged(fault.layer, worlds.END, settings)
        except (QuestlogError, ClickHouseError) as error:
            yield _troubled(fault.name, error)
        else:
            yield _told(fault.name, report, known[fault.layer])


def _told(
    name: str, report: "GateReport", known: frozenset[str] | set[str], days: int = 1
) -> _Told:
    sentences = [
        one.sentence
        for one in (*report.stops, *report.warnings)
        if not worlds.named([one]) <= known
    ]
    return _Told(
        name,
        frozenset(worlds.named(report.warnings + report.stops) - known),
        frozenset(worlds.named(report.stops) - known),
        days,
        evidence="; ".join(sentences[:3]),
    )


def _said(outcome: Outcome) -> Outcome:
    fault = outcome.fault
    unwanted = "" if outcome.is_wanted else f" WANTED {fault.severity}"
    because = outcome.trouble or outcome.evidence[:600]
    print(
        f"{fault.layer:<14} {fault.name:<40} {outcome.state}{unwanted},"
        f" day {outcome.days}: {because}",
        flush=True,
    )
    return outcome


def _alarms_of_a_month(seed: int, folder: Path) -> int:
    """Days of a clean month with an alarm, each day judged by what came before it.

    Half of the month is published and judged, then the other half comes: what was
    published is compared, too.
    """
    began = time.monotonic()
    clean = worlds.month(people=PEOPLE, days=DAYS, seed=seed)
    rules: set[str] = set()
    with worlds.new(folder) as settings:
        worlds.bring(settings, clean.before, folder, "before")
        rules |= _rules_broken(settings, worlds.CUT)
        worlds.publish(settings, "marts")
        worlds.bring(settings, clean.tail, folder, "tail")
        rules |= _rules_broken(settings, worlds.END)
        with connect(settings) as client:
            found = _findings(client)
    print(
        f"month {seed}: {len(found)} findings, {sorted(rules)},"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    for row in found:
        print("   ", *row.values(), flush=True)
    return len(rules) + len(
        {(row["day"], row["subject"], row["dimension"]) for row in found}
    )


def _rules_broken(settings: "Settings", day: date) -> set[str]:
    """Rules about rows that clean data broke, in the two gates of every day."""
    from warehouse.transformation import build

    broken: set[str] = set()
    for gate in ("staging", "marts"):
        build(settings, gate)
        report = worlds.judged(gate, day, settings)
        broken |= worlds.named(report.warnings + report.stops) - _KNOWN
    return {one for one in broken if "ops.anomalies" not in one}


def _findings(client: "Client") -> list[dict[str, Any]]:
    return rows(
        client,
        "select distinct gate, day, judge, subject, dimension, category, days,"
        " severity, observed, expected, surprise from ops.anomalies"
        " where day >= {first:Date} order by gate, day",
        {"first": worlds.END - timedelta(days=30)},
    )
