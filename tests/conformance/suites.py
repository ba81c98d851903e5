"""The suites: what they need beside the locked environment, and how they find us."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from warehouse.errors import BadInput

_RELEASE = re.compile(r"^#+ .*?(\d+\.\d+\.\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Suite:
    """A client project's suite.

    `needs` are packages that the suite alone wants; they are put over the locked
    environment for the run and never into it. `ini` is pytest's own configuration,
    `plugin` a module of this folder that pytest loads, `outside` what is not run.
    """

    name: str
    folder: str
    needs: tuple[str, ...]
    environment: Mapping[str, str]
    ini: str
    plugin: str = ""
    outside: tuple[str, ...] = ()

    def environ(self, port: int) -> dict[str, str]:
        """Where the suite finds the endpoint."""
        return {name: text.format(port=port) for name, text in self.environment.items()}


_ALL = (
    Suite(
        name="clickhouse-connect",
        folder="tests/integration_tests",
        needs=("polars", "pyjwt", "pytest-asyncio", "pytest-mock", "pytest-xdist"),
        environment={
            "CLICKHOUSE_CONNECT_TEST_HOST": "127.0.0.1",
            "CLICKHOUSE_CONNECT_TEST_PORT": "{port}",
            "CLICKHOUSE_CONNECT_TEST_FUZZ": "10",
        },
        ini="asyncio_default_fixture_loop_scope = session",
    ),
    Suite(
        name="dbt-clickhouse",
        folder="tests/integration",
        needs=("dbt-tests-adapter", "pytest-xdist"),
        environment={
            "DBT_CH_TEST_HOST": "127.0.0.1",
            "DBT_CH_TEST_PORT": "{port}",
            "DBT_CH_TEST_USE_DOCKER": "false",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        },
        ini="pythonpath = .",
        plugin="without_users",
        # needs a server's cluster, and leaves its engine of databases in the settings
        # that all later tests share: each of those would ask for it too
        outside=("tests/integration/adapter/replicated_database",),
    ),
)


def suite(name: str) -> Suite:
    """The suite of a name. Raises BadInput when there is none."""
    for known in _ALL:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in _ALL)
    raise BadInput(f"There is no suite {name!r}; there are: {names}.")


def sources(asked: Suite, path: Path) -> str:
    """Which release the sources are of, and which one is locked.

    Raises BadInput when the folder does not hold the suite.
    """
    if not (path / asked.folder).is_dir():
        raise BadInput(
            f"{path} has no {asked.folder}: give PATH=… a checkout of {asked.name}."
        )
    changes = path / "CHANGELOG.md"
    found = _RELEASE.search(changes.read_text()) if changes.is_file() else None
    return (
        f"suite of {asked.name}, newest release it names {found[1] if found else '?'};"
        f" locked client {version(asked.name)}"
    )
