"""Commands of the room: gates."""

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
