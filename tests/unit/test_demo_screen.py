"""The demo's screen holds what the warehouse counts against the truth."""

from typing import Any

from rich.console import Console
from rich.table import Table

from questlog.demo.screen import _campaigns, _concerns, _warehouse

EUROS = {"currency": "EUR", "payments": 3, "payers": 2, "refunds": 1}
EUROS |= {"revenue_minor": 1234567, "minor_digits": 2}
YEN = {"currency": "JPY", "payments": 1, "payers": 1, "refunds": 0}
YEN |= {"revenue_minor": 500, "minor_digits": 0}
ALONE = EUROS | {"not_counted": 0}
TRUTH: dict[str, Any] = {"payments": 3, "refunds": 1, "revenue_minor": 1234567}
TRUTH |= {"money_by_currency": {"EUR": {"revenue_minor": 1234567}}}


def shown(
    money: list[dict[str, Any]], reported: dict[str, Any], truth: dict[str, Any]
) -> str:
    console = Console(width=80)
    counted = {"people": 5, "sessions": 9, "money": money, "reported": reported}
    with console.capture() as captured:
        console.print(_warehouse(counted, truth))
    return captured.get()


def test_one_currency_is_held_against_the_truth() -> None:
    text = shown([EUROS], ALONE, TRUTH)

    assert "12,345.67 = truth" in text
    assert "all, in" not in text


def test_an_untrue_sum_is_said_so() -> None:
    untrue = {"money_by_currency": {"EUR": {"revenue_minor": 1}}}

    assert "not the truth" in shown([EUROS], ALONE, TRUTH | untrue)


def test_the_sum_of_several_currencies_is_held_against_the_truth() -> None:
    every = ALONE | {"payments": 4, "revenue_minor": 1234880}

    true = shown([EUROS, YEN], every, TRUTH | {"revenue_minor": 1234880})
    untrue = shown([EUROS, YEN], every, TRUTH)

    assert "12,348.80 = truth" in true
    assert "12,348.80 not the truth" in untrue


def test_several_currencies_stand_apart_and_are_summed_in_one() -> None:
    every = ALONE | {"payments": 4, "revenue_minor": 1234880, "not_counted": 2}

    text = shown([EUROS, YEN], every, {})

    rows = [line.split() for line in text.splitlines()]
    assert ["revenue,", "EUR", "12,345.67"] in rows
    assert ["revenue,", "JPY", "500"] in rows
    assert ["all,", "in", "EUR", "12,348.80"] in rows
    assert ["no", "amount", "or", "rate", "2"] in rows


def test_without_payments_nothing_is_said_of_money() -> None:
    assert "revenue" not in shown([], ALONE | {"payments": 0}, {})


def printed(table: Table) -> str:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


FOUND = {
    "people_on_several_devices": 7,
    "clocks_corrected": 6,
    "events_of_crawlers": 50,
}


def test_devices_clocks_crawlers_and_withdrawals_are_held_against_the_truth() -> None:
    truth = {
        "devices": {"people_on_several_devices": 7},
        "clocks": {"corrected": 6},
        "bots": {"events_by_agent": 51},
        "consents": {"advertising": {"withdrawn": 3}},
    }

    text = printed(_concerns(FOUND, {"advertising": 3}, truth))

    assert text.count("= truth") == 3
    assert "50 truth 51" in text


def test_a_campaign_without_a_truth_is_shown_as_it_is() -> None:
    rows = [{"campaign": "spring", "sessions": 4}, {"campaign": "none", "sessions": 2}]

    held = printed(_campaigns(rows, {"campaigns": {"sessions": {"spring": 4}}}))

    assert "spring  4 = truth" in held
    assert "truth" not in printed(_campaigns(rows, {}))
    assert "truth" not in printed(_concerns(FOUND, {"advertising": 3}, {}))
