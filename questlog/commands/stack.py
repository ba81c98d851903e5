"""Commands of the room: stack."""

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
