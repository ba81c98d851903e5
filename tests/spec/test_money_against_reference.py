"""Converted money is what plain decimals say, on many random payments and rates."""

import dataclasses
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.spec.reference import DIGITS, Rates, converted
from warehouse.clickhouse import connect, rows
from warehouse.settings import Settings
from warehouse.transformation import run_dbt

if TYPE_CHECKING:
    from subprocess import Popen

Endpoint = Callable[[Settings], AbstractContextManager["Popen[bytes]"]]
Payment = tuple[UUID, datetime, str, int | None]
BEGINS = date(2026, 1, 1)
CURRENCIES = ("EUR", "USD", "JPY", "KWD", "GBP", "GOLD", "")
AMOUNTS = (0, 1, -1, 3, 10**18 - 1, 1 - 10**18, None)
TABLES = {
    "seeds.currency_digits": "currency String, digits UInt8",
    "seeds.exchange_rates": "rate_on Date, currency String,"
    " units_per_eur Decimal(38, 12)",
    "staging.stg_payments": "event_id UUID, occurred_at DateTime64(3, 'UTC'),"
    " known_at DateTime64(3, 'UTC'), kind String, payment_id String,"
    " refund_id String, product String, plan String, currency String,"
    " amount_minor Nullable(Int64)",
}


@pytest.fixture
def engine(
    new_settings: Callable[[], Settings], run_endpoint: Endpoint
) -> Iterator[Settings]:
    """An engine of our own, with tables where dbt would put them."""
    own = dataclasses.replace(new_settings(), reporting_currency="JPY")
    with run_endpoint(own):
        with connect(own) as client:
            for table, columns in TABLES.items():
                database = table.partition(".")[0]
                client.command(f"create database if not exists {database}")
                client.command(
                    f"create table {table} ({columns})"
                    " engine = MergeTree order by tuple()"
                )
        yield own


def some_rates(chance: random.Random) -> Rates:
    """Rates with gaps, of currencies that begin at different days."""
    rates: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for place, currency in enumerate(("USD", "JPY", "KWD", "GOLD")):
        for number in range(5 + place, 60):
            if chance.random() < 0.4:
                digits = chance.choice((1, 10**4, 10**9, 10**12))
                units = chance.choice((2, Decimal(chance.randint(1, 200 * digits))))
                rates[currency][BEGINS + timedelta(days=number)] = (
                    Decimal(units) / digits
                )
    return rates


def some_payments(chance: random.Random, *, count: int) -> list[Payment]:
    moments = (
        datetime.combine(BEGINS, time(), UTC)
        + timedelta(days=chance.randrange(70))
        + chance.choice((timedelta(0), timedelta(hours=24, milliseconds=-1)))
        for _ in range(count)
    )
    return [
        (
            UUID(int=chance.getrandbits(128), version=4),
            moment,
            chance.choice(CURRENCIES),
            chance.choice((chance.choice(AMOUNTS), chance.randint(-(10**6), 10**6))),
        )
        for moment in moments
    ]


def test_money_is_converted_as_plain_decimals_say(engine: Settings) -> None:
    chance = random.Random(20)  # noqa: S311  payments, no secret
    rates, payments = some_rates(chance), some_payments(chance, count=5000)
    with connect(engine) as client:
        client.insert("seeds.currency_digits", list(DIGITS.items()))
        client.insert(
            "seeds.exchange_rates",
            [
                (day, currency, units)
                for currency, days in rates.items()
                for day, units in days.items()
            ],
        )
        client.insert(
            "staging.stg_payments",
            payments,
            column_names=["event_id", "occurred_at", "currency", "amount_minor"],
        )

        run_dbt(
            engine,
            ["run", "--quiet", "--select", "stg_exchange_rates int_payments_converted"],
            variables={"as_of": ""},
        )

        found = {
            row["event_id"]: row["reporting_amount_minor"]
            for row in rows(
                client,
                "select event_id, reporting_amount_minor"
                " from intermediate.int_payments_converted",
            )
        }
    expected = {
        event_id: converted(amount, currency, "JPY", on=moment.date(), rates=rates)
        for event_id, moment, currency, amount in payments
    }
    assert found == expected
    assert len(set(expected.values())) > 500
