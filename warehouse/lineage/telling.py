"""Tell OpenLineage of what runs: to a backend, or to a file in the home."""

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from warehouse.errors import QuestlogError
from warehouse.home import Home
from warehouse.lineage.events import Dataset, Ended, Job, State, run_event
from warehouse.settings import Settings

_PATIENCE_S = 5
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Run:
    """A run under way; what it read and wrote may be filled in until its end."""

    job: Job
    inputs: Sequence[Dataset] = field(default_factory=tuple)
    outputs: Sequence[Dataset] = field(default_factory=tuple)
    failed_because: str = ""
    """Set where it ends without an error and failed all the same."""


@contextlib.contextmanager
def told(
    settings: Settings,
    job: Job,
    *,
    inputs: Sequence[Dataset] = (),
    outputs: Sequence[Dataset] = (),
) -> Iterator[Run]:
    """Tell that a job began, and how it ended: with the error, where one is raised.

    As a line of a log, an event has the time of its telling. Only our own errors are
    quoted: another's message may hold what the run had in hand.
    """
    run = Run(job, inputs, outputs)
    tell(settings, run, Ended(state="START", at=datetime.now(UTC)))
    try:
        yield run
    except SystemExit as stopped:
        # a service that is told to stop has not failed
        because = "" if not stopped.code else f"exit {stopped.code}"
        _end(settings, run, because)
        raise
    except BaseException as error:
        ours = isinstance(error, QuestlogError)
        because = str(error) if ours else type(error).__name__
        _end(settings, run, because)
        raise
    _end(settings, run, run.failed_because)


def _end(settings: Settings, run: Run, because: str) -> None:
    state: State = "FAIL" if because else "COMPLETE"
    tell(settings, run, Ended(state=state, at=datetime.now(UTC), because=because))


def tell(settings: Settings, run: Run, ended: Ended) -> None:
    """Send one event of a run; where no backend takes it, to the file of the home."""
    event = run_event(
        run.job,
        ended,
        server=server(settings),
        inputs=run.inputs,
        outputs=run.outputs,
    )
    if not (settings.lineage_url and _taken(settings.lineage_url, event)):
        _keep(settings, event)


def server(settings: Settings) -> str:
    """What OpenLineage calls the warehouse."""
    host, port = settings.clickhouse_address
    return f"clickhouse://{host}:{port}"


def _taken(address: str, event: dict[str, Any]) -> bool:
    """Whether the backend took it. Lineage stops no work: what it misses is kept."""
    import requests

    url = f"{address.rstrip('/')}/api/v1/lineage"
    try:
        answer = requests.post(url, json=event, timeout=_PATIENCE_S)
    except requests.RequestException:
        said = "does not answer"
    else:
        if answer.ok:
            return True
        said = f"answered {answer.status_code}"
    _logger.warning("The lineage backend at %s %s: kept in the home.", address, said)
    return False


def _keep(settings: Settings, event: dict[str, Any]) -> None:
    """In the file of the home; a loader of docker-compose.yml may write none there."""
    folder = Home(settings.home.resolve()).lineage
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # one write of one line: runs side by side do not mix theirs
        with (folder / "events.jsonl").open("ab", buffering=0) as file:
            file.write(json.dumps(event).encode() + b"\n")
    except OSError as error:
        _logger.warning("No lineage is kept in %s: %s.", folder, error.strerror)
