"""Commands for the users of the embedded ClickHouse endpoint."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from questlog import doors
from warehouse.home import Home

_Name = Annotated[str, typer.Argument(help="The user's name.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    group = typer.Typer(
        help="Users of the embedded ClickHouse endpoint.", no_args_is_help=True
    )
    group.command("add")(add_user)
    group.command("list")(list_users)
    group.command("remove")(remove_user)
    group.command("passwd")(change_password)
    app.add_typer(group, name="users")


def add_user(
    name: _Name,
    databases: Annotated[
        list[str] | None,
        typer.Option(
            "--database",
            help="A database, or its beginning and a star; repeat it for more."
            " Without it all databases.",
        ),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="May read, and write nothing.")
    ] = False,
) -> None:
    """Add a user; the password is asked for, or read from standard input.

    Example: questlog users add ann --read-only --database marts
    """
    from warehouse.embedded.users import add

    chosen = databases or ["*"]
    add(_file(), name, _password(), databases=chosen, read_only=read_only)
    _audited("users.add", name)
    typer.echo(f"Added: {name}")
    settings = doors.settings()
    if not settings.clickhouse_password:
        typer.echo(
            f"Without a password {settings.clickhouse_user} is still let in to all:"
            " set CLICKHOUSE_PASSWORD for the endpoint and the programs of Questlog.",
            err=True,
        )


def list_users() -> None:
    """Show the users and what they may do, without their passwords.

    Example: questlog users list
    """
    from rich.console import Console
    from rich.table import Table

    from warehouse.embedded.users import load

    table = Table("user", "may", "databases")
    for user in load(_file()):
        may = "read" if user.read_only else "read and write"
        table.add_row(user.name, may, ", ".join(user.databases))
    Console().print(table)


def remove_user(name: _Name) -> None:
    """Remove a user; a running endpoint turns it away from the next request on.

    Example: questlog users remove ann
    """
    from warehouse.embedded.users import remove

    remove(_file(), name)
    _audited("users.remove", name)
    typer.echo(f"Removed: {name}")


def change_password(name: _Name) -> None:
    """Give a user another password, asked for or read from standard input.

    Example: questlog users passwd ann
    """
    from warehouse.embedded.users import change_password as change

    change(_file(), name, _password())
    _audited("users.password", name)
    typer.echo(f"Changed: {name}")


def _audited(action: str, name: str) -> None:
    from datetime import UTC, datetime

    from warehouse import audit, audit_journal

    because = f"questlog {action.replace('.', ' ')}"
    done = audit.act(by="", because=because, at=datetime.now(UTC))
    audit_journal.keep(doors.settings(), done, action=action, subject=name, detail={})


def _file() -> Path:
    return Home(doors.settings().home).users


def _password() -> str:
    """Never an argument: those show in the list of processes and in the history."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked
