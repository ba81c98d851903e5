"""The vault's keys: the master key in its file, and one key a person under it."""

import base64
import binascii
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warehouse.durable import private_folder, put
from warehouse.errors import BadSetting
from warehouse.home import Home
from warehouse.settings import Settings

KEY_BYTES = 32
_HOW_TO_MAKE = f"`head -c {KEY_BYTES} /dev/urandom | base64`"

_NONCE_BYTES = 12
_TOKEN_BYTES = 16
_SEAL_VERSION = b"\x01"


class MasterKey:
    """What the master key does: find persons, wrap their keys, seal loose bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise BadSetting(f"A master key has {KEY_BYTES} bytes, not {len(secret)}.")
        self._index_key = _derived(secret, b"index")
        self._wrap = AESGCM(_derived(secret, b"wrap"))
        self._seal = AESGCM(_derived(secret, b"seal"))

    def index(self, subject: str) -> bytes:
        """The only form in which a person is written down."""
        return hmac.digest(self._index_key, _bytes(subject), "sha256")

    def new_person(self, person: bytes) -> tuple["PersonKey", bytes]:
        """A new key for a person, and the same key wrapped."""
        plain = os.urandom(2 * KEY_BYTES)
        return PersonKey.of(plain), _encrypted(self._wrap, plain, person)

    def person(self, person: bytes, wrapped: bytes) -> "PersonKey":
        """A person's key, unwrapped. Raises InvalidTag when it is another's."""
        return PersonKey.of(_decrypted(self._wrap, wrapped, person))

    def seal(self, plain: bytes) -> bytes:
        """Encrypt bytes that belong to no person."""
        return _SEAL_VERSION + _encrypted(self._seal, plain, _SEAL_VERSION)

    def unseal(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises InvalidTag for any others."""
        return _decrypted(self._seal, sealed[1:], sealed[:1])


@dataclass(frozen=True, slots=True, repr=False)
class PersonKey:
    """What opens one person's values and makes their tokens."""

    cipher: AESGCM
    token_key: bytes

    @classmethod
    def of(cls, plain: bytes) -> Self:
        """The key of its 64 bytes."""
        return cls(AESGCM(plain[:KEY_BYTES]), plain[KEY_BYTES:])

    def token(self, name: str, value: str) -> bytes:
        """The token of a value: 16 bytes that only this key can make."""
        text = _bytes(name) + b"\x00" + _bytes(value)
        return hmac.digest(self.token_key, text, "sha256")[:_TOKEN_BYTES]

    def sealed(self, name: str, token: bytes, value: str) -> bytes:
        """A value, encrypted for the place where it will lie."""
        return _encrypted(self.cipher, _bytes(value), _bytes(name) + token)

    def opened(self, name: str, token: bytes, sealed: bytes) -> str:
        """The value of a place. Raises InvalidTag when it belongs elsewhere."""
        plain = _decrypted(self.cipher, sealed, _bytes(name) + token)
        return plain.decode("utf-8", "surrogatepass")

    def seal(self, plain: bytes, purpose: bytes) -> bytes:
        """Encrypt bytes about the person that are kept outside the vault."""
        return _encrypted(self.cipher, plain, b"\x00" + purpose)

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Those bytes. Raises InvalidTag for any others, or another purpose."""
        return _decrypted(self.cipher, sealed, b"\x00" + purpose)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret, b"questlog vault v1 " + purpose, "sha256")


def _bytes(text: str) -> bytes:
    """Any text JSON can carry, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


def _encrypted(cipher: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound_to)


def _decrypted(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, ciphertext, bound_to)
    except ValueError as error:  # too short to be anything
        raise InvalidTag from error


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
        # a key is older than its vault: looked at in this order, a key that another
        # process has just made is not taken for a lost one
        if home.vault.exists() and not path.exists():
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
    """Write a new key whole or not at all; of two at once the first one stays.

    It is durable before the vault has its first value: one without its key is lost.
    """
    private_folder(path.parent)
    path.parent.chmod(0o700)
    key = base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
    put(path, key, only_new=True)
