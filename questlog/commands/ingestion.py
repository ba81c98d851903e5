"""Commands of the room: ingestion."""

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
