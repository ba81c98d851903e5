"""The keys under the master key: those that find people, wrap their keys, seal bytes.

They lie in the vault, encrypted by the master key. So a new master key needs new
wrapping alone: people are found as before, and what was sealed still opens.
"""

import base64
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from warehouse.digests import keyed_digest
from warehouse.errors import BadSetting
from warehouse.vault.keys import KEY_BYTES

_NONCE_BYTES: Final = 12
_TOKEN_BYTES: Final = 16
_RING: Final = b"questlog vault ring v1"
# seals of the first key, which vaults had before they had a ring
_FIRST: Final = b"\x01"
_LATER: Final = b"\x02"
_NAME_BYTES: Final = 8


class _Kept(msgspec.Struct, frozen=True):
    """A ring as it is written down, each key as base64."""

    root: str
    wrap: str
    seals: dict[str, str]
    sealing: str


@dataclass(frozen=True, repr=False)
class Ring:
    """The keys of a vault.

    `root` never changes: people are found by it, for as long as the vault lives. `wrap`
    wraps their keys, of `seals` the one named `sealing` seals; both change with the
    master key, and old seals stay to open what they sealed.
    """

    root: bytes
    wrap: bytes
    seals: Mapping[bytes, bytes]
    sealing: bytes

    @classmethod
    def first(cls, master: bytes) -> Self:
        """The ring of a new vault, or of one from before there were rings."""
        seals = {b"": derived(master, b"seal")}
        return cls(master, derived(master, b"wrap"), seals, b"")

    @classmethod
    def opened(cls, kept: bytes, master: bytes) -> Self:
        """A ring as `kept` wrote it. Raises InvalidTag under another master key."""
        plain = _decrypted(AESGCM(derived(master, b"ring")), kept, _RING)
        read = msgspec.json.decode(plain, type=_Kept)
        seals = {
            base64.b64decode(name): base64.b64decode(key)
            for name, key in read.seals.items()
        }
        return cls(
            base64.b64decode(read.root),
            base64.b64decode(read.wrap),
            seals,
            base64.b64decode(read.sealing),
        )

    def kept(self, master: bytes) -> bytes:
        """The ring as it may be written down, for the holder of a master key."""
        plain = _Kept(
            root=_text(self.root),
            wrap=_text(self.wrap),
            seals={_text(name): _text(key) for name, key in self.seals.items()},
            sealing=_text(self.sealing),
        )
        cipher = AESGCM(derived(master, b"ring"))
        return encrypted(cipher, msgspec.json.encode(plain), _RING)

    def next(self) -> Self:
        """A ring with new keys for all that can have them."""
        name = os.urandom(_NAME_BYTES)
        seals = {**self.seals, name: os.urandom(KEY_BYTES)}
        return type(self)(self.root, os.urandom(KEY_BYTES), seals, name)

    @cached_property
    def _index_key(self) -> bytes:
        return derived(self.root, b"index")

    @cached_property
    def _wrap(self) -> AESGCM:
        return AESGCM(self.wrap)

    @cached_property
    def _seals(self) -> dict[bytes, AESGCM]:
        return {name: AESGCM(key) for name, key in self.seals.items()}

    def index(self, subject: str) -> bytes:
        """The only form in which a person is written down."""
        return keyed_digest(self._index_key, _bytes(subject))

    def new_person(self, person: bytes) -> tuple["PersonKey", bytes]:
        """A new key for a person, and the same key wrapped."""
        plain = os.urandom(2 * KEY_BYTES)
        return PersonKey.of(plain), encrypted(self._wrap, plain, person)

    def person(self, person: bytes, wrapped: bytes) -> "PersonKey":
        """A person's key, unwrapped. Raises InvalidTag when it is another's."""
        return PersonKey.of(_decrypted(self._wrap, wrapped, person))

    def rewrapped(self, person: bytes, wrapped: bytes, before: "Ring") -> bytes:
        """A person's wrapped key of another ring, wrapped by this one."""
        plain = _decrypted(before._wrap, wrapped, person)  # noqa: SLF001 - a ring's own
        return encrypted(self._wrap, plain, person)

    def seal(self, plain: bytes) -> bytes:
        """Encrypt bytes that belong to no person."""
        head = _FIRST if not self.sealing else _LATER + self.sealing
        return head + encrypted(self._seals[self.sealing], plain, head)

    def unseal(self, sealed: bytes) -> bytes:
        """The bytes that were sealed. Raises InvalidTag for any others."""
        end = 1 + _NAME_BYTES if sealed[:1] == _LATER else 1
        head, body = sealed[:end], sealed[end:]
        cipher = self._seals.get(head[1:])
        if cipher is None or head[:1] not in {_FIRST, _LATER}:
            raise InvalidTag
        return _decrypted(cipher, body, head)


class PersonKey(msgspec.Struct, frozen=True, gc=False):
    """What opens one person's values and makes their tokens."""

    cipher: AESGCM
    token_key: bytes

    @classmethod
    def of(cls, plain: bytes) -> Self:
        """The key of its 64 bytes."""
        return cls(AESGCM(plain[:KEY_BYTES]), plain[KEY_BYTES:])

    def __repr__(self) -> str:
        """Without the key."""
        return "PersonKey(...)"

    def token(self, name: str, value: str) -> bytes:
        """The token of a value: 16 bytes that only this key can make."""
        text = _bytes(name) + b"\x00" + _bytes(value)
        return hmac.digest(self.token_key, text, "sha256")[:_TOKEN_BYTES]

    def sealed(self, name: str, token: bytes, value: str) -> bytes:
        """A value, encrypted for the place where it will lie."""
        return encrypted(self.cipher, _bytes(value), _bytes(name) + token)

    def opened(self, name: str, token: bytes, sealed: bytes) -> str:
        """The value of a place. Raises InvalidTag when it belongs elsewhere."""
        plain = _decrypted(self.cipher, sealed, _bytes(name) + token)
        return plain.decode("utf-8", "surrogatepass")

    def seal(self, plain: bytes, purpose: bytes) -> bytes:
        """Encrypt bytes about the person that are kept outside the vault."""
        return encrypted(self.cipher, plain, b"\x00" + purpose)

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Those bytes. Raises InvalidTag for any others, or another purpose."""
        return _decrypted(self.cipher, sealed, b"\x00" + purpose)


def fingerprint(master: bytes) -> str:
    """What tells one master key from another, and nothing of either."""
    return derived(master, b"fingerprint")[:_NAME_BYTES].hex()


def checked(master: bytes) -> bytes:
    """A master key. Raises BadSetting for what is none."""
    if len(master) != KEY_BYTES:
        raise BadSetting(f"A master key has {KEY_BYTES} bytes, not {len(master)}.")
    return master


def derived(secret: bytes, purpose: bytes) -> bytes:
    """A key of its own for a purpose."""
    return hmac.digest(secret, b"questlog vault v1 " + purpose, "sha256")


def _bytes(text: str) -> bytes:
    """Any text JSON can carry, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def encrypted(cipher: AESGCM, plain: bytes, bound_to: bytes) -> bytes:
    """Bytes encrypted under a fresh nonce, which stands before them."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, bound_to)


def _decrypted(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, ciphertext, bound_to)
    except ValueError as error:  # too short to be anything
        raise InvalidTag from error
