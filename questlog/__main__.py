"""The `questlog` command."""

import sys

import typer

from questlog.commands import (
    ads,
    asking,
    audiences,
    backtest,
    cards,
    case,
    configuration,
    gates,
    identity,
    ingestion,
    lineage,
    log,
    models,
    people,
    privacy,
    promotion,
    quality,
    rates,
    retention,
    run,
    stack,
    taxonomy,
    transformation,
    users,
    warehouse,
    watching,
    world,
)
from questlog.serving import serve
from warehouse.errors import QuestlogError

app = typer.Typer(
    name="questlog",
    help="Event analytics of your own: from an event at the door to an audience.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for room in (
    stack,
    world,
    configuration,
    taxonomy,
    warehouse,
    users,
    ingestion,
    log,
    transformation,
    run,
    identity,
    rates,
    gates,
    quality,
    models,
    people,
    privacy,
    promotion,
    cards,
    backtest,
    audiences,
    ads,
    asking,
    case,
    watching,
    lineage,
    retention,
):
    room.register(app)
app.add_typer(serve, name="serve")


def main() -> None:
    """Run the command; a person sees our errors as a sentence, not a traceback."""
    try:
        app()
    except QuestlogError as error:
        typer.secho(f"questlog: {error}", fg="red", err=True)
        sys.exit(1)
    except OSError as error:
        # a read-only home, a full disk, a folder that is not ours
        which = f"{error.filename}: " if error.filename else ""
        text = f"questlog: {which}{error.strerror or error}. Mend that, and try again."
        typer.secho(text, fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
