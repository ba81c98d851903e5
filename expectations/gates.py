"""The gates between the layers: data that breaks a rule goes no further."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from uuid import uuid4

from expectations import (
    anomalies,
    audiences,
    features,
    marts,
    pages,
    scores,
    staging,
    unlike,
)
from expectations.report import GateReport, Result
from expectations.suites import Suite
from warehouse.clickhouse import connect, refusals, rows
from warehouse.errors import BadInput, MigrationFailed
from warehouse.home import Home
from warehouse.lineage.events import Assertion, Dataset, Job
from warehouse.lineage.telling import told
from warehouse.publishing import judged_content
from warehouse.settings import Settings, load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

GATES: Mapping[str, Callable[[date], Sequence[Suite]]] = {
    "staging": staging.suites,
    "marts": marts.suites,
    "features": features.suites,
    "churn": scores.churn_suites,
    "early_churn": scores.early_churn_suites,
    "lifetime_value": scores.lifetime_value_suites,
    "audiences": audiences.suites,
}
"""The gates, in the order of the layers they stand behind."""

_COMPARED: Mapping[str, Callable[["Client", date], None]] = {
    "staging": anomalies.judge_arrivals,
    "marts": anomalies.judge_marts,
    "features": anomalies.judge_features,
    "churn": anomalies.judge_churn,
    "early_churn": anomalies.judge_early_churn,
    "lifetime_value": anomalies.judge_lifetime_value,
    "audiences": anomalies.judge_audiences,
}
"""What is asked of history before a gate's rules are: see ops.anomalies."""

_RESULTS = "ops.gate_results"


def check_at_door(gate: str, as_of: str) -> None:
    """Check a gate with the settings of this process; `as_of` like 2026-03-01.

    Raises GateClosed, and BadInput for a gate or a date that cannot be read.
    """
    try:
        day = date.fromisoformat(as_of)
    except ValueError as error:
        raise BadInput(f"{as_of!r} is no date; write it like 2026-03-01.") from error
    check(gate, day, load(os.environ))


def check(gate: str, as_of: date, settings: Settings) -> GateReport:
    """Inspect a gate and return what was found. Raises GateClosed when it is closed."""
    report = inspect(gate, as_of, settings)
    report.require_open()
    return report


def inspect(
    gate: str, as_of: date, settings: Settings, *, wanted: Sequence[str] = ()
) -> GateReport:
    """Judge what was built for a gate, open or closed.

    `wanted` names expectations about history that do not stop this time, because
    somebody wants the change. Writes every result to ops.gate_results and Data Docs to
    the home. Raises BadInput for an unknown gate, Unavailable when ClickHouse is away.
    """
    if gate not in GATES:
        raise BadInput(f"There is no gate {gate!r}; choose one of {', '.join(GATES)}.")
    with told(settings, Job(name=f"gate.{gate}", kind="GATE")) as run:
        report = _inspected(gate, as_of, settings, wanted)
        run.inputs = _judged_datasets(report)
        if not report.open:
            run.failed_because = f"{len(report.stops)} expectations that stop failed"
    return report


def _judged_datasets(report: GateReport) -> list[Dataset]:
    """The tables that a gate judged, each with what was expected of it."""
    suites: dict[str, list[Assertion]] = {}
    for result in report.results:
        column = result.columns[0] if len(result.columns) == 1 else ""
        suites.setdefault(result.suite, []).append(
            Assertion(
                name=result.expectation,
                success=result.success,
                severity=result.severity,
                column=column,
            )
        )
    return [Dataset(table=name, assertions=found) for name, found in suites.items()]


def _inspected(
    gate: str, as_of: date, settings: Settings, wanted: Sequence[str]
) -> GateReport:
    suites = GATES[gate](as_of)
    comparing = frozenset(
        rule.name for suite in suites for rule in suite.rules if rule.compares
    )
    with connect(settings) as client:
        sizes = _table_rows(client)
        content = judged_content(client, gate, as_of)
        if _RESULTS not in sizes:
            raise MigrationFailed(
                f"{_RESULTS} is missing; run `questlog migrate` first."
            )
        uncompared = []
        if all(suite.name in sizes for suite in suites):
            with refusals() as refused:
                _COMPARED[gate](client, as_of)
            uncompared = [_not_compared(name) for name in refused]
    report = GateReport(
        gate=gate,
        as_of=as_of,
        run_id=uuid4(),
        results=tuple(
            _let_pass(result, wanted, comparing)
            for result in (*uncompared, *_judge(gate, suites, sizes, settings))
        ),
        data_docs=Home(settings.home.resolve()).data_docs / gate,
    )
    with connect(settings) as client:
        _record(client, report, judged_content=content)
    pages.write_index(report)
    return report


def _judge(
    gate: str, suites: Sequence[Suite], sizes: Mapping[str, int], settings: Settings
) -> tuple[Result, ...]:
    from expectations.checkpoint import run

    built = [suite for suite in suites if suite.name in sizes]
    missing = [_not_built(suite) for suite in suites if suite.name not in sizes]
    with pages.replaced(Home(settings.home.resolve()).data_docs / gate) as folder:
        judged = run(gate, built, settings=settings, table_rows=sizes, pages=folder)
    return (*missing, *judged)


def _let_pass(
    result: Result, wanted: Sequence[str], comparing: frozenset[str]
) -> Result:
    """A finding about history that is wanted warns; of all else nothing may be so."""
    is_wanted = result.expectation in wanted and result.expectation in comparing
    return replace(result, severity="warn") if is_wanted else result


def _not_built(suite: Suite) -> Result:
    return _troubled(
        suite.name,
        "table_is_built",
        "The table this gate is about exists.",
        "the table does not exist; build it with `questlog dbt build`",
    )


def _not_compared(reason: str) -> Result:
    return _troubled(
        unlike.TABLE,
        "history_is_compared",
        "What is judged can be compared with what was before.",
        f"could not be judged ({reason})",
    )


def _troubled(suite: str, expectation: str, meaning: str, trouble: str) -> Result:
    return Result(
        suite=suite,
        expectation=expectation,
        meaning=meaning,
        columns=(),
        severity="stop",
        success=False,
        checked_rows=0,
        unexpected_rows=0,
        sample_keys=(),
        trouble=trouble,
    )


def _table_rows(client: "Client") -> dict[str, int]:
    found = rows(
        client,
        "select database, name, total_rows from system.tables"
        " where database not in ('system', 'information_schema', 'INFORMATION_SCHEMA')",
    )
    return {f"{row['database']}.{row['name']}": row["total_rows"] or 0 for row in found}


def _record(client: "Client", report: GateReport, *, judged_content: str) -> None:
    client.insert(
        _RESULTS,
        [
            [
                report.run_id,
                report.gate,
                report.as_of,
                result.suite,
                result.expectation,
                ", ".join(result.columns),
                result.severity,
                result.success,
                result.checked_rows,
                result.unexpected_rows,
                list(result.sample_keys),
                judged_content,
                list(result.parts),
            ]
            for result in report.results
        ],
        column_names=[
            "run_id",
            "gate",
            "as_of",
            "suite",
            "expectation",
            "column_name",
            "severity",
            "success",
            "checked_rows",
            "unexpected_rows",
            "sample_keys",
            "judged_content",
            "parts",
        ],
    )
