"""Files made from the taxonomy, the DDL and the settings, committed beside them.

Each generator is a pure function from values to texts; this module alone touches
the disk. The same input gives the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path

from warehouse.generators.dbt_docs import doc_blocks
from warehouse.generators.dbt_sources import raw_sources
from warehouse.generators.endpoint_page import endpoint_page
from warehouse.generators.expectation_data import expectation_data
from warehouse.generators.faults_page import faults_page
from warehouse.generators.json_schema import envelope_schema, event_schema
from warehouse.generators.measured_page import measured_page
from warehouse.generators.metrics_page import metrics_page
from warehouse.generators.sdk_python import python_types
from warehouse.generators.sdk_typescript import typescript_types
from warehouse.generators.settings_page import env_example, settings_page
from warehouse.generators.tables import Table, tables
from warehouse.generators.taxonomy_page import taxonomy_page
from warehouse.settings import REPOSITORY
from warehouse.taxonomy import Taxonomy

Files = dict[str, str]

SCHEMAS = "taxonomy/generated/json_schema"


def from_taxonomy(taxonomy: Taxonomy, raw: Mapping[str, Table]) -> Files:
    """The files made from the event definitions, by path from the repository."""
    schemas = {
        f"{SCHEMAS}/{event.name}.json": event_schema(event)
        for event in taxonomy.events.values()
    }
    return {
        # an event's name never begins with an underscore
        f"{SCHEMAS}/_envelope.json": envelope_schema(taxonomy),
        **schemas,
        "dbt_project/docs/taxonomy.md": doc_blocks(taxonomy, raw["raw.events"]),
        "docs/taxonomy.md": taxonomy_page(taxonomy),
        "expectations/generated/events.json": expectation_data(taxonomy),
        "sdk/js/src/taxonomy.generated.ts": typescript_types(taxonomy),
        "sdk/python/questlog_events/__init__.py": python_types(taxonomy),
    }


def from_everything(taxonomy: Taxonomy) -> Files:
    """All generated files of the repository, by path."""
    raw = {name: one for name, one in tables().items() if name.startswith("raw.")}
    return {
        **from_taxonomy(taxonomy, raw),
        "dbt_project/models/staging/_raw__sources.yml": raw_sources(raw),
        "docs/endpoint.md": endpoint_page(),
        "docs/faults.md": faults_page(),
        "docs/measured.md": measured_page(),
        "docs/metrics.md": metrics_page(),
        "docs/settings.md": settings_page(),
        ".env.example": env_example(),
    }


def stale(files: Files, root: Path = REPOSITORY) -> list[str]:
    """Paths whose file is missing, differs, or is left over from a former event."""
    differing = [path for path, text in files.items() if _read(root / path) != text]
    return sorted(differing + _left_over(files, root))


def write(files: Files, root: Path = REPOSITORY) -> list[str]:
    """Bring the files on disk up to date and return the paths that changed."""
    changed = stale(files, root)
    for path in changed:
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path], encoding="utf-8")
        else:
            (root / path).unlink()
    return changed


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _left_over(files: Files, root: Path) -> list[str]:
    found = sorted((root / SCHEMAS).glob("*.json"))
    return [
        f"{SCHEMAS}/{one.name}" for one in found if f"{SCHEMAS}/{one.name}" not in files
    ]
