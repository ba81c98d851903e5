"""What the tables of `ops` say of gates, builds, models and audiences, as figures.

Batches live for seconds, so nobody can ask them: they leave rows, and these are read
by whoever wants to know, Prometheus (`questlog serve metrics`) or a person
(`questlog doctor`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows
from warehouse.service_levels import ServiceLevels

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One gauge: its name without prefix, what it means, and its values by labels."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]

    def of(self, **labels: str) -> float | None:
        """The value under these labels; none where there is none."""
        key = tuple(labels[name] for name in self.labels)
        return dict(self.values).get(key)


@dataclass(frozen=True, slots=True)
class _Query:
    """Figures that one query answers: its columns are labels, then values."""

    table: str
    sql: str
    labels: tuple[str, ...]
    meanings: Mapping[str, str]


_QUERIES: Sequence[_Query] = (
    _Query(
        "ops.gate_results",
        "select gate, argMax(stopping = 0, checked) as gate_open,"
        " argMax(stopping, checked) as gate_stops,"
        " argMax(warning, checked) as gate_warnings,"
        " toUnixTimestamp64Milli(max(checked)) / 1000 as gate_checked_timestamp_seconds"
        " from (select gate, run_id, max(checked_at) as checked,"
        " countIf(severity = 'stop' and not success) as stopping,"
        " countIf(severity = 'warn' and not success) as warning"
        " from ops.gate_results group by gate, run_id) group by gate order by gate",
        ("gate",),
        {
            "gate_open": "1 where the gate's last run let pass, 0 where it is closed",
            "gate_stops": "Expectations that closed it",
            "gate_warnings": "Expectations that ask for a look",
            "gate_checked_timestamp_seconds": "When it was last run",
        },
    ),
    _Query(
        "ops.gate_results",
        "select gate, arrayJoin(parts) as part, count() as gate_part_stops"
        " from ops.gate_results where severity = 'stop' and not success"
        " and (gate, run_id) in (select gate, argMax(run_id, checked_at)"
        " from ops.gate_results group by gate) group by gate, part order by gate, part",
        ("gate", "part"),
        {"gate_part_stops": "Expectations that keep back this alone: an audience"},
    ),
    _Query(
        "ops.publications",
        "select table_name as table,"
        " toUnixTimestamp64Milli(max(published_at)) / 1000"
        " as published_timestamp_seconds,"
        " argMax(published_rows, published_at) as published_rows"
        " from ops.publications group by table order by table",
        ("table",),
        {
            "published_timestamp_seconds": "When readers last got this table",
            "published_rows": "Rows of it",
        },
    ),
    _Query(
        "raw.events",
        "select 'raw.events' as source,"
        " toUnixTimestamp64Milli(max(loaded_at)) / 1000"
        " as source_newest_timestamp_seconds from raw.events having count() > 0",
        ("source",),
        {"source_newest_timestamp_seconds": "When its newest rows came"},
    ),
    _Query(
        "ops.latencies",
        "select measured as since, p95 as latency_p95_seconds from ("
        "select argMax(occurrence_p95_s, published_at) as occurrence,"
        " argMax(receipt_p95_s, published_at) as receipt"
        " from ops.latencies having count() > 0)"
        " array join ['occurrence', 'receipt'] as measured,"
        " [occurrence, receipt] as p95",
        ("since",),
        {"latency_p95_seconds": "To the mart, 95th percentile of the last publication"},
    ),
    _Query(
        "ops.canaries",
        "select door, argMax(dateDiff('ms', received_at, arrived_at), arrived_at)"
        " / 1000 as canary_seconds,"
        " toUnixTimestamp64Milli(max(arrived_at)) / 1000"
        " as canary_arrived_timestamp_seconds"
        " from ops.canaries where loaded_at > now() - interval 1 day"
        " group by door order by door",
        ("door",),
        {
            "canary_seconds": "From this door's log to ClickHouse, of its last canary",
            "canary_arrived_timestamp_seconds": "When its last canary arrived",
        },
    ),
    _Query(
        "ml.models",
        "select kind, toUnixTimestamp64Milli(max(trained_at)) / 1000"
        " as model_trained_timestamp_seconds,"
        " argMax(refused_because != '', trained_at) as model_refused"
        " from ml.models group by kind order by kind",
        ("kind",),
        {
            "model_trained_timestamp_seconds": "When a model was last trained",
            "model_refused": "1 where the last training was refused",
        },
    ),
    _Query(
        "ml.churn_scores",
        "select 'churn' as kind, toUnixTimestamp64Milli(max(scored_at)) / 1000"
        " as scores_timestamp_seconds from ml.churn_scores having count() > 0"
        " union all select 'early_churn',"
        " toUnixTimestamp64Milli(max(scored_at)) / 1000"
        " from ml.early_churn_scores having count() > 0"
        " union all select 'lifetime_value',"
        " toUnixTimestamp64Milli(max(scored_at)) / 1000"
        " from ml.lifetime_values having count() > 0",
        ("kind",),
        {"scores_timestamp_seconds": "When people were last scored"},
    ),
    _Query(
        "ml.watch",
        "select kind, max(value) as model_drift from ml.watch as watched"
        " where watch = 'drift' and (kind, as_of) in"
        " (select kind, max(as_of) from ml.watch where watch = 'drift' group by kind)"
        " group by kind order by kind",
        ("kind",),
        {"model_drift": "Largest population stability index of the last scored day"},
    ),
    _Query(
        "ops.audience_receipts",
        "select audience, platform,"
        " toUnixTimestamp64Milli(max(pushed_at)) / 1000 as audience_timestamp_seconds,"
        " argMax(status = 'failed', pushed_at) as audience_failed,"
        " argMax(sent, pushed_at) as audience_sent,"
        " argMax(received, pushed_at) as audience_received"
        " from ops.audience_receipts where status != 'dry_run'"
        " group by audience, platform order by audience, platform",
        ("audience", "platform"),
        {
            "audience_timestamp_seconds": "When it was last pushed",
            "audience_failed": "1 where that push failed",
            "audience_sent": "Rows the platform was given",
            "audience_received": "Rows the platform says it took",
        },
    ),
    _Query(
        "ops.dbt_runs",
        "select layer, toUnixTimestamp64Milli(max(finished_at)) / 1000"
        " as build_timestamp_seconds,"
        " argMax(date_diff('ms', started_at, finished_at) / 1000, finished_at)"
        " as build_seconds, argMax(length(failed), finished_at) as build_failed_nodes"
        " from ops.dbt_runs array join layers as layer group by layer order by layer",
        ("layer",),
        {
            "build_timestamp_seconds": "When dbt last built it",
            "build_seconds": "How long that took",
            "build_failed_nodes": "Models and tests that failed in it",
        },
    ),
    _Query(
        "ops.audit",
        "select action, count() as audited_acts from ops.audit"
        " group by action order by action",
        ("action",),
        {"audited_acts": "Acts of people in ops.audit"},
    ),
)


def figures(client: "Client", levels: ServiceLevels) -> list[Figure]:
    """Everything that can be said now; what was never run has no figures."""
    known = {
        row["name"]
        for row in rows(
            client,
            "select concat(database, '.', name) as name from system.tables"
            " where database in ('raw', 'ops', 'ml')",
        )
    }
    found = [
        figure
        for query in _QUERIES
        if query.table in known
        for figure in _answered(client, query)
    ]
    return [*found, *_limits(levels, found)]


def _answered(client: "Client", query: _Query) -> Iterator[Figure]:
    answer = rows(client, query.sql)
    for name, meaning in query.meanings.items():
        yield Figure(
            name,
            meaning,
            query.labels,
            tuple(
                (tuple(str(row[label]) for label in query.labels), float(row[name]))
                for row in answer
            ),
        )


def _limits(levels: ServiceLevels, found: Sequence[Figure]) -> Iterator[Figure]:
    """The limits of service_levels.yml beside what they limit."""
    published = next((one.values for one in found if one.name == "published_rows"), ())
    within = ((labels, levels.published_within(labels[0])) for labels, _ in published)
    yield Figure(
        "published_limit_seconds",
        "How old it may be",
        ("table",),
        tuple((labels, float(limit)) for labels, limit in within if limit is not None),
    )
    yield Figure(
        "source_limit_seconds",
        "How old its newest rows may be",
        ("source",),
        tuple(
            ((name,), float(limit.error_after_s))
            for name, limit in levels.sources.items()
        ),
    )
    yield Figure(
        "scores_limit_seconds",
        "How old scores may be",
        ("kind",),
        tuple(((kind,), float(limit)) for kind, limit in levels.scores.items()),
    )
    yield Figure(
        "latency_limit_seconds",
        "How long 95 of 100 events may take to the mart",
        ("since",),
        tuple(((since,), float(limit)) for since, limit in levels.latency_p95.items()),
    )
