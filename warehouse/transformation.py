"""Run dbt with the settings of this process."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from warehouse.errors import TransformationFailed
from warehouse.home import Home
from warehouse.settings import REPOSITORY, Settings

PROJECT = REPOSITORY / "dbt_project"


def run_dbt(
    settings: Settings,
    command: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Run one dbt command, such as `["build", "--select", "staging"]`.

    dbt reads the same environment variables as Questlog (dbt_project/profiles.yml).
    Raises TransformationFailed naming the nodes that failed.
    """
    from dbt.cli.main import dbtRunner

    home = Home(settings.home.resolve())
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    outcome = dbtRunner().invoke(
        [
            *("--log-path", str(home.dbt_target.parent / "logs")),
            *command,
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(home.dbt_target)),
            *(("--vars", json.dumps(dict(variables))) if variables else ()),
        ]
    )
    if not outcome.success:
        raise TransformationFailed(_what_failed(command, outcome, home.dbt_target))


def _what_failed(command: Sequence[str], outcome: object, target: Path) -> str:
    failed = [
        f"{result.node.name} ({result.message})"
        for result in getattr(getattr(outcome, "result", None), "results", [])
        if result.status in {"error", "fail", "runtime error"}
    ]
    cause = "; ".join(failed) or str(getattr(outcome, "exception", "") or "see the log")
    return f"dbt {command[0]} failed: {cause}. Compiled SQL lies in {target}."
