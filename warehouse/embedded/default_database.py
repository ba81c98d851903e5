"""The database `default`: a plain one, as a server has it, and no overlay over files.

chDB puts its overlay, which reads files and refuses refreshable views, under the name
that its configuration gives (`OVERLAY`), so that `default` is free for a database of
the usual kind. It also enters `default` at once, so that one must be stored before.
"""

from pathlib import Path
from uuid import uuid4

from warehouse import durable

NAME = "default"
OVERLAY = "_overlay"


def store(data: Path) -> None:
    """Put the database on record in a data directory that no engine holds."""
    record = data / "metadata" / f"{NAME}.sql"
    link = data / "metadata" / NAME
    if not record.exists():
        # where the overlay had tables of its own in `default`, they stay in it
        known = link.readlink().name if link.is_symlink() else str(uuid4())
        text = f"ATTACH DATABASE _ UUID '{known}'\nENGINE = Atomic\n"
        durable.put(record, text.encode())
    # the overlay takes the folder that this link names for its own, and then two
    # databases claim one id; the engine makes the link anew
    if link.is_symlink():
        link.unlink()
