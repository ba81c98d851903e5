"""Real invoices, through staging and marts, add up to the penny."""

import dataclasses
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from warehouse.clickhouse import connect, rows
from warehouse.migrations import migrate
from warehouse.settings import REPOSITORY, Settings
from warehouse.transformation import build

if TYPE_CHECKING:
    from subprocess import Popen

    from clickhouse_connect.driver.client import Client

Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]
SNAPSHOT = date(2011, 12, 10)
COLUMNS = (
    *("event_id", "event_name", "user_id", "properties", "content_hash", "source"),
    *("occurred_at", "received_at", "loaded_at", "known_at"),
)


@pytest.fixture
def engine(
    new_settings: Callable[[], Settings], run_endpoint: Endpoint
) -> Iterator[Settings]:
    own = dataclasses.replace(new_settings(), reporting_currency="GBP")
    with run_endpoint(own):
        with connect(own) as client:
            migrate(client)
        yield own


def invoices() -> Path:
    """The file of the case, beside the repository or beside its worktrees."""
    case = "shared/cases/online_retail"
    for folder in REPOSITORY.parents[:2]:
        if (folder / case).exists():
            return folder / case / "events.jsonl.gz"
    pytest.skip(f"../{case} is absent")


def load(client: "Client", file: Path) -> None:
    with gzip.open(file, "rt") as lines:
        events = [json.loads(line) for line in lines]
    client.insert(
        "raw.events",
        [
            [
                *(event["event_id"], event["event_name"], event["user_id"]),
                *(json.dumps(event["properties"]), number, "retail"),
                *([datetime.fromisoformat(event["timestamp"])] * 4),
            ]
            for number, event in enumerate(events)
        ],
        column_names=COLUMNS,
    )


def test_real_invoices_add_up_to_the_penny(engine: Settings) -> None:
    with connect(engine) as client:
        load(client, invoices())

        build(engine, "staging", as_of=SNAPSHOT)
        build(engine, "marts", as_of=SNAPSHOT)

        paid = rows(
            client,
            "select count() as invoices, uniqExact(person_id) as customers,"
            " sum(reporting_amount_minor) as revenue_minor"
            " from marts_build.fct_payments",
        )
        scored = rows(
            client,
            "select recency_days, frequency, monetary_minor from marts_build.dim_rfm"
            " where person_id = 'c12346'",
        )
    assert paid == [
        {"invoices": 18532, "customers": 4338, "revenue_minor": 891_140_790}
    ]
    assert scored == [
        {"recency_days": 326, "frequency": 1, "monetary_minor": 7_718_360}
    ]
