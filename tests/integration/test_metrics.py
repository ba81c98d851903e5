"""Metrics of the semantic layer answer on tables made from the contracts of marts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from warehouse.generators.metrics_page import SOURCE, mart_of, statement
from warehouse.settings import REPOSITORY

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DESCRIBED = yaml.safe_load((REPOSITORY / SOURCE).read_text())
SIMPLE = [one["name"] for one in DESCRIBED["metrics"] if one["type"] == "simple"]
COMPUTED = [one["name"] for one in DESCRIBED["metrics"] if one["type"] != "simple"]
ROWS: dict[str, list[dict[str, Any]]] = {
    "fct_active_days": [{"person_id": "ann"}, {"person_id": "ann"}],
    "fct_lifecycle": [
        {"period": "day", "new_people": 2},
        {"period": "week", "new_people": 2},
    ],
    "fct_sessions": [
        {
            "session_id": "s1",
            "duration_ms": 120000,
            "page_views": 3,
            "is_converted": True,
        },
        {"session_id": "s2", "page_views": 0, "is_bounce": True, "is_bot": True},
    ],
    "fct_page_views": [{"viewed_ms": 5000}, {"viewed_ms": None}],
    "fct_payments": [
        {"kind": "payment", "person_id": "ann", "reporting_amount_minor": 500},
        {"kind": "payment", "person_id": "ann", "reporting_amount_minor": None},
        {"kind": "refund", "person_id": "ben", "reporting_amount_minor": -200},
    ],
    "fct_game_sessions": [
        {"game_session_id": "g1", "person_id": "ann", "duration_ms": 3600000},
        {"game_session_id": "g1", "person_id": "ben", "duration_ms": 7200000},
    ],
    "fct_feature_adoption": [{"people": 1, "adopters": 1, "active_people": 4}],
}
FIGURES = {
    "active_people": 1,
    "new_people": 2,
    "sessions": 2,
    "session_ms": 120000,
    "session_minutes": 1,
    "pages_of_sessions": 3,
    "pages_per_session": 1.5,
    "sessions_with_payment": 1,
    "session_conversion_rate": 0.5,
    "human_sessions": 1,
    "bounces": 1,
    "bounce_rate": 0.5,
    "page_views": 2,
    "page_view_ms": 5000,
    "payments": 2,
    "refunds": 1,
    "revenue_minor": 300,
    "refunded_minor": 200,
    "payers": 1,
    "revenue_per_active_person": 300,
    "revenue_per_payer": 300,
    "game_sessions": 1,
    "players": 2,
    "game_ms": 10800000,
    "hours_played": 3,
    "feature_adopters": 1,
    "feature_people": 1,
    "feature_active_people": 4,
    "adoption_rate": 0.25,
}


def contracts() -> dict[str, dict[str, str]]:
    return {
        model["name"]: {one["name"]: one["data_type"] for one in model["columns"]}
        for path in (REPOSITORY / "dbt_project/models/marts").rglob("*__models.yml")
        for model in yaml.safe_load(path.read_text())["models"]
        if model["name"] in ROWS
    }


@pytest.fixture
def marts(warehouse_client: "Client") -> Iterator[str]:
    database = "metrics_of_contracts"
    warehouse_client.command(f"create database {database}")
    for mart, types in contracts().items():
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        warehouse_client.command(
            f"create table {database}.{mart} ({columns}) engine = Memory"
        )
        for row in ROWS[mart]:
            warehouse_client.insert(
                f"{database}.{mart}", [list(row.values())], column_names=list(row)
            )
    yield database
    warehouse_client.command(f"drop database {database}")


def test_every_metric_answers_as_its_words_say(
    warehouse_client: "Client", marts: str
) -> None:
    simple = ", ".join(
        f"(select {statement(DESCRIBED, name)} from"
        f" {mart_of(DESCRIBED, name)[0].replace('marts.', f'{marts}.')}) as {name}"
        for name in SIMPLE
    )
    computed = ", ".join(f"{statement(DESCRIBED, name)} as {name}" for name in COMPUTED)

    found = warehouse_client.query(f"select *, {computed} from (select {simple})")

    assert dict(zip(found.column_names, found.first_row, strict=True)) == FIGURES
