"""Whether sources still bring something: dbt's freshness, told in our words."""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.clickhouse import connect, rows
from warehouse.errors import NotEnoughData, TransformationFailed
from warehouse.home import Home
from warehouse.settings import Settings, load
from warehouse.transformation import run_dbt

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def require_fresh(settings: Settings) -> None:
    """Ask dbt how long ago each source with a limit was written.

    The limits stand in `dbt_project/models/staging/_raw__sources.yml`. Raises
    TransformationFailed naming each source that is past its limit, and NotEnoughData
    while there has been no event at all: a young warehouse is not stale.
    """
    with connect(settings) as client:
        _require_events(client)
    told = Home(settings.home.resolve()).dbt_target / "sources.json"
    told.unlink(missing_ok=True)
    try:
        # always given: dbt reads the whole project anew when variables change
        run_dbt(settings, ["source", "freshness"], variables={"as_of": ""})
    except TransformationFailed as error:
        found = json.loads(told.read_text())["results"] if told.exists() else []
        if stale := what_is_stale(found):
            raise TransformationFailed(stale) from error
        raise


def require_fresh_at_door() -> None:
    """The same, with this process's settings."""
    require_fresh(load(os.environ))


def what_is_stale(results: Sequence[Mapping[str, Any]]) -> str:
    """The sources of dbt's `sources.json` past their limit, as one message; or none."""
    stale = [_told(one) for one in results if one["status"] == "error"]
    if not stale:
        return ""
    return (
        f"Stale: {'; '.join(stale)}. Either nothing was sent, or the loader is behind:"
        " docs/runbooks/loader-behind.md. Marts go on being built from what there is."
    )


def _told(result: Mapping[str, Any]) -> str:
    limit = result["criteria"]["error_after"]
    newest = datetime.fromisoformat(result["max_loaded_at"])
    hours = result["max_loaded_at_time_ago_in_s"] / 3600
    return (
        f"{'.'.join(result['unique_id'].split('.')[-2:])} got its newest rows"
        f" {hours:.0f} hours ago, at {newest:%Y-%m-%d %H:%M} UTC; the limit is"
        f" {limit['count']} {limit['period']}s"
    )


def _require_events(client: "Client") -> None:
    query = (
        "select sum(total_rows) as events from system.tables"
        " where database = 'raw' and name = 'events'"
    )
    if not rows(client, query)[0]["events"]:
        raise NotEnoughData(
            "raw.events has no rows yet, so it is not stale. Send or import events."
        )
