"""A new master key in the place of the old one, whatever is killed in between.

The new key is on disk before the vault knows it; the vault opens under both before the
file changes; the old one is retired last. Begun again, a rotation goes on where it was.
"""

from pathlib import Path

from warehouse.durable import synced_folder
from warehouse.errors import BadSetting
from warehouse.settings import Settings
from warehouse.vault import open_vault
from warehouse.vault.keys import make_key, master_key_file, read_key


def rotate_own_key(settings: Settings) -> int:
    """Make a new master key and put it in the place of the home's own; people wrapped.

    Raises BadSetting where a setting names the key file: it is not ours to change.
    """
    path = master_key_file(settings)
    if settings.master_key_file is not None:
        raise BadSetting(
            f"QUESTLOG_MASTER_KEY_FILE names {path}, which is not ours to change. Make"
            " a new key file, call `questlog vault rotate --to FILE`, put the file in"
            " its place everywhere, then call `questlog vault rotate --retire`."
        )
    aside = path.with_name(f"{path.name}.next")
    with open_vault(settings) as vault:
        make_key(aside)
        people = vault.rotate(read_key(aside))
        aside.replace(path)
        synced_folder(path.parent)
        vault.retire()
    return people


def rotate_to(settings: Settings, new_key: Path) -> int:
    """Let a new master key open the vault beside the present one; people wrapped."""
    with open_vault(settings) as vault:
        return vault.rotate(read_key(new_key))


def retire_others(settings: Settings) -> None:
    """Let the present master key alone open the vault."""
    with open_vault(settings) as vault:
        vault.retire()
