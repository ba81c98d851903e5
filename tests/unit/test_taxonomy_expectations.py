"""The rules made from the generated data read properties and nothing else."""

import json
from pathlib import Path

from expectations.taxonomy import event_rules
from warehouse.generators.expectation_data import expectation_data
from warehouse.taxonomy import load


def rule_of(folder: Path, words: dict[str, object]) -> str:
    path = folder / "events.json"
    path.write_text(json.dumps({"events": {"rolled": words}}))
    [rule] = event_rules(path)
    return rule.query


def test_there_is_a_rule_for_each_event_with_properties() -> None:
    names = [rule.name for rule in event_rules()]

    assert names == [
        f"{one.name}_keeps_the_taxonomy"
        for one in sorted(load().events.values(), key=lambda one: one.name)
        if one.properties
    ]


def test_only_untagged_events_are_judged_and_they_warn() -> None:
    for rule in event_rules():
        assert "empty(tags)" in rule.query
        assert rule.severity == "warn"


def test_a_value_of_the_taxonomy_cannot_end_the_query_or_its_format(
    tmp_path: Path,
) -> None:
    query = rule_of(tmp_path, {"dice": {"type": "string", "enum": ["it's {x}::y\\"]}})

    assert r"'it\'s {{x}}\x3A\x3Ay\\'" in query
    assert query.format(batch="t").count("from t where") == 1


def test_direct_identifiers_are_asked_for_by_presence_alone() -> None:
    told = json.loads(expectation_data(load()))["events"]

    assert told["user_signed_up"]["email"] == {"type": "string"}
