"""The alerts: each fires on what it is about, falls silent, and names its runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from warehouse.settings import REPOSITORY

RULES = REPOSITORY / "deploy" / "prometheus" / "rules.yml"
TRIALS = REPOSITORY / "tests" / "integration" / "alert_rules_trials.yml"
PROMTOOL = shutil.which("promtool")
SEVERITIES = {"page", "look"}

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="the Debian package prometheus is not installed"
)


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(*words: str, folder: Path = REPOSITORY) -> str:
    done = subprocess.run(
        [str(PROMTOOL), *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", str(RULES))


@needs_promtool
def test_each_alert_fires_when_it_should_and_not_before() -> None:
    promtool("test", "rules", str(TRIALS))


def test_no_alert_is_untried() -> None:
    trials = yaml.safe_load(TRIALS.read_text())["tests"]
    asked = [one for trial in trials for one in trial["alert_rule_test"]]
    fires = {one["alertname"] for one in asked if one["exp_alerts"]}
    silent = {one["alertname"] for one in asked if not one["exp_alerts"]}
    names = {rule["alert"] for rule in alerts()}

    assert fires == names
    assert silent == names


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_what_is_wrong_and_what_to_do(
    rule: dict[str, Any],
) -> None:
    runbook = REPOSITORY / rule["annotations"]["runbook"]

    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"]["summary"].endswith((".", ")."))
    assert rule["alert"] in runbook.read_text()


def test_what_airflow_tells_has_runbooks_too() -> None:
    text = (REPOSITORY / "dags" / "telling.py").read_text()
    names = dict(re.findall(r"_(CLOSED|FAILED|LATE): \"(docs/[\w/-]+\.md)\"", text))
    words = dict(
        zip(
            ("CLOSED", "FAILED", "LATE"),
            re.search(  # type: ignore[union-attr]
                r"_CLOSED, _FAILED, _LATE = \"(\w+)\", \"(\w+)\", \"(\w+)\"", text
            ).groups(),
            strict=True,
        )
    )

    assert set(names) == set(words)
    assert [
        words[key]
        for key, runbook in names.items()
        if words[key] not in (REPOSITORY / runbook).read_text()
    ] == []
