"""Build models with one dbt that stays: `python -m questlog.cases.builder`.

A process of its own, because dbt keeps state in its module globals and reads the
environment while it parses. It reads the project once; then each line on standard
input builds, and one line on standard output tells how that ended. All that dbt
prints goes to standard error.
"""

import json
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult


def main() -> None:
    """Parse, say so, and build as asked until standard input ends."""
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    common: list[str] = sys.argv[1:]
    parsed = dbtRunner().invoke(["--quiet", "parse", *common])
    _report(reports, parsed)
    if not isinstance(parsed.result, Manifest):
        return
    runner = dbtRunner(manifest=parsed.result)
    for line in sys.stdin:
        words: list[str] = json.loads(line)
        _report(reports, runner.invoke(["--quiet", *words, *common]))


def _report(reports: TextIO, outcome: "dbtRunnerResult") -> None:
    print(json.dumps({"ok": outcome.success, "why": _why(outcome)}), file=reports)


def _why(outcome: "dbtRunnerResult") -> str:
    if outcome.exception is not None:
        return str(outcome.exception)
    results: list[Any] = list(getattr(outcome.result, "results", []))
    failed = [one for one in results if str(one.status) not in {"success", "pass"}]
    return "; ".join(f"{one.node.name} ({one.message})" for one in failed)


if __name__ == "__main__":
    main()
