"""Commands of the room: models."""

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
