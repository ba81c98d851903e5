"""OpenLineage run events: what ran, what it read and wrote, and how it ended.

As the specification has them (openlineage.io/spec, run events 2-0-2). They are built
here as JSON and not with its client, which takes half a second to import.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from warehouse.lineage.columns import ROWS, Column

PRODUCER = "https://github.com/questlog/questlog"
NAMESPACE = "questlog"
"""Of our jobs. Datasets have the address of their server."""

State = Literal["START", "COMPLETE", "FAIL"]

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "schema": "1-1-1/SchemaDatasetFacet",
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "dataQualityAssertions": "1-0-1/DataQualityAssertionsDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "parent": "1-1-0/ParentRunFacet",
    "jobType": "2-0-3/JobTypeJobFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What was expected of a dataset, and whether it held."""

    name: str
    success: bool
    severity: str
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A table that a run read or wrote, and what is known of it."""

    table: str
    columns: Mapping[str, Iterable[Column]] = field(default_factory=dict)
    """Its columns with what each is made of."""
    assertions: Sequence[Assertion] = ()
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a job: `name` such as gate.marts, `kind` such as GATE."""

    name: str
    kind: str
    run_id: UUID = field(default_factory=uuid4)
    parent: "tuple[UUID, str] | None" = None
    """The run, and the name of its job, that this one is a part of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run stands: its state, when, and why where it failed."""

    state: State
    at: datetime
    because: str = ""


def run_event(
    job: Job,
    ended: Ended,
    *,
    server: str,
    inputs: Iterable[Dataset] = (),
    outputs: Iterable[Dataset] = (),
) -> dict[str, Any]:
    """One event, in JSON's own types; `server` is like clickhouse://db:8123."""
    run_facets: dict[str, Any] = {}
    if ended.because:
        message = {"message": ended.because, "programmingLanguage": "python"}
        run_facets["errorMessage"] = _facet("errorMessage", message)
    if job.parent:
        run, name = job.parent
        above = {"run": {"runId": str(run)}, "job": _named(name)}
        run_facets["parent"] = _facet("parent", above)
    kind = {"processingType": "BATCH", "integration": "QUESTLOG", "jobType": job.kind}
    return {
        "eventType": ended.state,
        "eventTime": ended.at.astimezone(UTC).isoformat(),
        "producer": PRODUCER,
        "schemaURL": _EVENT,
        "run": {"runId": str(job.run_id), "facets": run_facets},
        "job": _named(job.name) | {"facets": {"jobType": _facet("jobType", kind)}},
        "inputs": [_input(one, server) for one in inputs],
        "outputs": [_output(one, server) for one in outputs],
    }


def _named(name: str) -> dict[str, str]:
    return {"namespace": NAMESPACE, "name": name}


def _input(dataset: Dataset, server: str) -> dict[str, Any]:
    told = _dataset(dataset, server)
    if dataset.assertions:
        assertions = [
            {
                "assertion": one.name,
                "success": one.success,
                "severity": {"stop": "error"}.get(one.severity, one.severity),
            }
            | ({"column": one.column} if one.column else {})
            for one in dataset.assertions
        ]
        facet = _facet("dataQualityAssertions", {"assertions": assertions})
        told["inputFacets"] = {"dataQualityAssertions": facet}
    return told


def _output(dataset: Dataset, server: str) -> dict[str, Any]:
    told = _dataset(dataset, server)
    if dataset.rows is not None:
        facet = _facet("outputStatistics", {"rowCount": dataset.rows})
        told["outputFacets"] = {"outputStatistics": facet}
    return told


def _dataset(dataset: Dataset, server: str) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if dataset.columns:
        names = [{"name": name} for name in dataset.columns]
        facets["schema"] = _facet("schema", {"fields": names})
    # a count is made of rows, for which the specification has no field
    made_of = {
        name: sorted(one for one in sources if one.name != ROWS)
        for name, sources in dataset.columns.items()
    }
    fields = {
        name: {
            "inputFields": [
                {"namespace": server, "name": one.table, "field": one.name}
                for one in sources
            ]
        }
        for name, sources in made_of.items()
        if sources
    }
    if fields:
        facets["columnLineage"] = _facet("columnLineage", {"fields": fields})
    return {"namespace": server, "name": dataset.table, "facets": facets}


def _facet(name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    where = _FACETS[name]
    title = where.partition("/")[2]
    url = f"{_SPEC}/facets/{where}.json#/$defs/{title}"
    return {"_producer": PRODUCER, "_schemaURL": url, **content}
