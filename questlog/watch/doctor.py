"""Look at everything once: `questlog doctor`."""

import importlib.metadata
import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from ingestion.loader import ledger_of
from ingestion.logs import logs
from ingestion.segments import open_for_reading
from questlog.watch.airflow import health
from questlog.watch.figures import figures
from questlog.watch.health import Finding, State, judged
from warehouse.clickhouse import connect, rows
from warehouse.errors import QuestlogError
from warehouse.home import Home
from warehouse.migrations import released
from warehouse.service_levels import service_levels
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_PATIENCE_S = 3
_FEW, _VERY_FEW = 0.2, 0.1
_MEGABYTE = 1024**2
_BEHIND_BYTES = 64 * _MEGABYTE


def examined(settings: Settings, *, now: float) -> Iterator[Finding]:
    """Each finding, from the ground up; `now` in Unix seconds. Raises nothing of ours.

    What cannot be asked while the engine is down is left out: its line says so.
    """
    # the driver says of a dead engine what its line says
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    yield Finding("versions", "ok", _versions())
    yield _disk(settings)
    yield _door(settings)
    yield _log(settings)
    try:
        began = time.monotonic()
        with connect(settings) as client:
            version = str(client.command("select version()"))
            took_ms = (time.monotonic() - began) * 1000
            where = ":".join(map(str, settings.clickhouse_address))
            said = f"ClickHouse {version} at {where}, answered in {took_ms:.0f} ms"
            yield Finding("engine", "ok", said)
            yield _migrations(client)
            yield from judged(
                figures(client, service_levels()), service_levels(), now=now
            )
    except QuestlogError as error:
        said = f"{error} Gates, marts and audiences were not asked."
        yield Finding("engine", "bad", said, "docs/runbooks/endpoint-down.md")
    yield from _airflow(settings)
    yield _alerts(settings)


def _versions() -> str:
    python = ".".join(map(str, sys.version_info[:3]))
    packages = ("chdb", "dbt-core", "great-expectations", "apache-airflow")
    others = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    ours = importlib.metadata.version("questlog")
    return f"questlog {ours}, Python {python}, {', '.join(others)}"


def _disk(settings: Settings) -> Finding:
    home = Home(settings.home.resolve()).root
    known = next(one for one in (home, *home.parents) if one.exists())
    disk = shutil.disk_usage(known)
    said = f"{_size(disk.free)} of {_size(disk.total)} free at {home}"
    share = disk.free / disk.total
    reserve = settings.ingest_disk_reserve_mb * _MEGABYTE
    runbook = "docs/runbooks/disk-full.md"
    if disk.free < reserve:
        said += ": the door refuses events (503)"
        return Finding("disk", "bad", said, runbook)
    if share < _FEW:
        return Finding("disk", "bad" if share < _VERY_FEW else "look", said, runbook)
    return Finding("disk", "ok", said)


def _door(settings: Settings) -> Finding:
    address = f"http://127.0.0.1:{settings.ingest_port}"
    if _asked(f"{address}/healthz") is not None:
        return Finding("door", "ok", f"answers at {address}")
    remedy = "make up, or docs/runbooks/door-down.md"
    if any(Home(settings.home.resolve()).log.glob("*.segment")):
        return Finding("door", "bad", f"nothing answers at {address}", remedy)
    # another machine may have it, as in docker-compose.yml
    return Finding("door", "look", "no door ever ran in this home", remedy)


def _log(settings: Settings) -> Finding:
    folder = Home(settings.home.resolve()).log
    if not folder.exists():
        return Finding("log", "ok", "no event was taken yet")
    end = loaded = 0
    try:
        for one in logs(folder).values():
            with closing(open_for_reading(one)) as log:
                end += log.end()
                loaded += ledger_of(one).read(log.identity).position
    except QuestlogError as error:
        return Finding("log", "bad", str(error), "docs/runbooks/loader-behind.md")
    waiting = max(0, end - loaded)
    if waiting == 0:
        return Finding("log", "ok", f"{_size(end)}, all of it loaded")
    said = f"{_size(waiting)} of {_size(end)} wait for ClickHouse"
    state: State = "bad" if waiting > _BEHIND_BYTES else "look"
    return Finding("log", state, said, "docs/runbooks/loader-behind.md")


def _migrations(client: "Client") -> Finding:
    there = rows(
        client,
        "select count() as tables from system.tables"
        " where database = 'ops' and name = 'migrations'",
    )
    applied = (
        {row["number"] for row in rows(client, "select number from ops.migrations")}
        if there[0]["tables"]
        else set()
    )
    missing = [one.name for one in released() if one.number not in applied]
    if missing:
        said = f"{len(missing)} migrations are not applied, {missing[0]} the first"
        return Finding("tables", "bad", said, "questlog migrate")
    return Finding("tables", "ok", f"{len(applied)} migrations applied")


def _airflow(settings: Settings) -> Iterator[Finding]:
    address = settings.airflow_url or f"http://127.0.0.1:{settings.airflow_port}"
    told = health(address)
    if not (settings.airflow_url or any(told.values())):
        # a warehouse may be run by `questlog run` alone
        return
    ill = [process for process, is_well in told.items() if not is_well]
    if ill:
        said = f"no sign of life of {', '.join(ill)} at {address}"
        yield Finding("airflow", "bad", said, "docs/runbooks/airflow-down.md")
    else:
        yield Finding("airflow", "ok", f"{', '.join(told)} are well at {address}")


def _alerts(settings: Settings) -> Finding:
    local = f"http://127.0.0.1:{settings.alertmanager_port}"
    address = settings.alertmanager_url or local
    query = "active=true&silenced=false&inhibited=false"
    active = _asked(f"{address}/api/v2/alerts?{query}")
    if active is None:
        said = f"no Alertmanager answers at {address}, so nobody is told"
        return Finding("alerts", "look", said, "docs/alerts.md, Have them")
    names = sorted({one["labels"]["alertname"] for one in active})
    pages = {
        one["labels"]["alertname"]
        for one in active
        if one["labels"].get("severity") == "page"
    }
    if not names:
        return Finding("alerts", "ok", "none")
    state: State = "bad" if pages else "look"
    return Finding("alerts", state, ", ".join(names), f"{address}/#/alerts")


def _asked(url: str) -> Any:
    """What an address answers, as JSON where it is; None where nothing does."""
    import requests

    try:
        answer = requests.get(url, timeout=_PATIENCE_S)
        return (
            answer.json() if "json" in answer.headers["content-type"] else answer.text
        )
    except (requests.RequestException, KeyError, ValueError):
        return None


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:  # noqa: PLR2004  the next unit
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
