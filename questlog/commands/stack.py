"""Commands for the local stack: up, down, status, demo."""

import os
from pathlib import Path
from typing import Annotated

import typer

from questlog import doors
from questlog.serving import serve


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("demo")(demo)
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)
    serve.command("pages")(pages)


def demo(
    events: Annotated[
        Path | None,
        typer.Option(help="A JSONL file of your own events, .gz or not."),
    ] = None,
    people: Annotated[int, typer.Option(help="People in the simulated world.")] = 2000,
    days: Annotated[int, typer.Option(help="Days of history to simulate.")] = 120,
    seed: Annotated[int, typer.Option(help="Seed of the simulated world.")] = 7,
) -> None:
    """Take a world from the door to an audience, through Airflow, on this machine.

    Example: questlog demo
    Example: questlog demo --events events.jsonl.gz
    """
    from datetime import UTC, datetime

    from questlog.demo.play import play
    from questlog.demo.story import World

    play(
        doors.settings(),
        os.environ,
        world=World(people=people, days=days, seed=seed),
        events=events,
        now=datetime.now(UTC),
    )


def up() -> None:
    """Start the local stack and stay until Ctrl-C or `questlog down`.

    Example: questlog up
    """
    from questlog.stack.local import stay_up

    stay_up(doors.settings(), os.environ)


def down() -> None:
    """Stop the local stack of this home, and whatever a crash left of it.

    Example: questlog down
    """
    from questlog.stack.supervisor import stop_supervisor
    from warehouse.home import Home

    home = Home(doors.settings().home.resolve())
    stopped = stop_supervisor(home)
    typer.echo("Stopped." if stopped else "Nothing was running.")


def status() -> None:
    """Say which services of this home answer; exit 1 when none runs.

    Example: questlog status
    """
    from questlog.stack.local import describe
    from warehouse.home import Home

    if not describe(Home(doors.settings().home.resolve())):
        raise typer.Exit(1)


def pages() -> None:
    """Serve the dbt docs and the Data Docs.

    Example: questlog serve pages
    """
    import uvicorn

    from questlog.stack.pages import pages as application

    settings = doors.settings()
    uvicorn.run(
        application(settings),
        host=settings.pages_host,
        port=settings.pages_port,
        log_level="warning",
    )
