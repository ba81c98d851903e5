"""The master key in its file."""

import base64
import binascii
import os
from pathlib import Path
from typing import Final

from warehouse.durable import private_folder, put
from warehouse.errors import BadSetting
from warehouse.home import Home
from warehouse.settings import Settings

KEY_BYTES: Final = 32
HOW_TO_MAKE: Final = f"`head -c {KEY_BYTES} /dev/urandom | base64`"


def master_key_file(settings: Settings) -> Path:
    """Where the master key of the settings lies."""
    return settings.master_key_file or Home(settings.home).secrets / "master_key"


def load_master_key(settings: Settings) -> bytes:
    """The master key of the settings.

    With no QUESTLOG_MASTER_KEY_FILE, a key is made in the home on first use, but
    never beside a vault that another key made. Raises BadSetting naming the file
    that is missing or holds no key.
    """
    home = Home(settings.home)
    path = master_key_file(settings)
    if not path.exists():
        if settings.master_key_file is not None:
            raise BadSetting(
                f"QUESTLOG_MASTER_KEY_FILE names {path}, which is not there."
                f" Make a key once with {HOW_TO_MAKE} and keep it safe."
            )
        # a key is older than its vault: looked at in this order, a key that another
        # process has just made is not taken for a lost one
        if home.vault.exists() and not path.exists():
            raise BadSetting(
                f"The vault at {home.vault} has lost its master key {path}."
                " Restore that file; without it the vault cannot be read."
            )
        make_key(path)
    return read_key(path)


def read_key(path: Path) -> bytes:
    """The key of a file. Raises BadSetting for one that holds none."""
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except OSError as error:
        raise BadSetting(f"The master key {path} cannot be read: {error}.") from error
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadSetting(
            f"{path} holds no master key: expected {KEY_BYTES} random bytes as"
            f" base64, as made by {HOW_TO_MAKE}."
        )
    return key


def make_key(path: Path) -> None:
    """Write a new key whole or not at all; of two at once the first one stays.

    It is durable before the vault has its first value: one without its key is lost.
    """
    private_folder(path.parent)
    path.parent.chmod(0o700)
    key = base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
    put(path, key, only_new=True)
