"""What the ledger keeps of an identity: sealed, and the HMACs it is found by."""

import base64
from collections.abc import Sequence
from functools import cache

import msgspec

from activation.identifiers import Hashed, Identity
from activation.people import subject
from activation.rim import Rim
from warehouse.digests import keyed_digest
from warehouse.vault import Known

MARK_BYTES = 16
_PURPOSE = b"activation ledger"
_NAMING_NOBODY = frozenset({"FN", "LN", "COUNTRY", "CT", "ST", "ZIP", "GEN", "FI"}) | {
    *("DOBY", "DOBM", "DOBD")
}
"""Keys by which no platform finds anybody: too many people share their values."""


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What the ledger keeps of an identity.

    `identity` stands for it as a whole, `naming` for the parts by which a platform
    finds somebody: only our key can make these. `sealed` is itself, as base64, under
    its person's key.
    """

    identity: bytes
    naming: Sequence[bytes]
    sealed: str

    def __repr__(self) -> str:
        """Without what it keeps."""
        return "Kept(...)"


def kept(index_key: bytes, identity: Identity, known: Known) -> Kept:
    """What is kept of an identity of somebody whom the vault knows."""
    plain = packed(identity)
    return Kept(
        identity=_index(index_key, "identity", plain),
        naming=sorted(
            [
                _index(index_key, name, digest.hex.encode())
                for name, digest in identity.items()
                if digest.hex and name not in _NAMING_NOBODY
            ]
        ),
        sealed=base64.b64encode(known.seal(plain, _PURPOSE)).decode(),
    )


def packed(identity: Identity) -> bytes:
    """An identity as bytes, the same for the same one."""
    known = {name: digest.hex for name, digest in identity.items() if digest.hex}
    return msgspec.json.encode(known, order="sorted")


def unpacked(plain: bytes) -> Identity:
    """The identity that was packed."""
    digests: dict[str, str] = msgspec.json.decode(plain)
    return {name: Hashed(digest) for name, digest in digests.items()}


def opened(rim: Rim, people: Sequence[tuple[str, str]]) -> list[Identity | None]:
    """The identities that were sealed; None where the person's key is gone."""
    entries = [(subject(person_id), base64.b64decode(one)) for person_id, one in people]
    found = rim.vault.open_for(entries, _PURPOSE)
    return [None if plain is None else unpacked(plain) for plain in found]


def _index(key: bytes, name: str, value: bytes) -> bytes:
    return keyed_digest(key, _named(name) + value)[:MARK_BYTES]


@cache
def _named(name: str) -> bytes:
    """What stands before a value of a platform's key; there are a dozen of these."""
    return name.encode() + b"\x00"
