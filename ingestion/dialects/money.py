"""Amounts as others write them, in major units, as whole minor units."""

import csv
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final

from warehouse.settings import REPOSITORY

_DIGITS: Final = REPOSITORY / "dbt_project" / "seeds" / "currency_digits.csv"
# more than any sum of money; and 1E999999 is no sum but an attack
_LARGEST: Final = Decimal(10) ** 18


@cache
def _digits() -> dict[str, int]:
    with _DIGITS.open(encoding="utf-8", newline="") as rows:
        return {row["currency"]: int(row["digits"]) for row in csv.DictReader(rows)}


def in_minor_units(amount: Any, currency: Any) -> Any:
    """An amount such as 4.99 or "4.99" in the smallest unit of its currency.

    What can't be turned without rounding stays as it is: the door objects to it.
    """
    digits = _digits().get(currency) if isinstance(currency, str) else None
    if digits is None or isinstance(amount, bool):
        return amount
    if not isinstance(amount, int | float | str):
        return amount
    try:
        read = Decimal(repr(amount) if isinstance(amount, float) else amount)
    except InvalidOperation:
        return amount
    if not read.is_finite() or read.copy_abs() > _LARGEST:
        return amount
    minor = read.scaleb(digits)
    # the second comparison finds digits that the first step itself cut off
    whole = minor == minor.to_integral_value() and minor.scaleb(-digits) == read
    return int(minor) if whole else amount
