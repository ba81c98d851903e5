"""Small files that are there whole or not at all, also after a power cut; private."""

import contextlib
import os
import secrets
from pathlib import Path


def put(path: Path, content: bytes, *, only_new: bool = False) -> None:
    """Write a file durably in one step; with `only_new`, the first writer wins."""
    private_folder(path.parent)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if only_new:
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
        else:
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    synced_folder(path.parent)


def private_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it, for its owner alone; durably.

    A folder that was there before keeps its mode.
    """
    if folder.is_dir():
        return
    private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    # a folder above that we may enter and not read is none of ours to sync
    with contextlib.suppress(PermissionError):
        synced_folder(folder.parent)


def synced_folder(folder: Path) -> None:
    """Make the folder's own entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
