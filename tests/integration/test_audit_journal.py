"""Acts that do not wait for ClickHouse: written at once, in ops.audit in the end."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from questlog.stack.local import environment
from warehouse import audit
from warehouse.audit_journal import keep, settle
from warehouse.clickhouse import connect, rows
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings

RunEndpoint = Callable[[Settings], AbstractContextManager[Any]]


def questlog(settings: Settings, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "questlog", *words],
        env=environment(settings, os.environ),
        cwd=REPOSITORY,
        input="a-long-password\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def audited(settings: Settings) -> list[tuple[str, str]]:
    with connect(settings) as client:
        found = rows(
            client, "select action, subject from ops.audit order by audited_at"
        )
    return [(row["action"], row["subject"]) for row in found]


@pytest.mark.timeout(300)
def test_changes_of_keys_and_users_come_into_the_audit_once(
    new_settings: Callable[[], Settings], run_endpoint: RunEndpoint
) -> None:
    settings = new_settings()
    # the door's machine: no engine runs
    key = questlog(settings, "keys", "add", "web").strip()
    questlog(settings, "keys", "rotate", "web")
    pending = (Home(settings.home).audit / "pending.jsonl").read_text()

    with run_endpoint(settings):
        # tables are not there yet: still nothing is lost
        assert settle(settings) == 2
        with connect(settings) as client:
            migrate(client)
        questlog(settings, "keys", "revoke", "web")
        questlog(settings, "users", "add", "ann")
        found = audited(settings)

    assert found == [
        ("keys.add", "web"),
        ("keys.rotate", "web"),
        ("keys.revoke", "web"),
        ("users.add", "ann"),
    ]
    assert key not in pending


def test_a_process_killed_before_it_emptied_the_file_brings_nothing_twice(
    endpoint: Settings,
) -> None:
    done = audit.act(by="keeper", because="tried", at=datetime.now(UTC))
    keep(endpoint, done, action="keys.add", subject="twice", detail={})
    journal = Home(endpoint.home).audit / "pending.jsonl"
    line = (
        f'{{"by": "keeper", "because": "tried", "at": "{done.at.isoformat()}",'
        ' "action": "keys.add", "subject": "twice", "detail": {}}\n'
    )
    journal.write_text(line)

    assert settle(endpoint) == 0
    assert audited(endpoint).count(("keys.add", "twice")) == 1
    assert journal.read_text() == ""
