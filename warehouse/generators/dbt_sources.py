"""dbt's description of the raw tables: the DDL's own words, once more."""

from collections.abc import Mapping
from typing import Any

import yaml

from warehouse.generators.note import note
from warehouse.generators.tables import Table

# the hourly models want events of the day: late by a shift is worth a look, late by
# a day is a fault; nobody waits for refused events
_FRESHNESS: dict[str, dict[str, Any] | None] = {
    "raw.events": {
        "warn_after": {"count": 6, "period": "hour"},
        "error_after": {"count": 24, "period": "hour"},
    },
}


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
            "freshness": _FRESHNESS.get(table.name),
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
