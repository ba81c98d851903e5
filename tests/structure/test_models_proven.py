"""Every model has a test of its grain, and unit tests or a reason for having none."""

import re
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
FILES = [yaml.safe_load(p.read_text()) for p in PROJECT.rglob("models/**/*.yml")]
MODELS = {model["name"]: model for file in FILES for model in file.get("models", [])}
SEED_FILES = [yaml.safe_load(p.read_text()) for p in PROJECT.glob("seeds/*.yml")]
SEEDS = {seed["name"]: seed for file in SEED_FILES for seed in file["seeds"]}
MODELS_AND_SEEDS = MODELS | SEEDS
UNIT_TESTS = [one for file in FILES for one in file.get("unit_tests", [])]
MOST_ROWS = 5

INCREMENTS = "what a run follows: tests/spec/test_increments.py compares with a rebuild"
WITHOUT_UNIT_TEST = {
    "stg_build": INCREMENTS,
    "stg_changes": INCREMENTS,
    "stg_loads": INCREMENTS,
    "stg_loads_new": INCREMENTS,
    "stg_repeated_ids": INCREMENTS,
    "int_build": INCREMENTS,
    "int_changes_followed": INCREMENTS,
    "int_changes_new": INCREMENTS,
    "int_identity_followed": INCREMENTS,
    "int_events_touched": INCREMENTS,
    "int_touched_ids": INCREMENTS,
    "int_touched_people": INCREMENTS,
    "int_calendar_days": "it reads nothing and decides nothing",
    "int_events_sessionized": "it copies int_events_placed, less what events carry",
}
"""Unit tests give a model a whole build: what differs in an increment is not there."""

ASKED_IN = "others ask whether something is in it: a row twice would change nothing"
WITHOUT_GRAIN_TEST = {
    "int_extent": "one sum of all events",
    "stg_build": "a select without a table: one row",
    "int_build": "a select without a table: one row",
    "int_as_of_days": "not a table: one row of int_extent, and each step back from it",
    "int_calendar_days": "numbers, one after the other",
    "stg_event_copies": "a row as often as a copy came; no column tells two apart",
    "stg_page_views": "a view: some rows of stg_events, which is tested",
    "int_events_identified": "a view: fct_events, made from it, is tested for the same",
    "int_events_touched": "some rows of that view",
    "int_session_paths": "one group a session; fct_paths, a sum of it, is tested",
    "int_events_placed": "a view: fct_events, copied from it, is tested for the same",
    "int_events_sessionized": "copied from the view that fct_events is copied from",
    "int_sessions_summed": "one group a session; fct_sessions, made of it, is tested",
    "int_sessions_judged": "a view: fct_sessions, copied from it, is tested for it",
    "stg_loads_new": ASKED_IN,
    "stg_repeated_ids": ASKED_IN,
    "stg_expired_copies": ASKED_IN,
    "stg_doubted_copies": "a row as often as a copy came, as stg_event_copies",
    "stg_first_copies": "a view: stg_events, made of it, is tested for the same",
    "stg_device_delays": "a view: stg_device_clocks is tested for what is made of it",
    "int_touched_ids": ASKED_IN,
    "int_touched_people": ASKED_IN,
}


def grain_tests(model: dict[str, Any]) -> list[str]:
    by_rows = [name for one in model.get("data_tests", []) for name in one]
    by_column = [
        name
        for column in model["columns"]
        for one in column.get("data_tests", [])
        for name in ([one] if isinstance(one, str) else one)
    ]
    return [n for n in by_rows + by_column if n in {"unique", "unique_together"}]


def test_every_model_has_a_unit_test_or_a_reason_for_none() -> None:
    proven = {one["model"] for one in UNIT_TESTS}

    assert proven
    assert proven & WITHOUT_UNIT_TEST.keys() == set()
    assert proven | WITHOUT_UNIT_TEST.keys() == MODELS.keys()


def test_every_model_is_tested_for_its_grain_or_says_why_not() -> None:
    tested = {name for name, model in MODELS.items() if grain_tests(model)}

    assert tested & WITHOUT_GRAIN_TEST.keys() == set()
    assert tested | WITHOUT_GRAIN_TEST.keys() == MODELS.keys()


def test_a_unit_test_can_be_read_at_a_glance() -> None:
    longest = {
        one["name"]: max(
            # a table written in SQL is short by other means
            (len(part["rows"]) for part in one["given"] if "format" not in part),
            default=0,
        )
        for one in UNIT_TESTS
    }

    assert {name for name, rows in longest.items() if rows > MOST_ROWS} == set()


def test_no_two_unit_tests_share_a_name() -> None:
    names = [one["name"] for one in UNIT_TESTS]

    assert sorted(names) == sorted(set(names))


def test_whatever_is_tested_is_made_before_its_layer_asks_the_tests() -> None:
    for last, folders in {
        "stg_build": {"staging", "seeds"},
        "int_build": {"intermediate", "product", "marts"},
    }.items():
        of_layer = {
            path.stem: path.read_text() if path.suffix == ".sql" else ""
            for path in PROJECT.rglob("*")
            if path.parent.name in folders and path.suffix in {".sql", ".csv"}
        }
        tested = {name for name in of_layer if has_data_tests(MODELS_AND_SEEDS[name])}

        assert tested
        assert tested <= made_before(last, of_layer)
        assert not [name for name in tested if "ephemeral" in of_layer[name]]


def has_data_tests(node: dict[str, Any]) -> bool:
    return any("data_tests" in part for part in [node, *node["columns"]])


def made_before(model: str, of_layer: dict[str, str]) -> set[str]:
    """What a model is made from, near and far, with the SQL of each by its name."""
    found: set[str] = set()
    waiting = {model}
    while waiting:
        refs = set(re.findall(r"ref\('(\w+)'\)", of_layer[waiting.pop()]))
        waiting |= refs & of_layer.keys() - found
        found |= refs
    return found
