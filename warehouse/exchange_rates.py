"""Exchange rates of the European Central Bank, made the seed that money is counted by.

The bank's history (eurofxref-hist.csv) has a row a day and a column a currency:
`Date,USD,JPY,…`, in units per euro, `N/A` where there is none. The seed has a row for
each day and currency. Rates stay the decimals they are written as.
"""

import csv
import os
import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

from warehouse.errors import BadInput
from warehouse.transformation import PROJECT

SEED = PROJECT / "seeds" / "exchange_rates.csv"
DECIMALS = 12
"""Digits after the point that the warehouse keeps of a rate."""

_LARGEST = Decimal(10) ** 12
_NONE = {"", "N/A"}


@dataclass(frozen=True, slots=True, order=True)
class Rate:
    """What one euro was worth on a day, in units of a currency."""

    rate_on: date
    currency: str
    units_per_eur: Decimal


def read_history(file: Path) -> Sequence[Rate]:
    """Read the bank's history, in the order of days and currencies.

    Raises BadInput that names the line when anything cannot be read: half a history
    would count money by rates that are too old.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {file}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{file} is no text. The bank's download is a zip file: unpack it, and"
            " give the eurofxref-hist.csv in it."
        ) from error
    rows = csv.reader(lines)
    currencies = _currencies(file, next(rows, []))
    rates = sorted(
        rate
        for number, row in enumerate(rows, start=2)
        if row
        for rate in _rates(f"{file}, line {number}", row, currencies)
    )
    _refuse_twice(file, rates)
    return rates


def chosen(
    rates: Sequence[Rate], *, since: date | None, only: Collection[str]
) -> Sequence[Rate]:
    """The rates needed from a day on, of all currencies or `only` of some.

    Of each currency the last rate before `since` is kept too: it still holds then.
    Raises BadInput when a currency has no rates, or nothing is left.
    """
    unknown = set(only) - {rate.currency for rate in rates}
    if unknown:
        raise BadInput(
            f"The file has no rates of {', '.join(sorted(unknown))};"
            " name currencies it has a column for."
        )
    wanted = [rate for rate in rates if not only or rate.currency in only]
    if since is not None:
        # in the order of days: the last one stays
        held = {one.currency: one.rate_on for one in wanted if one.rate_on <= since}
        wanted = [
            rate
            for rate in wanted
            if rate.rate_on >= held.get(rate.currency, rate.rate_on)
        ]
    if not wanted:
        raise BadInput("No rates are left to write; is the file empty?")
    return wanted


def write_seed(rates: Sequence[Rate], to: Path) -> None:
    """Replace the seed by these rates, in one step."""
    lines = ["rate_on,currency,units_per_eur"]
    lines += [
        f"{rate.rate_on},{rate.currency},{rate.units_per_eur:f}" for rate in rates
    ]
    aside = to.with_name(f".{to.name}.{secrets.token_hex(8)}")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(to)
    finally:
        aside.unlink(missing_ok=True)


def _currencies(file: Path, header: Sequence[str]) -> Sequence[str]:
    names = [name.strip() for name in header]
    # the bank ends each line with a comma
    codes = names[1:-1] if names and not names[-1] else names[1:]
    if not codes or names[0] != "Date":
        raise BadInput(
            f"{file} is no history of the European Central Bank: its first line must"
            " read like Date,USD,JPY,… (eurofxref-hist.csv)."
        )
    for code in codes:
        if not re.fullmatch("[A-Z]{3}", code) or code == "EUR":
            raise BadInput(
                f"{file}, line 1: {code!r} is no currency that has a rate to the euro."
            )
        if codes.count(code) > 1:
            raise BadInput(f"{file}, line 1: {code} has two columns; keep one.")
    return codes


def _rates(at: str, row: Sequence[str], currencies: Sequence[str]) -> Iterator[Rate]:
    written = [cell.strip() for cell in row]
    cells = written[1:-1] if len(written) == len(currencies) + 2 else written[1:]
    if len(cells) != len(currencies):
        raise BadInput(
            f"{at}: {len(cells)} rates for {len(currencies)} currencies; is the file"
            " cut off? Download it anew."
        )
    try:
        rate_on = date.fromisoformat(written[0])
    except ValueError as error:
        raise BadInput(
            f"{at}: {written[0]!r} is no date; the bank writes 2026-03-02."
        ) from error
    for currency, cell in zip(currencies, cells, strict=True):
        if cell not in _NONE:
            yield Rate(rate_on, currency, _units(f"{at}, {currency}", cell))


def _units(at: str, cell: str) -> Decimal:
    try:
        units = Decimal(cell)
    except InvalidOperation:
        units = Decimal("NaN")
    if not units.is_finite() or not 0 < units < _LARGEST:
        raise BadInput(
            f"{at}: {cell!r} is no rate; write units per euro, like 1.0842, or N/A."
        )
    if round(units, DECIMALS) != units:
        raise BadInput(f"{at}: {cell} has more than {DECIMALS} decimals; round it.")
    return units


def _refuse_twice(file: Path, rates: Sequence[Rate]) -> None:
    for one, other in pairwise(rates):
        if (one.rate_on, one.currency) == (other.rate_on, other.currency):
            raise BadInput(
                f"{file}: {one.rate_on} stands there twice; keep one line a day."
            )
