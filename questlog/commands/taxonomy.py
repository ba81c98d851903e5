"""Commands of the room: taxonomy."""

from pathlib import Path
from typing import Annotated

import typer

from questlog.commands.configuration import refresh
from questlog.commands.taxonomy_diff import diff
from warehouse.settings import REPOSITORY

Folder = Annotated[
    Path,
    typer.Option(help="Folder with envelope.yml, traits.yml, context.yml, events/."),
]
_DEFAULT = REPOSITORY / "taxonomy"


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    room = typer.Typer(help="The event definitions.", no_args_is_help=True)
    room.command("check")(check)
    room.command("lint")(lint)
    room.command("diff")(diff)
    room.command("generate")(generate)
    app.add_typer(room, name="taxonomy")


def check(folder: Folder = _DEFAULT) -> None:
    """List every fault of the event definitions; exit 1 when there is one.

    What dialects and webhooks call the events is checked too.

    Example: questlog taxonomy check
    """
    from ingestion.dialects.aliases import all_aliases
    from ingestion.webhooks.definitions import webhooks
    from warehouse.taxonomy import load

    taxonomy = load(folder)
    all_aliases(taxonomy, folder / "dialects")
    webhooks({}, taxonomy, folder / "webhooks")
    typer.echo(
        f"{len(taxonomy.events)} events in {len(taxonomy.domains)} domains, no faults"
    )


def lint(folder: Folder = _DEFAULT) -> None:
    """Advise on style: vague names, thin meanings, unmarked personal data.

    Advice is not a fault: the exit code stays 0.

    Example: questlog taxonomy lint
    """
    from warehouse.taxonomy import load
    from warehouse.taxonomy.advice import advise

    advice = advise(load(folder))
    for one in advice:
        typer.echo(str(one))
    typer.echo(f"{len(advice)} pieces of advice" if advice else "Nothing to advise")


def generate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; name each stale file.")
    ] = False,
) -> None:
    """Bring the files made from the event definitions up to date.

    JSON Schema, SDK types, the staging gate's data, dbt doc blocks and
    docs/taxonomy.md; `questlog generate` makes the rest as well.

    Example: questlog taxonomy generate --check
    """
    from warehouse.generators import from_taxonomy
    from warehouse.generators.tables import tables
    from warehouse.taxonomy import load

    files = from_taxonomy(load(), tables())
    refresh(files, check=check, command="questlog taxonomy generate")
