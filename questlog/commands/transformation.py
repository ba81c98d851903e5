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
    app.command("backfill")(backfill)
    app.command("freshness")(freshness)
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


def freshness() -> None:
    """Say whether events still arrive, by dbt's freshness of sources.

    Example: questlog freshness
    """
    from warehouse.freshness import require_fresh

    require_fresh(doors.settings())


def backfill(  # noqa: PLR0917 - a command has as many options as it has
    begin: Annotated[str, typer.Option("--from", help="The first day.")],
    end: Annotated[str, typer.Option("--to", help="The day after the last.")],
    because: Annotated[str, typer.Option(help="Why; kept in ops.audit.")] = "backfill",
    by: Annotated[str, typer.Option(help="Who. Empty: this machine's user.")] = "",
    later: Annotated[
        bool, typer.Option(help="Leave the work to the next build, such as the DAG's.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say how much it is.")] = False,
) -> None:
    """Make the marts of all people again who did something in some days.

    Days are of the reporting time zone. Safe to repeat, and to interrupt: what is
    noted is followed by the next build. `questlog publish marts` shows it.

    Example: questlog backfill --from 2026-03-01 --to 2026-03-08 --dry-run
    """
    from datetime import UTC, datetime

    from warehouse import audit, transformation
    from warehouse import backfill as work

    settings = doors.settings()
    days = work.Days(doors.day(begin), doors.day(end), settings.reporting_timezone)
    with doors.client() as client:
        reach = work.reach(client, days)
        typer.echo(f"{reach.events:,} events of {reach.people:,} people")
        if dry_run:
            return
        act = audit.act(by=by, because=because, at=datetime.now(UTC))
        work.note(client, days, act)
    if not later:
        transformation.build(settings, "marts")


def publish(
    database: Annotated[Published, typer.Argument(help="What to publish.")],
) -> None:
    """Show readers what was built, once its gate has opened.

    Example: questlog publish marts
    """
    from rich.console import Console
    from rich.table import Table

    from warehouse import publishing

    published = publishing.publish_judged(doors.settings(), database.value)
    shown = Table("table", "rows")
    for name, rows in published.items():
        shown.add_row(f"{database.value}.{name}", f"{rows:,}")
    Console().print(shown)


def docs() -> None:
    """Write the dbt docs site, and the page of what each column is made of.

    Example: questlog docs
    """
    from questlog.lineage.page import write as write_lineage
    from warehouse import transformation

    typer.echo(transformation.write_docs(doors.settings()))
    typer.echo(write_lineage(doors.settings()))


def dbt(context: typer.Context) -> None:
    """Run any dbt command with the settings of Questlog.

    Example: questlog dbt show --select fct_sessions --limit 5
    """
    from warehouse.transformation import run_dbt

    run_dbt(doors.settings(), context.args or ["--help"])
