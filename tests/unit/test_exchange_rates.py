"""`questlog rates import`: the bank's history becomes the seed, or says why not."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from questlog.__main__ import app
from warehouse.errors import BadInput
from warehouse.exchange_rates import SEED, Rate, chosen, read_history, write_seed

# as the bank writes it: newest first, N/A for none, a comma at each line's end
HISTORY = """Date,USD,JPY,CYP,
2026-03-03,1.0842,160.15,N/A,
2026-03-02,1.1,N/A,,
2007-12-31,1.4721,164.93,0.585274,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "eurofxref-hist.csv"
    path.write_text(HISTORY)
    return path


def imported(file: Path, *words: str) -> tuple[str, str]:
    """What the command says, and the seed it writes."""
    seed = file.with_name("seed.csv")
    given = ["rates", "import", str(file), "--to", str(seed), *words]
    said = CliRunner().invoke(app, given, catch_exceptions=False).output
    return said, seed.read_text()


def test_a_row_a_day_becomes_a_row_a_rate_with_the_digits_as_written(
    file: Path,
) -> None:
    said, seed = imported(file)

    assert "6 rates of 3 currencies, 2007-12-31 to 2026-03-03" in said
    assert seed == (
        "rate_on,currency,units_per_eur\n"
        "2007-12-31,CYP,0.585274\n"
        "2007-12-31,JPY,164.93\n"
        "2007-12-31,USD,1.4721\n"
        "2026-03-02,USD,1.1\n"
        "2026-03-03,JPY,160.15\n"
        "2026-03-03,USD,1.0842\n"
    )


def test_the_same_file_again_writes_the_same_seed(file: Path) -> None:
    _, first = imported(file)
    _, second = imported(file)

    assert first == second
    assert sorted(path.name for path in file.parent.iterdir()) == [
        "eurofxref-hist.csv",
        "seed.csv",
    ]


def test_only_some_currencies_are_kept(file: Path) -> None:
    _, seed = imported(file, "--only", "usd, CYP", "--since", "2007-01-01")

    assert {line.split(",")[1] for line in seed.splitlines()[1:]} == {"USD", "CYP"}


def test_the_rate_that_holds_on_the_first_day_is_kept(file: Path) -> None:
    _, seed = imported(file, "--since", "2026-03-02")

    assert "2026-03-02,USD" in seed
    assert "2007-12-31,USD" not in seed
    assert "2007-12-31,JPY" in seed


def test_a_currency_without_rates_is_named(file: Path) -> None:
    with pytest.raises(BadInput, match="no rates of GBP, XAU"):
        chosen(read_history(file), since=None, only={"USD", "XAU", "GBP"})


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "no history of the European Central Bank"),
        ("Datum,USD\n2026-03-02,1.1\n", "no history of the European Central Bank"),
        ("Date,\n", "no history of the European Central Bank"),
        ("Date,usd\n2026-03-02,1.1\n", "line 1: 'usd' is no currency"),
        ("Date,EUR\n2026-03-02,1\n", "line 1: 'EUR' is no currency that has a rate"),
        ("Date,USD,USD\n2026-03-02,1.1,1.1\n", "USD has two columns"),
        ("Date,USD\n02.03.2026,1.1\n", "line 2: '02.03.2026' is no date"),
        ("Date,USD\n\n2026-03-02,free\n", "line 3, USD: 'free' is no rate"),
        ("Date,USD\n2026-03-02,0\n", "line 2, USD: '0' is no rate"),
        ("Date,USD\n2026-03-02,-1.1\n", "'-1.1' is no rate"),
        ("Date,USD\n2026-03-02,NaN\n", "'NaN' is no rate"),
        ("Date,USD\n2026-03-02,1e12\n", "'1e12' is no rate"),
        ("Date,USD\n2026-03-02,1.0000000000001\n", "more than 12 decimals"),
        ("Date,USD,JPY\n2026-03-02,1.1\n", "line 2: 1 rates for 2 currencies"),
        ("Date,USD\n2026-03-02,1.1,\n2026-03-02,1.2,\n", "2026-03-02 stands there"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_line(
    file: Path, written: str, told: str
) -> None:
    file.write_text(written)

    with pytest.raises(BadInput, match=told.replace(".", r"\.")):
        read_history(file)


def test_a_zip_file_is_to_be_unpacked(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04\xff\xfe")

    with pytest.raises(BadInput, match="unpack it"):
        read_history(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no file .*absent\.csv"):
        read_history(tmp_path / "absent.csv")


def test_a_history_without_rates_replaces_nothing(file: Path) -> None:
    file.write_text("Date,USD\n2026-03-02,N/A\n")

    with pytest.raises(BadInput, match="No rates are left"):
        chosen(read_history(file), since=None, only=())


def test_large_and_small_rates_are_written_without_an_exponent(tmp_path: Path) -> None:
    seed = tmp_path / "seed.csv"

    write_seed([Rate(date(2026, 3, 2), "XTS", Decimal("1E-7"))], seed)

    assert seed.read_text().splitlines()[1] == "2026-03-02,XTS,0.0000001"


def test_the_shipped_rates_are_sound_and_of_currencies_with_known_digits() -> None:
    rows = list(csv.DictReader(SEED.read_text().splitlines()))
    digits = {
        row["currency"]
        for row in csv.DictReader(
            SEED.with_name("currency_digits.csv").read_text().splitlines()
        )
    }

    assert all(Decimal(row["units_per_eur"]) > 0 for row in rows)
    assert len({(row["rate_on"], row["currency"]) for row in rows}) == len(rows)
    assert {"USD", "GBP", "JPY"} <= {row["currency"] for row in rows} <= digits
