"""Money of one currency told in another, by exact fractions and one rounding."""

import csv
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

from warehouse.transformation import PROJECT

SEEDS = PROJECT / "seeds"
EURO = "EUR"
_HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one euro was worth, in units of each currency, from each of its days on.

    `digits` says how many decimals the smallest unit of a currency has.
    """

    days: Mapping[str, Sequence[date]]
    units: Mapping[str, Sequence[Fraction]]
    digits: Mapping[str, int]

    def told_in(self, currency: str, amount: int, of: str, on: date) -> int | None:
        """Minor units `of` one currency in minor units of another, rounded half away.

        By the latest rates on or before a UTC day; None where there is none.
        """
        if of == currency:
            return amount
        paid, told = self._minor_per_euro(of, on), self._minor_per_euro(currency, on)
        if not paid or not told:
            return None
        whole = int(abs(amount) * told / paid + _HALF)
        return whole if amount >= 0 else -whole

    def _minor_per_euro(self, currency: str, on: date) -> Fraction | None:
        scale = 10 ** self.digits.get(currency, 0)
        if currency == EURO:
            return Fraction(scale)
        place = bisect_right(self.days.get(currency, ()), on)
        known = place and currency in self.digits
        return self.units[currency][place - 1] * scale if known else None


def read_rates(folder: Path = SEEDS) -> Rates:
    """Read the rates and digits that the warehouse has as its seeds, dated in order."""
    with (folder / "exchange_rates.csv").open() as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["rate_on"])
    days: dict[str, list[date]] = defaultdict(list)
    units: dict[str, list[Fraction]] = defaultdict(list)
    for row in rows:
        days[row["currency"]].append(date.fromisoformat(row["rate_on"]))
        units[row["currency"]].append(Fraction(row["units_per_eur"]))
    with (folder / "currency_digits.csv").open() as file:
        digits = {row["currency"]: int(row["digits"]) for row in csv.DictReader(file)}
    return Rates(days=days, units=units, digits=digits)
