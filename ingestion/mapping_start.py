"""Propose a mapping for a table, for a person to correct."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from ingestion import parquet_rows, tables
from ingestion.mapping import ENVELOPE, SECTIONS
from warehouse.errors import BadInput

# what other systems call the envelope's keys, in small letters and no signs
_ALSO_CALLED: Final = {
    "event_id": ("eventid", "uuid", "insertid", "messageid"),
    "event_name": ("eventname", "event", "eventtype", "type", "action"),
    "timestamp": ("timestamp", "time", "occurredat", "eventtime", "ts", "datetime"),
    "user_id": ("userid", "user", "customerid", "distinctid"),
    "anonymous_id": ("anonymousid", "deviceid", "visitorid", "clientid"),
    "session_id": ("sessionid",),
    "received_at": ("receivedat",),
    "sent_at": ("sentat",),
    "created_at": ("createdat",),
}
_HEAD: Final = """\
# A start for {file}: correct it, then
#   questlog import {file} --mapping MAPPING.yml
"""


def proposed(path: Path) -> str:
    """A mapping of a table's columns as YAML text. Raises BadInput."""
    if not tables.is_table(path):
        raise BadInput(f"{path} is no table by its name: it needs no mapping.")
    columns, dialect = tables.columns_of(path)
    kinds = parquet_rows.types(path) if path.suffix.lower() == ".parquet" else {}
    found = _envelope(columns)
    used = {*found.values(), *SECTIONS}
    whole = {key: key for key in SECTIONS if key in columns}
    left = {
        _word(name): {"column": name, "type": _type(kinds.get(name, ""))}
        for name in columns
        if name not in used and name
    }
    parts: list[dict[str, object]] = []
    if dialect.delimiter != ",":
        parts.append({"delimiter": dialect.delimiter})
    parts += [
        {"timezone": "UTC"},
        {key: found[key] for key in ENVELOPE if key in found},
    ]
    text = _HEAD.format(file=path.name) + "".join(map(_yaml, filter(None, parts)))
    return text + _to_do(found) + _properties(whole, left)


def _envelope(columns: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in ENVELOPE:
        names = (key.replace("_", ""), *_ALSO_CALLED.get(key, ()))
        fits = [name for name in columns if _bare(name) in names]
        fits = [name for name in fits if name not in found.values()]
        if fits:
            found[key] = min(fits, key=lambda name: names.index(_bare(name)))
    return found


def _to_do(found: dict[str, str]) -> str:
    text = ""
    if "event_id" not in found:
        text += (
            "# Name the columns that tell one event from another, if there are any:\n"
            "event_id:\n  derived_from: row\n"
        )
    if "event_name" not in found:
        text += "event_name:\n  constant: WHAT_HAPPENED\n"
    if "timestamp" not in found:
        text += "timestamp:\n  column: WHEN_IT_HAPPENED\n  format: rfc3339\n"
    if "user_id" not in found and "anonymous_id" not in found:
        text += "user_id: WHO_DID_IT\n"
    return text


def _properties(whole: dict[str, str], left: dict[str, dict[str, str]]) -> str:
    text = _yaml(whole) if whole else ""
    if not left:
        return text
    if "properties" in whole:
        names = ", ".join(one["column"] for one in left.values())
        return text + "".join(f"# not mapped: {line}\n" for line in names.splitlines())
    return text + _yaml({"properties": left})


def _yaml(data: object) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _type(arrow: str) -> str:
    if arrow.startswith(("int", "uint")):
        return "integer"
    if arrow.startswith(("float", "double", "halffloat", "decimal")):
        return "number"
    if arrow.startswith(("struct", "list", "map", "large_list")):
        return "json"
    if arrow.startswith(("timestamp", "date")):
        return "timestamp"
    return "boolean" if arrow == "bool" else "string"


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or name
