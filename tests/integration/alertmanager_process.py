"""A real Alertmanager under the house's own configuration, on a free port."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from questlog.watch.alertmanager import configuration
from tests.integration.alerting_standins import Received, eventually
from warehouse.ports import free_port
from warehouse.settings import Settings

ALERTMANAGER = shutil.which("prometheus-alertmanager")

needs_alertmanager = pytest.mark.skipif(
    ALERTMANAGER is None,
    reason="the Debian package prometheus-alertmanager is not installed",
)


def told_to(received: Received, settings: Settings) -> Settings:
    """Settings whose three channels end at the stand-ins."""
    return replace(
        settings,
        alert_webhook_url=f"{received.http}/hook",
        alert_slack_url=f"{received.http}/slack",
        alert_email_to="on-call@example.org",
        alert_smtp=received.smtp,
    )


@contextlib.contextmanager
def running_alertmanager(settings: Settings, folder: Path) -> Iterator[str]:
    """Its address. Groups wait for a tenth of a second instead of ten."""
    text = configuration(settings).replace("group_wait: 10s", "group_wait: 100ms")
    text = text.replace("group_interval: 2m", "group_interval: 1s")
    (folder / "alertmanager.yml").write_text(text)
    address = f"127.0.0.1:{free_port()}"
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(ALERTMANAGER),
                f"--config.file={folder / 'alertmanager.yml'}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        eventually(lambda: _answers(f"http://{address}/-/ready"), what="Alertmanager")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(60)


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=60).ok
    return False
