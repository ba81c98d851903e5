"""A real Alertmanager under our configuration: who hears what, and when not."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import requests
import yaml

from questlog.watch.alertmanager import configuration
from tests.integration.alerting_standins import Received, eventually, receiving
from tests.integration.alertmanager_process import (
    needs_alertmanager,
    running_alertmanager,
    told_to,
)
from warehouse.alerting import Alert, raise_alert, resolve
from warehouse.errors import Unavailable
from warehouse.settings import REPOSITORY, Settings

pytestmark = needs_alertmanager


def an_alert(**changed: str) -> Alert:
    labels = {"dag": "models", "task": "gate_marts"} | changed
    return Alert(
        name=labels.pop("name", "TaskFailed"),
        severity="page",
        labels=labels,
        summary=f"{labels['dag']}.{labels['task']} failed: dim_people is empty.",
        runbook="docs/runbooks/dag-failed.md",
    )


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def received() -> Iterator[Received]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def alertmanager(
    received: Received, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    settings = told_to(received, Settings())
    folder = tmp_path_factory.mktemp("alertmanager")
    with running_alertmanager(settings, folder) as address:
        yield address


def about(received: Received, name: str) -> list[dict[str, object]]:
    """The webhook's messages about one alert."""
    return [
        message
        for message in received.at("/hook")
        if message["groupLabels"] == {"alertname": name}
    ]


def test_an_alert_reaches_every_channel_with_its_runbook_and_ends_there(
    received: Received, alertmanager: str
) -> None:
    raise_alert(alertmanager, an_alert(), now=now())
    raise_alert(alertmanager, an_alert(task="publish"), now=now())

    (told,) = eventually(lambda: about(received, "TaskFailed"), what="the webhook")[:1]
    slack = eventually(lambda: received.at("/slack"), what="Slack's message")[0]
    mail = eventually(lambda: received.mails, what="the e-mail")[0]
    # two alerts of one name are one message
    assert sorted(one["labels"]["task"] for one in told["alerts"]) == [
        "gate_marts",
        "publish",
    ]
    assert told["status"] == "firing"
    assert slack["attachments"][0]["title"] == "FIRING: TaskFailed"
    assert "docs/runbooks/dag-failed.md" in slack["attachments"][0]["text"]
    assert "Subject: FIRING: TaskFailed" in mail
    assert "dim_people is empty" in mail.replace("=\r\n", "")

    resolve(alertmanager, an_alert(), now=now())
    resolve(alertmanager, an_alert(task="publish"), now=now())

    eventually(
        lambda: about(received, "TaskFailed")[-1]["status"] == "resolved",
        what="that it is over",
    )
    eventually(lambda: "Subject: RESOLVED" in received.mails[-1], what="its e-mail")


def test_nobody_hears_of_an_alert_that_is_silenced(
    received: Received, alertmanager: str
) -> None:
    silence = {
        "matchers": [
            {"name": "dag", "value": "churn", "isRegex": False, "isEqual": True}
        ],
        "startsAt": now().isoformat(),
        "endsAt": (now() + timedelta(hours=1)).isoformat(),
        "createdBy": "test",
        "comment": "being mended",
    }
    done = requests.post(f"{alertmanager}/api/v2/silences", json=silence, timeout=60)
    assert done.ok

    raise_alert(alertmanager, an_alert(name="Silenced", dag="churn"), now=now())
    # what is raised after it and heard shows that it had its time
    raise_alert(alertmanager, an_alert(name="Heard", dag="models"), now=now())

    eventually(lambda: about(received, "Heard"), what="the other alert")
    assert about(received, "Silenced") == []


def test_of_what_is_dead_only_itself_is_told(
    received: Received, alertmanager: str
) -> None:
    dead = ("WarehouseDown", "LoaderDown", "AirflowDown")
    following = ("LoaderBehind", "CanaryLate", "MartStale", "DeadlineMissed")
    for name in (*dead, *following, "Also"):
        raise_alert(alertmanager, an_alert(name=name), now=now())

    for name in (*dead, "Also"):
        eventually(partial(about, received, name), what=name)
    assert [name for name in following if about(received, name)] == []


def test_what_follows_is_named_as_the_alerts_are() -> None:
    rules = yaml.safe_load(
        (REPOSITORY / "deploy" / "prometheus" / "rules.yml").read_text()
    )
    known = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    matchers = [
        matcher
        for rule in yaml.safe_load(configuration(Settings()))["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
    ]
    named = {
        name
        for matcher in matchers
        for name in re.findall(r'"([\w|]+)"', matcher)[0].split("|")
    }

    assert named <= known | {"DeadlineMissed"}


def test_alertmanager_itself_takes_the_configuration(
    received: Received, tmp_path: Path
) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("amtool of the Debian package is not installed")
    file = tmp_path / "alertmanager.yml"
    for settings in (Settings(), told_to(received, Settings())):
        file.write_text(configuration(settings))

        done = subprocess.run(
            [amtool, "check-config", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr


def test_an_alertmanager_that_is_away_is_named() -> None:
    with pytest.raises(Unavailable, match="No Alertmanager answers at"):
        raise_alert("http://127.0.0.1:1", an_alert(), now=now())
