"""How fresh and how fast the warehouse is to be: service_levels.yml, read and checked.

Limits are in seconds here, whatever the file says them in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from warehouse.errors import BadSetting

FILE = Path(__file__).with_name("service_levels.yml")

_HOUR_S = 3600
_MINUTE_S = 60
_SHAPE: Mapping[str, tuple[str, ...]] = {
    "sources": ("warn_after_hours", "error_after_hours"),
    "published": ("within_hours",),
    "scores": ("within_hours",),
    "latency": ("p95_minutes",),
}


@dataclass(frozen=True, slots=True)
class SourceLimit:
    """How old the newest rows of a source may be."""

    warn_after_s: int
    error_after_s: int


@dataclass(frozen=True, slots=True)
class PublishedLimit:
    """How long ago a database's tables may have been published."""

    within_s: int
    tables: Mapping[str, int]

    def of(self, table: str) -> int:
        """The limit of one of its tables."""
        return self.tables.get(table, self.within_s)


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """Every limit of the file."""

    sources: Mapping[str, SourceLimit]
    published: Mapping[str, PublishedLimit]
    scores: Mapping[str, int]
    latency_p95: Mapping[str, int]

    def published_within(self, table: str) -> int | None:
        """The limit of a table such as marts.fct_events; none where nobody set one."""
        database, _, name = table.partition(".")
        limit = self.published.get(database)
        return limit.of(name) if limit else None


@cache
def service_levels(file: Path = FILE) -> ServiceLevels:
    """Read the limits. Raises BadSetting naming the place that cannot be read."""
    raw = yaml.safe_load(file.read_text()) or {}
    _require(raw, tuple(_SHAPE), "the file", file, all_of_them=True)
    for part, keys in _SHAPE.items():
        for name, limits in raw[part].items():
            own = (*keys, "tables") if part == "published" else keys
            _require(limits, own, f"{part}.{name}", file)
            for table, changed in limits.get("tables", {}).items():
                _require(changed, keys, f"{part}.{name}.tables.{table}", file)
    return ServiceLevels(
        sources={
            name: _source(one, name, file) for name, one in raw["sources"].items()
        },
        published={
            name: PublishedLimit(
                within_s=one["within_hours"] * _HOUR_S,
                tables={
                    table: changed["within_hours"] * _HOUR_S
                    for table, changed in one.get("tables", {}).items()
                },
            )
            for name, one in raw["published"].items()
        },
        scores={
            name: one["within_hours"] * _HOUR_S for name, one in raw["scores"].items()
        },
        latency_p95={
            name: one["p95_minutes"] * _MINUTE_S for name, one in raw["latency"].items()
        },
    )


def _source(raw: Mapping[str, Any], name: str, file: Path) -> SourceLimit:
    warn, error = raw["warn_after_hours"], raw["error_after_hours"]
    if warn > error:
        raise BadSetting(
            f"{file.name}: sources.{name} warns after {warn} hours and fails after"
            f" {error}: the first is to be the shorter."
        )
    return SourceLimit(warn * _HOUR_S, error * _HOUR_S)


def _require(
    raw: Any,
    keys: tuple[str, ...],
    place: str,
    file: Path,
    *,
    all_of_them: bool = False,
) -> None:
    """Exactly these keys, with whole numbers above 0; `tables` may be left out."""
    found = set(raw) if isinstance(raw, dict) else set()
    needed = set(keys) - {"tables"}
    if not needed <= found or found - set(keys):
        raise BadSetting(
            f"{file.name}: {place} has {', '.join(sorted(found)) or 'nothing'};"
            f" expected {', '.join(keys)}."
        )
    if all_of_them:
        return
    for key in needed:
        if not isinstance(raw[key], int) or isinstance(raw[key], bool) or raw[key] < 1:
            raise BadSetting(
                f"{file.name}: {place}.{key} is {raw[key]!r}; expected a whole number"
                " above 0."
            )
