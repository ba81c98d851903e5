"""A warehouse for a moment: an engine and a dbt of its own, gone afterwards.

Nothing of the user's is read or written: another folder, another port, settings as
they come. One scratch warehouse takes many sets of events, one after another.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ingestion.imports import import_file
from ingestion.judging import Source
from questlog.cases.order import in_file_order
from warehouse.clickhouse import connect
from warehouse.errors import BadInput, StackFailed
from warehouse.migrations import migrate
from warehouse.ports import free_port
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import environment, run_dbt

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_PATIENCE_SECONDS: Final = 60
_FILLED: Final = ("raw.events", "raw.refused_events", "raw.identity_links")
_UNREADABLE: Final = frozenset({"not_json", "envelope"})


@dataclass(slots=True)
class Scratch:
    """A running scratch warehouse; make one with `scratch()`."""

    client: "Client"
    _settings: Settings
    _reading: "Future[None]"
    _number: int = 0
    _seeded_for: set[str] = field(default_factory=set)

    def hold(
        self,
        events: Path,
        identity: Mapping[str, str],
        models: Sequence[str],
        *,
        now: Callable[[], datetime],
    ) -> dict[str, int]:
        """Hold these events, and no others, and build models of them.

        Returns how many lines the door refused, by reason. Raises BadInput when lines
        are no events, TransformationFailed when a model cannot be built.
        """
        for table in _FILLED:
            self.client.command(f"truncate table {table}")
        self._number += 1
        # named anew, or the same lines would count as imported before
        source = Source(f"case-{self._number}", "open")
        ordered = in_file_order(
            events, self._settings.home / f"case-{self._number}.jsonl"
        )
        summary = import_file(ordered, self._settings, now=now, source=source)
        unreadable = {
            reason: lines
            for reason, lines in summary.refused.items()
            if reason in _UNREADABLE
        }
        if unreadable:
            found = ", ".join(f"{reason}: {n}" for reason, n in unreadable.items())
            raise BadInput(
                f"{sum(unreadable.values())} of {summary.lines} lines of {events} are"
                f" no events ({found}). A line is one JSON object with event_id,"
                " timestamp, event_name, and user_id or anonymous_id."
            )
        self._declare(identity, now())
        self._build(models)
        return summary.refused

    def _declare(self, identity: Mapping[str, str], at: datetime) -> None:
        """Write a case's identity as declared aliases, of whichever sort an id is."""
        aliases = {
            f"{sort}{one}": person
            for one, person in identity.items()
            for sort in ("", "anon:")
        }
        # a person whose own events carry no user_id is meant all the same
        aliases |= {f"anon:{person}": person for person in identity.values()}
        if aliases:
            self.client.insert(
                "raw.identity_links",
                [[one, person, True, at] for one, person in aliases.items()],
                column_names=["id", "person_id", "linked", "known_at"],
            )

    def _build(self, models: Sequence[str]) -> None:
        self._reading.result()
        ancestors = [f"+{model}" for model in models]
        if self._seeded_for >= set(models):
            _dbt(self._settings, ["run", "--full-refresh", "--select", *ancestors])
            return
        # events change from case to case, seeds don't
        kinds = ["--resource-type", "model", "--resource-type", "seed"]
        words = ["build", "--full-refresh", "--select", *ancestors, *kinds]
        _dbt(self._settings, words)
        self._seeded_for |= set(models)


@contextlib.contextmanager
def scratch() -> "Iterator[Scratch]":
    """A scratch warehouse that lives as long as the block.

    Raises StackFailed when its engine does not start.
    """
    with (
        tempfile.TemporaryDirectory(prefix="questlog-case-") as folder,
        ThreadPoolExecutor(1) as aside,
    ):
        settings = Settings(home=Path(folder), endpoint_port=free_port())
        # dbt reads the project while the engine starts
        reading = aside.submit(_dbt, settings, ["parse"])
        with _engine(settings), connect(settings) as client:
            migrate(client)
            yield Scratch(client, settings, reading)


def _dbt(settings: Settings, words: Sequence[str]) -> None:
    """Run one dbt command; standard output is the answers' alone."""
    run_dbt(settings, [*words, "--quiet"], variables={"as_of": ""}, outputs=(2, 2))


@contextlib.contextmanager
def _engine(settings: Settings) -> Iterator[None]:
    """The embedded endpoint of these settings as a process, once it answers."""
    log = settings.home / "endpoint.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "questlog", "serve", "clickhouse"],
            cwd=REPOSITORY,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
        )
    try:
        _wait_until_it_answers(process, settings.endpoint_port, log)
        yield
    finally:
        _end(process)


def _wait_until_it_answers(
    process: "subprocess.Popen[bytes]", port: int, log: Path
) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
            return
        time.sleep(0.05)
    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
    raise StackFailed(f"The scratch engine of the case did not start: {last}.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
