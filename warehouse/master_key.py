"""The vault's master key: 32 random bytes in a file of their own."""

import base64
import binascii
import contextlib
import os
import secrets
from pathlib import Path

from warehouse.errors import BadSetting
from warehouse.home import Home
from warehouse.settings import Settings

KEY_BYTES = 32
_HOW_TO_MAKE = f"`head -c {KEY_BYTES} /dev/urandom | base64`"


def load_master_key(settings: Settings) -> bytes:
    """The master key of the settings.

    With no QUESTLOG_MASTER_KEY_FILE, a key is made in the home on first use, but
    never beside a vault that another key made. Raises BadSetting naming the file
    that is missing or holds no key.
    """
    home = Home(settings.home)
    path = settings.master_key_file or home.secrets / "master_key"
    if not path.exists():
        if settings.master_key_file is not None:
            raise BadSetting(
                f"QUESTLOG_MASTER_KEY_FILE names {path}, which is not there."
                f" Make a key once with {_HOW_TO_MAKE} and keep it safe."
            )
        if home.vault.exists():
            raise BadSetting(
                f"The vault at {home.vault} has lost its master key {path}."
                " Restore that file; without it the vault cannot be read."
            )
        _make(path)
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as error:
        raise BadSetting(f"The master key {path} cannot be read: {error}.") from error
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadSetting(
            f"{path} holds no master key: expected {KEY_BYTES} random bytes as"
            f" base64, as made by {_HOW_TO_MAKE}."
        )
    return key


def _make(path: Path) -> None:
    """Write a new key whole or not at all; of two at once the first one stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()
