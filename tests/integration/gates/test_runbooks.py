"""What runbooks say to type is typed, where it looks and changes nothing; SQL is asked.

The rest acts, and is named below with where it is tried.
"""

import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from questlog.__main__ import app
from tests.integration.gates.warehouse import EVENT, made_sound
from tests.runbooks import PAGES, commands, queries
from warehouse.errors import QuestlogError
from warehouse.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

# Great Expectations reads a module that Python 3.11 calls old
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")

LOOKS = {
    *("doctor", "status", "freshness", "gate", "load", "migrate", "card"),
    *("keys list", "log inspect", "audiences list", "quality report"),
    *("identity show", "taxonomy check", "generate --check"),
    "refused replay --dry-run",
}
ACTS = {
    "run": "tests/end_to_end/test_a_world_through_the_house.py",
    "build": "tests/integration/test_models_build.py",
    "dbt": "tests/integration/test_models_build.py",
    "publish": "tests/integration/test_models_build.py",
    "churn": "tests/integration/test_ml_warehouse.py",
    "lifetime-value": "tests/integration/test_ml_warehouse.py",
    "train": "tests/integration/test_ml_retraining.py",
    "promote": "tests/integration/test_ml_retraining.py",
    "audiences choose": "tests/integration/audiences/test_doors.py",
    "audiences push": "tests/integration/audiences/test_doors.py",
    "serve": "tests/integration/test_supervisor.py",
    "up": "tests/integration/test_supervisor.py",
    "generate": "tests/structure/test_generated_files.py",
    "erase": "tests/integration/test_erasure.py",
    "backup": "tests/integration/test_backups.py",
    "restore": "tests/integration/test_backups.py",
    "backfill": "tests/integration/test_models_build.py",
    "import": "tests/integration/test_ingestion_imports.py",
    "log replay": "tests/integration/test_ingestion_loader.py",
    "refused replay": "tests/integration/test_refused_replay.py",
    "vault rotate": "tests/unit/test_vault_rotation.py",
    "keys add": "tests/unit/test_ingestion_keys.py",
    "keys rotate": "tests/unit/test_ingestion_keys.py",
    "keys revoke": "tests/unit/test_ingestion_keys.py",
    "identity link": "tests/integration/test_identity.py",
    "identity unlink": "tests/integration/test_identity.py",
}
STANDS_FOR = {"DAY": "2026-03-01", "ID": "ann", "FINGERPRINT": "web", "…": "because"}


@pytest.fixture(scope="module")
def house(settings: Settings) -> "Iterator[Client]":
    """Sound tables, once for all: nothing here changes them."""
    with made_sound(settings) as client:
        yield client


def begins(words: list[str], names: "set[str] | dict[str, str]") -> bool:
    return any(
        words[: len(name.split())] == name.split()
        or (name.split()[0] == words[0] and set(name.split()) <= set(words))
        for name in names
    )


def all_commands() -> list[list[str]]:
    found = {tuple(words) for page in PAGES for _, words in commands(page)}
    return [list(words) for words in sorted(found)]


def test_every_command_is_tried_here_or_said_to_be_tried_elsewhere() -> None:
    untried = [
        words
        for words in all_commands()
        if not begins(words, LOOKS) and not begins(words, ACTS)
    ]

    assert untried == []
    assert [path for path in ACTS.values() if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize(
    "words", [w for w in all_commands() if begins(w, LOOKS)], ids=" ".join
)
def test_what_looks_answers_and_changes_nothing(
    words: list[str], house: "Client", settings: Settings
) -> None:
    before = house.command("select count() from raw.events")

    done = CliRunner().invoke(
        app,
        [STANDS_FOR.get(word, word) for word in words],
        env={
            "QUESTLOG_HOME": str(settings.home),
            "QUESTLOG_ENDPOINT_PORT": str(settings.endpoint_port),
            "CLICKHOUSE_HOST": "",
        },
    )

    # 1 is an answer: nothing was loaded, a gate is closed, nobody is known
    assert done.exit_code in {0, 1}, done.output
    assert done.exception is None or isinstance(
        done.exception, SystemExit | QuestlogError
    ), done.exception
    assert done.output or isinstance(done.exception, QuestlogError)
    assert house.command("select count() from raw.events") == before


@pytest.mark.parametrize(
    "query",
    [query for page in PAGES for query in queries(page)],
    ids=lambda query: re.sub(r"\W+", "_", query)[:60],
)
def test_every_query_of_a_page_is_one_that_the_warehouse_answers(
    query: str, house: "Client"
) -> None:
    asked = query.replace("event_id = '…'", f"event_id = '{EVENT}'")

    assert house.raw_query(asked, fmt="TSVWithNames")
