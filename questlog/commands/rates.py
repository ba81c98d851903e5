"""Commands of exchange rates: what money in other currencies is counted by."""

from pathlib import Path
from typing import Annotated

import typer

from questlog import doors
from warehouse import exchange_rates

rates = typer.Typer(
    help="Exchange rates: what other currencies are counted by.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(rates, name="rates")


@rates.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="The bank's eurofxref-hist.csv, unpacked.")
    ],
    since: Annotated[
        str, typer.Option(help="The first day that has payments, like 2024-01-01.")
    ] = "",
    only: Annotated[
        str, typer.Option(help="Currencies to keep, like USD,GBP. Empty: all.")
    ] = "",
    to: Annotated[
        Path, typer.Option(help="The seed to replace.")
    ] = exchange_rates.SEED,
) -> None:
    """Replace the exchange rates by the history of the European Central Bank.

    The next build counts by them: see docs/money.md.

    Example: questlog rates import eurofxref-hist.csv --since 2024-01-01 --only USD,GBP
    """
    kept = exchange_rates.chosen(
        exchange_rates.read_history(file),
        since=doors.day(since) if since else None,
        only={code for code in only.upper().replace(" ", "").split(",") if code},
    )
    exchange_rates.write_seed(kept, to)
    currencies = {rate.currency for rate in kept}
    typer.echo(
        f"{len(kept):,} rates of {len(currencies)} currencies, {kept[0].rate_on} to"
        f" {kept[-1].rate_on}, in {to}. `questlog build staging` takes them up."
    )
