"""A world brought through the true door leaves in raw what its truth says."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.imports import import_file
from questlog.world.parameters import Parameters
from questlog.world.simulate import HISTORY, simulate
from warehouse.clickhouse import connect, rows
from warehouse.migrations import migrate
from warehouse.settings import Settings

if TYPE_CHECKING:
    from subprocess import Popen

Run = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]


def test_an_imported_history_is_what_its_truth_says(
    tmp_path: Path, new_settings: Callable[[], Settings], run_endpoint: Run
) -> None:
    parameters = Parameters(people=250, days=40, end=date(2026, 3, 1), seed=5)
    truth = simulate(parameters, tmp_path)["history"]
    settings = new_settings()
    moment = datetime(2026, 3, 2, 10, tzinfo=UTC)

    with run_endpoint(settings), connect(settings) as client:
        migrate(client)
        summary = import_file(tmp_path / HISTORY, settings, now=lambda: moment)
        events = rows(
            client,
            "select count() as copies, uniqExact(event_id) as once,"
            " uniqExact(event_id, content_hash) as contents from raw.events",
        )[0]
        refusals = rows(client, "select reason from raw.refused_events")

    assert truth["refused"]["consent"] > 0
    assert (summary.lines, summary.accepted) == (truth["lines"], truth["accepted"])
    assert summary.refused == truth["refused"]
    assert Counter(row["reason"] for row in refusals) == truth["refused"]
    assert events["copies"] == truth["accepted"]
    assert events["once"] == truth["events_once"]
    assert events["contents"] - events["once"] == truth["conflicting_copies"]
