"""dbt's description of the raw tables: the DDL's own words, once more."""

from collections.abc import Mapping
from typing import Any

import yaml

from warehouse.generators.note import note
from warehouse.generators.tables import Table
from warehouse.service_levels import service_levels


def raw_sources(raw: Mapping[str, Table]) -> str:
    """The sources file of the raw tables, for dbt."""
    source = {
        "name": "raw",
        "schema": "raw",
        "description": "What ingestion wrote; warehouse/ddl owns these tables.",
        "tables": [_table(one) for _, one in sorted(raw.items())],
    }
    text: str = yaml.safe_dump(
        {"version": 2, "sources": [source]},
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return f"# {note('warehouse/ddl')}\n{text}"


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name.partition(".")[2],
        "description": table.meaning,
        "config": {
            "loaded_at_field": "loaded_at",
            "freshness": _freshness(table.name),
        },
        "columns": [
            {
                "name": one.name,
                "description": one.comment,
                "data_type": one.type,
            }
            for one in table.columns
        ],
    }


def _freshness(name: str) -> dict[str, dict[str, object]] | None:
    """The limits of a source as dbt says them; nobody waits for refused events."""
    limit = service_levels().sources.get(name)
    if limit is None:
        return None
    return {
        "warn_after": {"count": limit.warn_after_s // 3600, "period": "hour"},
        "error_after": {"count": limit.error_after_s // 3600, "period": "hour"},
    }
