"""OpenLineage events of a build by dbt, from the artifacts that it leaves."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from warehouse.home import Home
from warehouse.lineage.artifacts import kept_graph
from warehouse.lineage.events import Dataset, Ended, Job
from warehouse.lineage.graph import Graph, published
from warehouse.lineage.telling import Run, tell
from warehouse.settings import Settings

_GOOD = {"success", "pass"}


def tell_models(settings: Settings, build: Job) -> None:
    """One run for each model of the last build, as parts of it.

    Columns are told where the lineage was read before (`questlog lineage`, `questlog
    docs`): a build does not wait for it.
    """
    target = Home(settings.home.resolve()).dbt_target
    results, manifest = target / "run_results.json", target / "manifest.json"
    if not (results.exists() and manifest.exists()):
        return  # dbt ended before it ran anything; the build itself is told as failed
    nodes = json.loads(manifest.read_text())
    graph = kept_graph(settings) or Graph()
    for result in json.loads(results.read_text())["results"]:
        node = nodes["nodes"].get(result["unique_id"], {})
        if node.get("resource_type") == "model":
            for run, ended in _events(node, result, (build.run_id, build.name), graph):
                tell(settings, _with_inputs(run, node, nodes), ended)


def _events(
    node: Mapping[str, Any],
    result: Mapping[str, Any],
    parent: tuple[UUID, str],
    graph: Graph,
) -> Iterator[tuple[Run, Ended]]:
    took = {one["name"]: one for one in result["timing"]}.get("execute")
    if took is None or not took["started_at"]:
        return  # skipped: it did not run
    job = Job(name=f"dbt.{node['name']}", kind="MODEL", parent=parent)
    table = f"{node['schema']}.{node['alias']}"
    made = graph.tables.get(published(table))
    output = Dataset(table=table, columns=made.columns if made else {})
    began = datetime.fromisoformat(took["started_at"])
    yield Run(job), Ended(state="START", at=began)
    ended = datetime.fromisoformat(took["completed_at"])
    if result["status"] in _GOOD:
        yield Run(job, outputs=[output]), Ended(state="COMPLETE", at=ended)
    else:
        # dbt's own words may quote a row
        because = f"{node['name']}: {result['status']}"
        yield (
            Run(job, outputs=[output]),
            Ended(state="FAIL", at=ended, because=because),
        )


def _with_inputs(run: Run, node: Mapping[str, Any], nodes: Mapping[str, Any]) -> Run:
    known = nodes["nodes"] | nodes["sources"]
    read = (known[one] for one in node["depends_on"]["nodes"])
    run.inputs = [
        Dataset(
            table=f"{one['schema']}."
            f"{one.get('alias') or one.get('identifier') or one['name']}"
        )
        for one in read
    ]
    return run
