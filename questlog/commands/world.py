"""Commands of the room: world."""

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
