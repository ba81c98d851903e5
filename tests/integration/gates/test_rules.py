"""Each rule of the gates, asked of rows: a sound one breaks none, a fault its own."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from expectations.gates import GATES, inspect
from expectations.taxonomy import event_rules
from tests.integration.gates.faults import (
    FAULTS,
    OF_FEATURES,
    SHOWN_BELOW,
    Fault,
    broken,
    gates_of,
)
from tests.integration.gates.warehouse import (
    CHURN,
    DAY,
    EARLY,
    EVENT,
    FEATURES,
    IDENTIFIED,
    MANY,
    MEMBERS,
    NEWCOMERS,
    OUTCOMES,
    PAID,
    PAYMENTS,
    PEOPLE,
    RFM,
    SHOWN_FEATURES,
    STAGED,
    TAGGED,
    VALUES,
    insert,
)
from warehouse.clickhouse import rows
from warehouse.settings import Settings
from warehouse.taxonomy import load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Great Expectations reads a module that Python 3.11 calls old
pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_:DeprecationWarning")


@pytest.mark.parametrize("gate", list(GATES))
def test_sound_rows_break_nothing(sound: "Client", gate: str) -> None:
    assert broken(sound, gate) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.rule)
def test_a_fault_breaks_its_rule(sound: "Client", fault: Fault) -> None:
    insert(sound, fault.table, *fault.rows)

    (gate,) = gates_of(fault)
    assert fault.rule in broken(sound, gate, only=fault.rule)


@pytest.mark.parametrize("gate", list(GATES))
def test_a_finding_in_history_breaks_the_rule_of_its_gate_and_day(
    sound: "Client", gate: str
) -> None:
    (suite,) = (one for one in GATES[gate](DAY) if one.name == "ops.anomalies")
    for rule in suite.rules:
        judge, day = rule.name.rpartition("_")[2], "2026-02-28"
        finding = {"gate": gate, "judge": judge, "severity": rule.severity, "day": day}
        insert(sound, "ops.anomalies", finding | {"as_of": day})
        assert broken(sound, gate, only=rule.name) == set()

        insert(sound, "ops.anomalies", finding | {"as_of": str(DAY)})

        assert broken(sound, gate, only=rule.name) == {rule.name}


def test_every_rule_is_shown_a_fault_somewhere() -> None:
    elsewhere = {
        # a rule of one table that a row of another breaks
        (FEATURES, "everybody_has_an_outcome"): (OUTCOMES, "everybody_has_an_outcome"),
        (PAYMENTS, "whoever_paid_before_the_day_is_scored"): (
            RFM,
            "whoever_paid_before_the_day_is_scored",
        ),
        **{
            (IDENTIFIED, rule): (PEOPLE, rule)
            for rule in (
                f"{purpose}_consent_is_the_last_decision"
                for purpose in ("analytics", "personalisation", "advertising")
            )
        },
        (IDENTIFIED, OF_FEATURES[0]): (FEATURES, OF_FEATURES[0]),
        (STAGED, OF_FEATURES[1]): (FEATURES, OF_FEATURES[1]),
        (SHOWN_FEATURES, "everybody_active_is_scored"): (
            CHURN,
            "everybody_active_is_scored",
        ),
        (NEWCOMERS, "every_newcomer_of_the_week_is_scored"): (
            EARLY,
            "every_newcomer_of_the_week_is_scored",
        ),
    }
    named = {(fault.table, fault.rule) for fault in FAULTS}
    shown = {elsewhere.get(pair, pair) for pair in named} | SHOWN_BELOW
    rules = {
        (suite.name, rule.name)
        for suites in GATES.values()
        for suite in suites(DAY)
        if suite.name != "ops.anomalies"
        for rule in suite.rules
    }

    assert shown == rules


def test_a_value_that_is_no_number_is_no_order(sound: "Client") -> None:
    sound.command(
        f"insert into {MEMBERS} (as_of, audience, value) values"
        " ('2026-03-01', 'high_value', nan)"
    )

    assert "value_is_a_number" in broken(sound, "audiences")


@pytest.mark.parametrize(
    ("table", "gate", "score", "feature", "rule"),
    [
        (
            *(CHURN, "churn", "churn_probability", "days_since_last_active"),
            "the_silent_are_likelier_to_leave",
        ),
        (
            *(VALUES, "lifetime_value", "expected_value_minor", "revenue_minor_total"),
            "who_paid_more_is_worth_more",
        ),
    ],
)
def test_scores_beside_the_wrong_people_are_seen(  # noqa: PLR0913, PLR0917
    sound: "Client", table: str, gate: str, score: str, feature: str, rule: str
) -> None:
    def scored(rising: int) -> set[str]:
        for name in (table, SHOWN_FEATURES):
            sound.command(f"truncate table {name}")
        people = list(enumerate(row["person_id"] for row in MANY))
        insert(
            sound,
            SHOWN_FEATURES,
            *({"person_id": person, feature: place} for place, person in people),
        )
        insert(
            sound,
            table,
            *(
                {"person_id": person, score: (rising * place) % 60 / 60}
                for place, person in people
            ),
        )
        return broken(sound, gate, only=rule)

    assert scored(rising=1) == set()
    assert scored(rising=-1) == {rule}


@pytest.mark.parametrize(
    ("table", "gate"),
    [(CHURN, "churn"), (EARLY, "early_churn"), (VALUES, "lifetime_value")],
)
def test_a_chosen_model_without_scores_stops(
    sound: "Client", table: str, gate: str
) -> None:
    sound.command(f"truncate table {table}")

    assert "a_chosen_model_has_scored" in broken(sound, gate)


def test_money_without_a_rate_is_counted_by_currency(sound: "Client") -> None:
    unrated = {"reporting_amount_minor": None}
    insert(
        sound,
        PAYMENTS,
        *({"currency": "USD"} | unrated, {"currency": "USD"} | unrated),
        *({"currency": "ann@example.org"} | unrated, {"amount_minor": None} | unrated),
    )
    (rule,) = [
        rule
        for suite in GATES["marts"](DAY)
        for rule in suite.rules
        if rule.name == "money_has_a_rate"
    ]

    found = rows(sound, rule.query.format(batch=f"(select * from {PAYMENTS}) as s"))

    assert sorted(row["sample_key"] for row in found) == [
        "1 in no currency",
        "2 in USD",
    ]


def test_an_unplanned_event_that_was_tagged_is_no_fault(sound: "Client") -> None:
    insert(sound, STAGED, {"event_name": "cat_petted", "tags": TAGGED})

    assert broken(sound, "staging") == set()


@pytest.mark.parametrize("moment", ["1970-01-01 00:00:00", "1950-01-01 00:00:00"])
def test_history_from_before_1971_is_no_fault(sound: "Client", moment: str) -> None:
    insert(sound, STAGED, {"known_at": moment, "imported": True})

    assert "known_at_is_present" not in broken(sound, "staging")


def test_features_of_a_day_before_anybody_was_known_may_be_missing(
    sound: "Client",
) -> None:
    for table in (FEATURES, OUTCOMES, STAGED):
        sound.command(f"truncate table {table}")
    insert(sound, STAGED, {"user_id": "", "anonymous_id": "device"})
    insert(sound, STAGED, {"known_at": "2026-03-01 00:00:00"})

    assert broken(sound, "features") == set()


def test_a_rule_that_cannot_be_judged_is_told_under_its_own_name(
    sound: "Client", settings: Settings
) -> None:
    sound.command(f"alter table {PAID} rename column amount_minor to amount")
    insert(sound, PAID, {"event_id": EVENT}, {"event_id": EVENT})
    try:
        report = inspect("staging", DAY, settings)
    finally:
        sound.command(f"alter table {PAID} rename column amount to amount_minor")

    assert {
        result.expectation: (result.unexpected_rows, bool(result.trouble))
        for result in report.results
        if result.suite == PAID
    } == {
        "one_row_per_event_id": (1, False),
        "amount_can_be_read": (0, True),
        "payments_are_not_negative": (0, True),
    }


def test_an_event_that_breaks_the_taxonomy_untagged_breaks_its_own_rule(
    sound: "Client",
) -> None:
    events = [one for one in load().events.values() if one.properties]
    wrong = [
        {"event_name": one.name, "properties": {next(iter(one.properties)): {}}}
        for one in events
    ]
    as_rows = [row | {"properties": json.dumps(row["properties"])} for row in wrong]
    insert(sound, STAGED, *(row | {"tags": ["type_mismatch"]} for row in as_rows))
    assert broken(sound, "staging") == set()

    insert(sound, STAGED, *as_rows)

    assert broken(sound, "staging") == {rule.name for rule in event_rules()}


@pytest.mark.parametrize(
    ("properties", "is_broken"),
    [
        ({"dice": "1d20", "result": 17}, False),
        ({"dice": "1d20", "result": 17.0}, False),
        ({"dice": "1d20", "result": None}, True),
        ({"dice": "1d20"}, True),
        ({"dice": 20, "result": 17}, True),
        ({"dice": "1d20", "result": 17, "game_session_id": None}, False),
    ],
)
def test_an_event_keeps_types_and_required_properties(
    sound: "Client", properties: dict[str, Any], *, is_broken: bool
) -> None:
    row = {"event_name": "rolled", "properties": json.dumps(properties)}

    insert(sound, STAGED, row)

    assert ("rolled_keeps_the_taxonomy" in broken(sound, "staging")) is is_broken


@pytest.mark.parametrize(
    ("satisfaction", "topic", "is_broken"),
    [(1, "game", False), (5, None, False), (6, "game", True), (1, "cats", True)],
)
def test_an_event_keeps_limits_and_enums(
    sound: "Client", satisfaction: int, topic: str | None, *, is_broken: bool
) -> None:
    closed = {"ticket_id": "t", "satisfaction": satisfaction}
    opened = {"ticket_id": "t", "topic": topic}
    names = ("support_ticket_closed", "support_ticket_opened")

    for name, properties in zip(names, (closed, opened), strict=True):
        row = {"event_name": name, "properties": json.dumps(properties)}
        insert(sound, STAGED, row)

    rules = {f"{name}_keeps_the_taxonomy" for name in names}
    assert bool(rules & broken(sound, "staging")) is is_broken


def test_an_event_exactly_a_day_ahead_of_its_receipt_is_no_fault(
    sound: "Client",
) -> None:
    insert(sound, STAGED, {"occurred_at": "2026-02-02 10:00:00"})

    assert broken(sound, "staging") == set()
