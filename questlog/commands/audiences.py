"""Commands of the room: audiences."""

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
