"""dbt is imported once, and each of its runs is a process of its own."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse import dbt_process
from warehouse.errors import TransformationFailed
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import PROJECT, run_dbt

SHOWN = (
    *("--quiet", "show", "--output", "json", "--inline"),
    "select '{{ invocation_id }}' as run, {{ reporting_currency() }} as currency",
)


def test_each_run_has_an_id_of_its_own_and_the_settings_it_is_given(
    endpoint: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    in_francs = dataclasses.replace(endpoint, reporting_currency="CHF")

    run_dbt(endpoint, SHOWN)
    first = capfd.readouterr().out
    run_dbt(in_francs, SHOWN)
    second = capfd.readouterr().out

    runs = [re.findall(r'"run": "([-0-9a-f]+)"', shown) for shown in (first, second)]
    assert len(runs[0]) == len(runs[1]) == 1
    assert runs[0] != runs[1]
    assert '"currency": "EUR"' in first
    assert '"currency": "CHF"' in second


def test_a_run_that_fails_is_told_and_the_next_one_runs(endpoint: Settings) -> None:
    with pytest.raises(TransformationFailed, match="dbt conjure failed"):
        run_dbt(endpoint, ["conjure"])

    assert dbt_process.run(["--version"], {}) == 0


def test_a_project_is_read_again_when_its_files_change(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    options = [
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(tmp_path / "target"), "--log-level-file", "none"),
    ]

    def listed() -> str:
        told = dbt_process.run(
            ["--quiet", "list", "--select", "int_build+", "--resource-type", "model"],
            os.environ,
            project=project,
            options=options,
        )
        assert told == 0
        return capfd.readouterr().out

    before = listed()
    (project / "models" / "intermediate" / "int_more.sql").write_text(
        "select * from {{ ref('int_build') }}\n"
    )
    after = listed()

    assert before.split() == ["questlog.intermediate.int_build"]
    assert sorted(after.split()) == [
        "questlog.intermediate.int_build",
        "questlog.intermediate.int_more",
    ]


def test_nothing_is_left_behind_at_the_end(tmp_path: Path) -> None:
    listing = (
        "import os\n"
        "from pathlib import Path\n"
        "from warehouse import dbt_process\n"
        "from warehouse.transformation import PROJECT\n"
        "code = dbt_process.run(\n"
        "    ['--quiet', 'list', '--select', 'int_build'], os.environ,\n"
        "    project=PROJECT, options=[\n"
        "        '--project-dir', str(PROJECT), '--profiles-dir', str(PROJECT),\n"
        f"       '--target-path', {str(tmp_path)!r}, '--log-level-file', 'none'])\n"
        "raise SystemExit(code)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", listing],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
        timeout=120,
    )

    assert ended.returncode == 0
    assert ended.stderr == b""


def test_the_process_that_forks_ends_with_the_one_that_started_it() -> None:
    starting = (
        "from warehouse import dbt_process\n"
        "dbt_process.run(['--version'], {})\n"
        "print('id', dbt_process._forker._process.pid, flush=True)\n"
        "import os, signal\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    # its output ends when nobody is left who could write to it
    ended = subprocess.run(
        [sys.executable, "-c", starting],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == -9
    assert b"id " in ended.stdout
