"""What people did to the warehouse, by whom, when and why: `ops.audit`.

Ids stand in it, direct identifiers never.
"""

import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from warehouse.errors import BadInput
from warehouse.line_insert import insert_lines

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, when and why."""

    by: str
    because: str
    at: datetime


def act(*, by: str, because: str, at: datetime) -> Act:
    """An act by someone, or by the user of this machine where `by` is empty.

    Raises BadInput where no reason is given, or where a word looks like an address.
    """
    if not because.strip():
        raise BadInput("--because is empty; say why, for whoever asks later.")
    if "@" in by + because:
        raise BadInput(
            "--by and --because are kept for ever, so no e-mail address may stand in"
            " them. Name people by their ids."
        )
    return Act(by=by or _user_of_this_machine(), because=because.strip(), at=at)


def _user_of_this_machine() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:
        raise BadInput("This process has no user name; say who with --by.") from error


def note(
    client: "Client", done: Act, *, action: str, subject: str, detail: Mapping[str, str]
) -> None:
    """Write one act down. Raises MigrationFailed where the table is not there yet."""
    row = {
        "audited_at": done.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        "action": action,
        "subject": subject,
        "detail": json.dumps(detail),
        "done_by": done.by,
        "because": done.because,
    }
    insert_lines(
        client,
        table="ops.audit",
        columns=list(row),
        lines=json.dumps(row).encode(),
        settings={},
    )
