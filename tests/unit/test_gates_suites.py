"""The suites of the gates, as data."""

from datetime import date
from string import Formatter

import pytest

from expectations.gates import GATES
from expectations.suites import Keyed, Rule, Suite, not_empty

DAY = date(2026, 3, 1)


def all_suites() -> list[Suite]:
    return [suite for suites in GATES.values() for suite in suites(DAY)]


def all_rules() -> list[Rule]:
    return [rule for suite in all_suites() for rule in suite.rules]


def test_there_is_something_to_judge_at_every_gate() -> None:
    layers = ("staging", "marts", "features")
    assert tuple(GATES) == (
        *(*layers, "churn", "early_churn", "lifetime_value", "audiences"),
    )
    assert len(all_rules()) > 30


def test_no_suite_has_two_rules_of_one_name() -> None:
    for suite in all_suites():
        names = [rule.name for rule in suite.rules]

        assert len(names) == len(set(names))


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_a_rule_reads_its_table_and_shows_keys_alone(rule: Rule) -> None:
    fields = {field for _, field, _, _ in Formatter().parse(rule.query) if field}
    selected = rule.query.removeprefix("select ").split(" from ")[0]

    assert fields == {"batch"}
    # a part is an audience, which is nobody's own
    parts = [f", toString({name}) as part" for name in ("audience", "category")]
    ends = [f"sample_key{part}" for part in (parts if rule.parted else [""])]
    assert selected.endswith(tuple(ends))
    assert "::" not in rule.query
    assert rule.meaning.endswith(".")


def test_rows_of_people_are_named_by_fingerprint() -> None:
    about_people = [
        rule
        for suite in all_suites()
        if suite.table in {"dim_people", "dim_rfm", "feat_people", "feat_outcomes"}
        for rule in suite.rules
    ]

    assert about_people
    for rule in about_people:
        shown = rule.query.split(" as sample_key")[0]

        assert "person_id" not in shown.replace("sipHash64(person_id)", "")


def test_a_rule_is_a_query_for_the_rows_that_break_it() -> None:
    rule = Keyed("id").never("a > b", name="order", meaning="Order.", columns=["a"])

    assert rule.query == "select id as sample_key from {batch} where a > b"
    assert rule.severity == "stop"


def test_a_grain_is_broken_by_keys_that_come_twice() -> None:
    rule = Keyed("id").one_row_per("day", "id", meaning="One row a day.")

    assert rule.name == "one_row_per_day_and_id"
    assert rule.query == (
        "select any(id) as sample_key from {batch} group by day, id having count() > 1"
    )


def test_rows_are_missed_only_where_they_are_due() -> None:
    rule = not_empty(
        name="some", meaning="Some.", severity="warn", when="1 = 1", among="x = 2"
    )

    assert rule.query == (
        "select 'no rows' as sample_key from (select count() as found from {batch}"
        " where x = 2) as counted where found = 0 and 1 = 1"
    )


def test_the_features_of_the_day_itself_are_due() -> None:
    suite, *_ = GATES["features"](DAY)

    assert "as_of = toDate('2026-03-01')" in suite.rules[0].query
