"""Builds of one home come one after the other, from wherever they are started."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from warehouse.errors import Unavailable
from warehouse.home import Home
from warehouse.one_build import only_build
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import environment

BUILDING = (
    "import sys, time\n"
    "from pathlib import Path\n"
    "from warehouse.home import Home\n"
    "from warehouse.one_build import only_build\n"
    "with only_build(Home(Path(sys.argv[1]))):\n"
    "    print('building', flush=True)\n"
    "    time.sleep(60)\n"
)
IN_AIRFLOW = (
    "import warehouse.one_build as one_build\n"
    "from functools import partial\n"
    "one_build.only_build = partial(one_build.only_build, within_s=0.1)\n"
    "from dags.layers import layer\n"
    "layer('staging').execute({})\n"
)


def a_build(home: Path) -> "subprocess.Popen[str]":
    started = subprocess.Popen(
        [sys.executable, "-c", BUILDING, str(home)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout
    assert started.stdout.readline() == "building\n"
    return started


def test_a_build_waits_for_another_and_goes_on_when_that_is_killed(
    tmp_path: Path,
) -> None:
    with a_build(tmp_path) as other:
        with (
            pytest.raises(Unavailable, match=f"process {other.pid}. Wait for it or"),
            only_build(Home(tmp_path), within_s=0.1),
        ):
            pass
        killing = threading.Timer(0.5, os.kill, (other.pid, signal.SIGKILL))
        killing.start()
        began = time.monotonic()
        with only_build(Home(tmp_path), within_s=60):
            waited = time.monotonic() - began
            holder = Home(tmp_path).build_lock.read_text()
        killing.join()

    assert waited >= 0.5
    assert holder == str(os.getpid())


def test_a_layer_of_airflow_is_such_a_build(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with a_build(tmp_path) as other:
        tried = subprocess.run(
            [sys.executable, "-c", IN_AIRFLOW],
            cwd=REPOSITORY,
            env=environment(settings) | {"AIRFLOW_HOME": str(tmp_path / "airflow")},
            capture_output=True,
            text=True,
            check=False,
        )
        other.kill()

    assert tried.returncode == 1
    assert f"Another build is at work after 0.1 seconds: process {other.pid}" in (
        tried.stderr
    )
