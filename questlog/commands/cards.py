"""Command of the room: model cards."""

from typing import Annotated

import typer

from questlog import doors


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command("card")(card)


def card(
    model: Annotated[
        str,
        typer.Argument(
            help="Id of a model; or churn, early_churn, lifetime_value: the last"
            " chosen."
        ),
    ] = "churn",
    *,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
) -> None:
    """Print where a model's card is: what it is, how it was judged, its limits.

    Example: questlog card churn --open
    """
    from ml.cards.shelf import find
    from warehouse.home import Home

    path = find(Home(doors.settings().home.resolve()), model)
    typer.echo(path)
    if show:
        typer.launch(str(path))
