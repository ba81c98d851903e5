"""Commands of the transformation: build, publish, docs, dbt."""

from enum import StrEnum
from typing import Annotated

import typer

from questlog import doors


class Layer(StrEnum):
    """What can be built, in this order."""

    staging = "staging"
    marts = "marts"
    features = "features"


class Published(StrEnum):
    """What can be published."""

    marts = "marts"
    features = "features"


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("build")(build)
    app.command("publish")(publish)
    app.command("docs")(docs)
    app.command(
        "dbt",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        add_help_option=False,
    )(dbt)


def build(
    layer: Annotated[Layer, typer.Argument(help="What to build.")],
    as_of: Annotated[
        str,
        typer.Option(help="The day features and RFM are about. Empty: data's end."),
    ] = "",
) -> None:
    """Build one layer of the models aside; `questlog publish` shows it.

    Example: questlog build features --as-of 2026-03-01
    """
    from warehouse import transformation

    transformation.build(
        doors.settings(), layer.value, as_of=doors.day(as_of) if as_of else None
    )


def publish(
    database: Annotated[Published, typer.Argument(help="What to publish.")],
) -> None:
    """Show readers what was built, once its gate has opened.

    Example: questlog publish marts
    """
    from rich.console import Console
    from rich.table import Table

    from warehouse import publishing

    with doors.client() as client:
        publishing.require_open_gate(client, database.value)
        published = publishing.publish(client, database.value)
    shown = Table("table", "rows")
    for name, rows in published.items():
        shown.add_row(f"{database.value}.{name}", f"{rows:,}")
    Console().print(shown)


def docs() -> None:
    """Write the dbt docs site: every model, column, test and how they hang together.

    Example: questlog docs
    """
    from warehouse import transformation

    typer.echo(transformation.write_docs(doors.settings()))


def dbt(context: typer.Context) -> None:
    """Run any dbt command with the settings of Questlog.

    Example: questlog dbt show --select fct_sessions --limit 5
    """
    from warehouse.transformation import run_dbt

    run_dbt(doors.settings(), context.args or ["--help"])
