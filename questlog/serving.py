"""`questlog serve`: each long-running process of the house, one sub-command each."""

import typer

serve = typer.Typer(
    help="Run one service in the foreground until SIGTERM.", no_args_is_help=True
)
