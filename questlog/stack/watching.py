"""What watches the local stack: the batches' metrics, Prometheus and Alertmanager."""

import shutil

from questlog.stack.services import PYTHON_BIN, Service
from questlog.watch.alertmanager import configuration as receiving
from questlog.watch.prometheus import configuration as scraping
from warehouse.durable import private_folder, put
from warehouse.home import Home
from warehouse.settings import Settings


def metrics(settings: Settings) -> Service:
    """What gates, builds, models and audiences left in `ops`, told to who asks."""
    return Service(
        name="metrics",
        shown_as="Metrics of batches",
        command=(str(PYTHON_BIN / "questlog"), "serve", "metrics"),
        port=settings.metrics_port,
        port_setting="QUESTLOG_METRICS_PORT",
        ready=f"http://127.0.0.1:{settings.metrics_port}/healthz",
        page=f"http://127.0.0.1:{settings.metrics_port}/metrics",
        login="open",
        environment={"AIRFLOW_URL": f"http://127.0.0.1:{settings.airflow_port}"},
    )


def watching(settings: Settings) -> list[Service]:
    """Prometheus and Alertmanager, where this machine has both; else nothing."""
    prometheus = shutil.which("prometheus")
    alertmanager = shutil.which("prometheus-alertmanager")
    if not (prometheus and alertmanager):
        return []
    folder = Home(settings.home.resolve()).watch
    private_folder(folder)
    put(folder / "prometheus.yml", scraping(settings).encode())
    put(folder / "alertmanager.yml", receiving(settings).encode())
    told = f"http://127.0.0.1:{settings.alertmanager_port}"
    asked = f"http://127.0.0.1:{settings.prometheus_port}"
    return [
        Service(
            name="alertmanager",
            shown_as="Alertmanager",
            command=(
                alertmanager,
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address={told.removeprefix('http://')}",
                "--cluster.listen-address=",
            ),
            port=settings.alertmanager_port,
            port_setting="QUESTLOG_ALERTMANAGER_PORT",
            ready=f"{told}/-/ready",
            page=told,
            login="open",
        ),
        Service(
            name="prometheus",
            shown_as="Prometheus",
            command=(
                prometheus,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                "--storage.tsdb.retention.time=15d",
                f"--web.listen-address={asked.removeprefix('http://')}",
            ),
            port=settings.prometheus_port,
            port_setting="QUESTLOG_PROMETHEUS_PORT",
            ready=f"{asked}/-/ready",
            page=asked,
            login="open",
        ),
    ]
