"""Every process that runs for long tells its figures, and somebody asks for them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from questlog.stack import services, watching
from questlog.stack.services import Service
from questlog.watch.prometheus import configuration
from warehouse.settings import REPOSITORY, Settings

COMPOSED: dict[str, Any] = yaml.safe_load(
    (REPOSITORY / "docker-compose.yml").read_text()
)["services"]
# they end when their work is done, or are asked by `questlog serve metrics`
ASKED_OTHERWISE = {
    *("migrate", "airflow-init", "alert-configuration"),
    *("airflow-api-server", "airflow-scheduler"),
    *("airflow-dag-processor", "airflow-triggerer"),
}
# others' programs without figures of their own
NOT_ASKED = {"postgres", "grafana"}


@pytest.fixture
def local(tmp_path: Path) -> tuple[Settings, list[Service]]:
    settings = Settings(home=tmp_path)
    return settings, [
        *services.engine(settings),
        *services.around_the_engine(settings, write_key="key"),
        watching.metrics(settings),
        *watching.watching(settings),
        *services.scheduling(settings),
    ]


def test_every_service_of_the_local_stack_is_asked(
    local: tuple[Settings, list[Service]],
) -> None:
    settings, running = local
    jobs = yaml.safe_load(configuration(settings))["scrape_configs"]
    asked = {
        int(target.rpartition(":")[2])
        for job in jobs
        for config in job["static_configs"]
        for target in config["targets"]
    }
    told_by_page = {
        one.name: int(re.findall(r":(\d+)", one.page)[0])
        for one in running
        if one.page and not one.name.startswith("airflow-")
    }

    assert {name for name, port in told_by_page.items() if port not in asked} == set()
    # Airflow's processes by their health, through the exporter
    (metrics,) = (one for one in running if one.name == "metrics")
    (api,) = (one for one in running if one.name == "airflow-api-server")
    assert metrics.environment["AIRFLOW_URL"] == api.page


def test_every_service_of_the_production_shape_is_asked() -> None:
    text = (REPOSITORY / "deploy" / "prometheus" / "prometheus.yml").read_text()
    asked = {
        target.split(":")[0]
        for job in yaml.safe_load(text)["scrape_configs"]
        for config in job["static_configs"]
        for target in config["targets"]
    }

    assert COMPOSED.keys() - asked - ASKED_OTHERWISE - NOT_ASKED == {
        "prometheus"
    }  # it asks itself
    exporter = COMPOSED["metrics"]
    address = exporter["environment"]["AIRFLOW_URL"]
    api = COMPOSED[re.findall(r"//([\w-]+):", address)[0]]
    assert set(exporter["networks"]) & set(api["networks"])
