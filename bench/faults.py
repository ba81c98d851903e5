"""Faults of many kinds put one at a time into a clean month, and ten clean months.

Limits: all that must stop is stopped before its mart or audience, 95 of 100 kinds are
told of, and a clean month has one false alarm at most. QUESTLOG_BENCH_FAULTS=a,b takes
kinds by the beginning of their names, QUESTLOG_BENCH_MONTHS=2 fewer clean months.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import _fault_worlds as worlds
from bench._engine import Engine
from bench._faults import Fault
from bench._faults_raw import FAULTS as OF_SENDERS
from bench._faults_tables import FAULTS as OF_TABLES
from warehouse.clickhouse import connect, rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.settings import Settings

FAULTS: Sequence[Fault] = (*OF_SENDERS, *OF_TABLES)
PEOPLE, DAYS = 1_000, 84
_MONTHS, _FIRST_SEED = 10, 11
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


def run() -> dict[str, Any]:
    """Every kind of fault, then the clean months."""
    asked = [
        one for one in os.environ.get("QUESTLOG_BENCH_FAULTS", "").split(",") if one
    ]
    months = int(os.environ.get("QUESTLOG_BENCH_MONTHS", _MONTHS))
    chosen = [
        fault
        for fault in FAULTS
        if not asked or any(fault.name.startswith(word) for word in asked)
    ]
    with tempfile.TemporaryDirectory(prefix="questlog-faults-") as place:
        outcomes = [_said(one) for one in tried(chosen, Path(place), people=PEOPLE)]
        alarms = [
            _alarms_of_a_month(seed, Path(place))
            for seed in range(_FIRST_SEED, _FIRST_SEED + months)
        ]
    grave = [outcome for outcome in outcomes if outcome.fault.severity == "stop"]
    told = [outcome for outcome in outcomes if outcome.told]
    days = sorted(outcome.days for outcome in told)
    figures: dict[str, float] = {
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
    return {"figures": figures, "compared_with": _LIMITS}


def tried(faults: Sequence[Fault], folder: Path, *, people: int) -> Iterator[Outcome]:
    """Put each fault into a month of its own, and ask the gate behind it."""
    clean = worlds.month(people=people, days=DAYS, seed=1)
    base = folder / "base"
    worlds.make_base(base, clean, folder)
    for fault in faults:
        if fault.layer == "raw":
            yield _of_sender(fault, clean, base, folder)
    of_tables = [fault for fault in faults if fault.layer != "raw"]
    if of_tables:
        with worlds.copy_of(base, folder) as settings:
            worlds.bring(settings, clean.tail, folder, "tail")
            worlds.finish(settings)
            yield from _of_tables(of_tables, settings)


def _of_sender(fault: Fault, clean: worlds.Month, base: Path, folder: Path) -> Outcome:
    from warehouse.transformation import build

    with worlds.copy_of(base, folder) as settings:
        worlds.bring(settings, worlds.spoiled(fault, clean), folder, "tail")
        build(settings, "staging")
        report = worlds.judged("staging", worlds.END, settings)
        first = worlds.first_told(settings, "staging")
        days = (first - worlds.CUT).days + 1 if first else 1
        told = worlds.found(report) - _KNOWN
        return Outcome(fault, frozenset(told), not report.open, days)


def _of_tables(faults: Sequence[Fault], settings: "Settings") -> Iterator[Outcome]:
    known: dict[str, set[str]] = {}
    for fault in faults:
        if fault.layer not in known:
            if fault.layer in _CHOSEN and not _CHOSEN & known.keys():
                worlds.score_and_choose(settings, worlds.CUT, worlds.END)
            # what a gate says of the clean month is no word about a fault
            clean = worlds.judged(fault.layer, worlds.END, settings)
            known[fault.layer] = _KNOWN | worlds.found(clean)
        with connect(settings) as client, worlds.broken(client, fault):
            report = worlds.judged(fault.layer, worlds.END, settings)
        told = worlds.found(report) - known[fault.layer]
        yield Outcome(fault, frozenset(told), not report.open, 1)


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


def _alarms_of_a_month(seed: int, folder: Path) -> float:
    """Days of a clean month, of 30 judged by what came before each, with an alarm."""
    from warehouse.transformation import build

    began = time.monotonic()
    clean = worlds.month(people=PEOPLE, days=DAYS, seed=seed)
    with tempfile.TemporaryDirectory(dir=folder) as home, Engine(Path(home)) as engine:
        worlds.bring(engine.settings, [*clean.before, *clean.tail], folder, "all")
        build(engine.settings, "staging")
        build(engine.settings, "marts")
        alarms: set[object] = set()
        for gate in ("staging", "marts"):
            report = worlds.judged(gate, worlds.END, engine.settings)
            alarms |= worlds.found(report) - _KNOWN
        with connect(engine.settings) as client:
            found = _findings(client)
    rules = {alarm for alarm in alarms if "ops.anomalies" not in str(alarm)}
    print(
        f"month {seed}: {len(found)} findings, {sorted(map(str, rules))},"
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
