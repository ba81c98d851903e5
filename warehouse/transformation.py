"""Run dbt with the settings of this process, layer by layer."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from warehouse import dbt_process
from warehouse.errors import TransformationFailed
from warehouse.home import Home
from warehouse.lineage.events import Job
from warehouse.lineage.telling import told
from warehouse.one_build import only_build
from warehouse.settings import REPOSITORY, Settings, load, table

PROJECT = REPOSITORY / "dbt_project"

LAYERS: Mapping[str, Sequence[str]] = {
    "staging": ("path:seeds", "path:models/staging"),
    "marts": ("path:models/intermediate", "path:models/marts"),
    "features": ("path:models/features",),
}
"""What dbt selects for each layer, in the order of building."""

WHICH_TESTS: Mapping[str, Sequence[str]] = {
    # the last model of these layers asks all data tests: dbt_project/macros/grains.sql
    **dict.fromkeys(
        ("staging", "marts"),
        ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"),
    ),
    "features": (
        *("--exclude-resource-type", "unit_test"),
        # a test between two models runs with the later one, when both are built
        *("--indirect-selection", "buildable"),
        # of a view: it would be computed once more. `questlog dbt test` asks them
        *("--exclude", "tag:thorough"),
    ),
}
"""Which tests are nodes of a build. Unit tests prove the SQL, not the data."""

_WRITING = frozenset({"build", "run", "seed", "snapshot", "retry", "clone"})
"""Commands of dbt that write tables."""


def build(settings: Settings, layer: str, *, as_of: date | None = None) -> None:
    """Build one layer aside, and test its grain.

    `as_of` is the day that features and RFM are about; without it, where data end.
    Unit tests are for `make test`: they prove the SQL, not the data.
    Raises TransformationFailed naming the nodes that failed.
    """
    # they read what is compiled here
    from warehouse.lineage.dbt_runs import tell_models

    job = Job(name=f"build.{layer}", kind="BUILD")
    with told(settings, job):
        try:
            run_dbt(
                settings,
                ["build", "--select", *LAYERS[layer], *WHICH_TESTS[layer]],
                # always given: dbt reads the whole project anew when variables change
                variables={"as_of": as_of.isoformat() if as_of else ""},
            )
        finally:
            tell_models(settings, job)


def write_docs(settings: Settings) -> Path:
    """Write the dbt docs site as one file, and return its path."""
    home = Home(settings.home.resolve())
    run_dbt(settings, ["docs", "generate", "--static"], variables={"as_of": ""})
    home.dbt_docs.mkdir(parents=True, exist_ok=True)
    page = home.dbt_docs / "index.html"
    shutil.copyfile(home.dbt_target / "static_index.html", page)
    return page


def run_dbt(
    settings: Settings,
    command: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    outputs: tuple[int, int] = (1, 2),
) -> None:
    """Run one dbt command, such as `["build", "--select", "staging"]`.

    dbt reads the same environment variables as Questlog (dbt_project/profiles.yml),
    and prints to the files `outputs`: standard output and standard error.
    Raises TransformationFailed naming the nodes that failed, Unavailable where another
    process builds.
    """
    home = Home(settings.home.resolve())
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    results = home.dbt_target / "run_results.json"
    named = next((word for word in command if not word.startswith("-")), "")
    with only_build(home) if named in _WRITING else contextlib.nullcontext():
        results.unlink(missing_ok=True)
        code = dbt_process.run(
            command,
            environment(settings),
            project=PROJECT,
            options=[
                # what goes wrong is printed; a log of each statement costs a tenth of
                # a run
                *("--log-level-file", "none"),
                *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
                *("--target-path", str(home.dbt_target)),
                *(("--vars", json.dumps(dict(variables))) if variables else ()),
            ],
            outputs=outputs,
        )
    if code:
        raise TransformationFailed(_what_failed(command, results))


def environment(settings: Settings) -> dict[str, str]:
    """The environment of this process, with these settings in it."""
    ours = {
        row.metadata["name"]: _written(getattr(settings, row.name)) for row in table()
    }
    return {**os.environ, **ours, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def _written(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _what_failed(command: Sequence[str], results: Path) -> str:
    verdicts = json.loads(results.read_text())["results"] if results.exists() else []
    failed = [
        f"{verdict['unique_id'].split('.')[2]} ({verdict['message']})"
        for verdict in verdicts
        if verdict["status"] in {"error", "fail", "runtime error"}
    ]
    cause = "; ".join(failed) or "dbt said why above"
    return f"dbt {command[0]} failed: {cause}. Compiled SQL lies in {results.parent}."


def build_features(as_of: str) -> None:
    """Build features as of a day like 2026-03-01, with this process's settings."""
    build(load(os.environ), "features", as_of=date.fromisoformat(as_of))
