"""Run a client project's own suite: `python -m tests.conformance SUITE PATH [ARG…]`.

Further arguments go to pytest: `-k text`, or a path beneath the suite's folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench._engine import Engine
from tests.conformance.outcome import outcome, reasons, told, unexplained
from tests.conformance.suites import Suite, sources, suite
from warehouse.errors import QuestlogError
from warehouse.settings import REPOSITORY

_LIMIT_S = 3600


def _run(asked: Suite, path: Path, port: int, folder: Path, more: list[str]) -> Path:
    """Run a copy of the suite, so that nothing is written beside the sources.

    Only `tests` is copied: the client is the locked one, not the checkout's.
    """
    copied = folder / "suite"
    shutil.copytree(path / "tests", copied / "tests")
    (copied / "pytest.ini").write_text(f"[pytest]\n{asked.ini}\n")
    plugin = []
    if asked.plugin:
        shutil.copy(Path(__file__).with_name(f"{asked.plugin}.py"), copied)
        plugin = ["-p", asked.plugin]
    uv = REPOSITORY / ".uv" / "bin" / "uv"
    constraints = folder / "locked.txt"
    export = ("export", "--locked", "--no-hashes", "--no-emit-project", "--quiet")
    subprocess.run(
        [uv, *export, "--output-file", constraints],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    report = folder / "report.xml"
    extra = [word for name in asked.needs for word in ("--with", name)]
    plain = ("-q", "-n", "2", "-p", "no:cacheprovider", "--tb=no", "--no-header")
    subprocess.run(
        [uv, "run", "--project", REPOSITORY, "--no-sync", "--quiet", *extra]
        + ["python", "-m", "pytest", *plain, *plugin, f"--junitxml={report}"]
        + [f"--ignore={left}" for left in asked.outside]
        + (more or [asked.folder]),
        cwd=copied,
        env=os.environ
        | {"UV_CONSTRAINT": str(constraints), "UV_PROJECT_ENVIRONMENT": ".venv"}
        | asked.environ(port),
        check=False,
        stdout=sys.stderr,
        timeout=_LIMIT_S,
    )
    return report


def main(words: list[str]) -> int:
    """Run the named suite; 0 when every failure is one that the file explains."""
    name, path, *more = words
    try:
        asked = suite(name)
        about = sources(asked, Path(path))
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            with Engine(home / "home") as engine:
                port = engine.settings.endpoint_port
                report = _run(asked, Path(path), port, home, more)
            run = outcome(report)
    except QuestlogError as error:
        print(error, file=sys.stderr)
        return 2
    known = reasons(name)
    print("\n".join((*told(run, known), about)))
    return 1 if unexplained(run, known) or not run.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
