"""The lineage of dbt's models: read from the SQL of a whole build once, and kept.

No engine is asked, so that it may be down; a project that changed is read anew.
"""

import hashlib
import json
from typing import Any

from warehouse.durable import put
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lineage.columns import Column
from warehouse.lineage.graph import Graph, Made, add_models
from warehouse.settings import Settings
from warehouse.transformation import PROJECT, run_dbt


def graph_of_models(settings: Settings) -> Graph:
    """The lineage of dbt's sources, seeds and models.

    Takes seconds where the project changed: dbt compiles it. Raises
    TransformationFailed where a model does not compile.
    """
    kept = kept_graph(settings)
    if kept is not None:
        return kept
    graph = Graph()
    add_models(graph, _compiled(settings))
    folder = Home(settings.home.resolve()).lineage
    folder.mkdir(parents=True, exist_ok=True)
    told = {"project": _fingerprint(), "tables": _written(graph)}
    put(folder / "models.json", json.dumps(told).encode())
    return graph


def kept_graph(settings: Settings) -> Graph | None:
    """The same where it was read before and still holds; else nothing."""
    path = Home(settings.home.resolve()).lineage / "models.json"
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if found.get("project") != _fingerprint():
        return None
    graph = Graph()
    for one in found["tables"]:
        columns = {
            name: frozenset(Column(*source) for source in sources)
            for name, sources in one["columns"].items()
        }
        reads = tuple(one["reads"])
        graph.add(Made(one["table"], one["by"], reads, columns, one["unread"]))
    return graph


def _written(graph: Graph) -> list[dict[str, Any]]:
    return [
        {
            "table": made.table,
            "by": made.by,
            "reads": made.reads,
            "columns": {name: sorted(found) for name, found in made.columns.items()},
            "unread": dict(made.unread),
        }
        for made in graph.tables.values()
    ]


def _compiled(settings: Settings) -> dict[str, Any]:
    """As of a whole build: an increment's SQL says besides what is new."""
    run_dbt(
        settings,
        [
            *("compile", "--full-refresh", "--quiet"),
            # no statement is sent: the engine may be down, or far away
            *("--no-introspect", "--no-populate-cache"),
        ],
        variables={"as_of": ""},
    )
    told: dict[str, Any] = json.loads(
        (Home(settings.home.resolve()).dbt_target / "manifest.json").read_text()
    )
    nodes = told["nodes"].values()
    models = [node for node in nodes if node["resource_type"] == "model"]
    if not all(node.get("compiled_code") for node in models):
        raise BadInput("dbt compiled only some models; run `questlog dbt compile`.")
    return told


def _fingerprint() -> str:
    """Of every file that decides the compiled SQL."""
    told = hashlib.sha256()
    for folder in ("models", "macros", "seeds", "questions"):
        for path in sorted((PROJECT / folder).rglob("*")):
            if path.is_file():
                told.update(str(path.relative_to(PROJECT)).encode())
                told.update(path.read_bytes())
    told.update((PROJECT / "dbt_project.yml").read_bytes())
    return told.hexdigest()
