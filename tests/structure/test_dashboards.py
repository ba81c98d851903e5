"""Grafana's dashboards, as far as they can be held without Grafana.

That each figure exists is held by tests/integration/test_watch_figures.py.
"""

import json
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.settings import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "grafana"
FILES = sorted((FOLDER / "dashboards").glob("*.json"))
COLUMNS = 24
KINDS = {"stat", "timeseries"}
UNITS = {"short", "s", "bytes", "percentunit", "reqps"}

dashboards = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def panels(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text())["panels"]
    return found


def queries(file: Path) -> list[str]:
    return [target["expr"] for panel in panels(file) for target in panel["targets"]]


def test_there_are_dashboards_and_no_two_of_one_name() -> None:
    found = [json.loads(file.read_text()) for file in FILES]

    assert len(FILES) >= 2
    assert len({one["uid"] for one in found}) == len(FILES)
    assert len({one["title"] for one in found}) == len(FILES)


@dashboards
def test_a_dashboard_has_what_grafana_reads(file: Path) -> None:
    found = json.loads(file.read_text())

    assert found["schemaVersion"] >= 39
    assert found["timezone"] == "utc"
    # what is edited in the browser is lost with the container
    assert found["editable"] is False
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    for panel in found["panels"]:
        assert panel["title"]
        assert panel["type"] in KINDS
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["targets"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters))


@dashboards
def test_no_panel_lies_over_another_or_outside(file: Path) -> None:
    places = [panel["gridPos"] for panel in panels(file)]

    assert all(one["x"] + one["w"] <= COLUMNS for one in places)
    assert [
        (one, other)
        for one, other in combinations(places, 2)
        if one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    ] == []


@dashboards
def test_every_panel_asks_a_data_source_that_is_provisioned(file: Path) -> None:
    text = (FOLDER / "provisioning" / "datasources" / "prometheus.yml").read_text()
    known = {source["uid"] for source in yaml.safe_load(text)["datasources"]}
    asked = {
        one["datasource"]["uid"]
        for panel in panels(file)
        for one in (panel, *panel["targets"])
    }

    assert asked <= known


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@dashboards
def test_prometheus_can_read_every_query(file: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query}
        for number, query in enumerate(queries(file))
    ]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    )

    done = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "rules.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
