"""List the benchmarks, or run one: `python -m bench [NAME [--keep BESIDE]]`.

The last line printed is one JSON object:
{"name", "machine", "figures": {name_unit: number}, "compared_with": {…}}.
With `--keep` it is also put among those that docs/measured.md tells of; BESIDE is what
else the machine did, in a few words. A run in part keeps only what it found one by one.
"""

import importlib
import json
import os
import pkgutil
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import bench
from warehouse.generators.measured_page import SOURCE
from warehouse.settings import REPOSITORY


def modules() -> dict[str, str]:
    """The benchmarks there are: one module each.

    A name that Python keeps for itself has a module with an underscore behind it;
    a dash in a name is an underscore in its module.
    """
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return {
        name.rstrip("_").replace("_", "-"): f"bench.{name}"
        for name in sorted(found)
        if not name.startswith("_")
    }


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "system": platform.system(),
        "python": platform.python_version(),
    }


def keep(line: Mapping[str, object], beside: str) -> None:
    """Add a run to those that docs/measured.md tells of."""
    day = datetime.now(UTC).date().isoformat()
    told = {**line, "on": day, "commit": _commit(), "beside": beside}
    with (REPOSITORY / SOURCE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the measurer's own git
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def keep_rows(file: Path, rows: Sequence[Mapping[str, object]], *, part: bool) -> None:
    """Keep what a run found one by one; a run in part keeps what others found."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    there = {row["name"]: row for row in map(json.loads, lines)} if part else {}
    found = {row["name"]: {**row, "commit": _commit()} for row in rows}
    kept = (there | found).values()
    file.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")


def main(words: list[str]) -> int:
    """Run the named benchmark; without a name, list them."""
    if not words:
        print("make bench NAME=… runs one of:")
        for name, module in modules().items():
            meaning = importlib.import_module(module).__doc__ or ""
            print(f"  {name:<14} {meaning.splitlines()[0]}")
        return 0
    module = modules().get(words[0])
    if module is None:
        print(f"There is no benchmark {words[0]!r}; there are: {', '.join(modules())}.")
        return 2
    measured = importlib.import_module(module).run()
    rows, part = measured.pop("rows", ()), measured.pop("part", False)
    line = {"name": words[0], "machine": machine()} | measured
    if words[1:2] == ["--keep"]:
        if not part:
            keep(line, " ".join(words[2:]) or "nothing is said")
        if rows:
            keep_rows(REPOSITORY / "bench" / f"{words[0]}.jsonl", rows, part=part)
    print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
