"""Which settings cannot be used, though each of them could be read."""

import re
from dataclasses import fields
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from warehouse.settings import Settings

_LAST_PORT = 65535
_MOST_WORKERS = 64


def disagreements(settings: "Settings") -> list[str]:
    """What is wrong with values that could be read, each with its setting's name."""
    faults = [
        f"{row.metadata['name']}: not a port number (1 to {_LAST_PORT})"
        for row in fields(settings)
        if row.name.endswith("_port")
        and not 1 <= getattr(settings, row.name) <= _LAST_PORT
    ]
    try:
        ZoneInfo(settings.reporting_timezone)
    except (KeyError, ValueError):
        faults.append(
            f"REPORTING_TIMEZONE: {settings.reporting_timezone!r} is no time zone;"
            " use a name like Europe/Berlin"
        )
    faults += _cluster_faults(settings)
    if settings.google_members_by not in {"data_manager", "offline_jobs"}:
        faults.append("GOOGLE_MEMBERS_BY: expected data_manager or offline_jobs")
    if not 1 <= settings.ingest_workers <= _MOST_WORKERS:
        faults.append(f"QUESTLOG_INGEST_WORKERS: expected 1 to {_MOST_WORKERS}")
    if settings.churn_saved_percent > 100:  # noqa: PLR2004 percent
        faults.append("CHURN_SAVED_PERCENT: more than 100 in a hundred")
    currency = settings.reporting_currency
    if not re.fullmatch("[A-Z]{3}", currency):
        faults.append(
            f"REPORTING_CURRENCY: {currency!r} is no currency; use a code like EUR"
        )
    return faults


def _cluster_faults(settings: "Settings") -> list[str]:
    cluster = settings.clickhouse_cluster
    if not cluster:
        return []
    if settings.embedded:
        fault = "the embedded endpoint is none; set CLICKHOUSE_HOST to one server of it"
        return [f"CLICKHOUSE_CLUSTER: {fault}"]
    if not re.fullmatch(r"[A-Za-z_][\w.-]*", cluster):
        fault = f"{cluster!r} is no name; a server lists its own in system.clusters"
        return [f"CLICKHOUSE_CLUSTER: {fault}"]
    return []
