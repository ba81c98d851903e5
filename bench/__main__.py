"""List the benchmarks, or run one: `python -m bench [NAME]`.

The last line printed is one JSON object:
{"name", "machine", "figures": {name_unit: number}, "compared_with": {…}}.
"""

import importlib
import json
import os
import pkgutil
import platform
import sys

import bench


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


def main(words: list[str]) -> int:
    """Run the named benchmark; without a name, list them."""
    if not words:
        print("make bench NAME=… runs one of:")
        for name, module in modules().items():
            meaning = importlib.import_module(module).__doc__ or ""
            print(f"  {name:<8} {meaning.splitlines()[0]}")
        return 0
    module = modules().get(words[0])
    if module is None:
        print(f"There is no benchmark {words[0]!r}; there are: {', '.join(modules())}.")
        return 2
    measured = importlib.import_module(module).run()
    print(json.dumps({"name": words[0], "machine": machine()} | measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
