"""docs/faults.md: the kinds of fault, and what became of each in the kept run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from warehouse.generators.measured_page import SOURCE as RUNS
from warehouse.generators.measured_page import kept
from warehouse.generators.note import note
from warehouse.settings import REPOSITORY

SOURCE = "bench/faults.jsonl"
_INTRODUCTION = """
# Kinds of fault

`make bench NAME=faults` puts each of these alone into a clean simulated month of 1,000
people, and asks the gates. Faults of senders are put into the events of the last
fourteen days and come in by the importer; the others into built tables. `stop` must
close a gate before its mart or audience, `warn` must be told. Ten clean months of other
seeds count what is told of nothing.

A kind is taken by `QUESTLOG_BENCH_FAULTS=beginning_of_its_name`, months by
`QUESTLOG_BENCH_MONTHS=2`; detectors are tuned on months that begin with
`QUESTLOG_BENCH_SEED=101`, never on those that judge. `python -m bench faults --keep
"what else the machine did"` puts the figures here; a run in part keeps only its kinds.
"""
_SHOWN = (
    *("kinds", "stop_kinds", "stopped_share", "detected_share"),
    *("clean_months", "false_alarms_per_month"),
    *("time_to_detection_median_days", "time_to_detection_p95_days"),
)
_WHERE = {"raw": "senders", "lifetime_value": "lifetime value"}
_BECAME = {"closed": "gate closed", "told": "told", "UNSEEN": "**unseen**"}


def faults_page(runs: str | None = None, kinds: str | None = None) -> str:
    """The page, from the lines of the kept runs and of the kinds of the last one."""
    runs = _read(RUNS) if runs is None else runs
    found = _read(SOURCE) if kinds is None else kinds
    rows = [json.loads(line) for line in found.splitlines()]
    run = kept(runs).get("faults")
    parts = [f"<!-- {note(SOURCE)} -->", _INTRODUCTION.rstrip()]
    parts += [*_figures(run), *_table(rows, run)]
    return "\n".join([*parts, ""])


def _read(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def _figures(run: Mapping[str, Any] | None) -> Iterator[str]:
    if run is None:
        yield "\nNo run was whole yet: what is told below was found by runs in part."
        return
    yield "\n## The last whole run\n"
    yield f"{run['on']}, commit {run['commit']}. Beside it: {run['beside']}.\n"
    yield "| figure | measured |"
    yield "|---|---:|"
    for name in _SHOWN:
        if name in run["figures"]:
            yield f"| `{name}` | {run['figures'][name]:g} |"


def _table(
    rows: Sequence[Mapping[str, Any]], run: Mapping[str, Any] | None
) -> Iterator[str]:
    yield "\n## Each kind\n"
    if run is not None:
        yield "A commit beside a day: tried again by itself since the whole run.\n"
    yield "| where | kind | how much | wanted | became | on day |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        is_later = run is not None and row["commit"] != run["commit"]
        day = (
            f"{row['days'] or ''} ({row['commit']})" if is_later else row["days"] or ""
        )
        yield (
            f"| {_WHERE.get(row['layer'], row['layer'])} | `{row['name']}` |"
            f" {row['magnitude']} | {row['severity']} |"
            f" {_BECAME.get(row['became'], row['became'])} | {day} |"
        )
