"""What every command needs at its door: the settings, a client, the day."""

import contextlib
import os
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from warehouse.clickhouse import connect
from warehouse.errors import BadInput
from warehouse.settings import Settings, load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def settings() -> Settings:
    """The settings of this process's environment."""
    return load(os.environ)


@contextlib.contextmanager
def client() -> Iterator["Client"]:
    """A client for the warehouse of the settings."""
    with connect(settings()) as connected:
        yield connected


def day(text: str) -> date:
    """A date as typed, such as 2026-03-01. Raises BadInput for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no date; write it like 2026-03-01.") from error
