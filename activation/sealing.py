"""What the ledger keeps of an identity: sealed, and the HMACs it is found by."""

import base64
import hmac
import json
from collections.abc import Sequence

from activation.identifiers import Hashed, Identity
from activation.people import subject
from activation.rim import Rim
from warehouse.errors import BadInput

MARK_BYTES = 16
_PURPOSE = b"activation ledger"
_NAMING_NOBODY = frozenset({"FN", "LN", "COUNTRY", "CT", "ST", "ZIP", "GEN", "FI"}) | {
    *("DOBY", "DOBM", "DOBD")
}
"""Keys by which no platform finds anybody: too many people share their values."""


def fingerprint(key: bytes, identity: Identity) -> bytes:
    """Stands for an identity as a whole; only the key can make it."""
    return _index(key, "identity", packed(identity))


def naming(key: bytes, identity: Identity) -> list[bytes]:
    """Stand for the parts of an identity by which a platform finds somebody."""
    return sorted(
        _index(key, name, digest.hex.encode())
        for name, digest in identity.items()
        if digest.hex and name not in _NAMING_NOBODY
    )


def packed(identity: Identity) -> bytes:
    """An identity as bytes, the same for the same one."""
    known = {name: digest.hex for name, digest in identity.items() if digest.hex}
    return json.dumps(known, sort_keys=True, separators=(",", ":")).encode()


def unpacked(plain: bytes) -> Identity:
    """The identity that was packed."""
    return {name: Hashed(digest) for name, digest in json.loads(plain).items()}


def sealed(rim: Rim, people: Sequence[tuple[str, Identity]]) -> list[str]:
    """Each identity under its person's key, as base64.

    Raises BadInput when somebody has no key: then nothing was known of them either.
    """
    entries = [(subject(person_id), packed(one)) for person_id, one in people]
    found = rim.vault.seal_for(entries, _PURPOSE)
    kept = [base64.b64encode(one).decode() for one in found if one is not None]
    if len(kept) < len(found):
        raise BadInput("Somebody was about to be sent of whom the vault has no key.")
    return kept


def opened(rim: Rim, people: Sequence[tuple[str, str]]) -> list[Identity | None]:
    """The identities that were sealed; None where the person's key is gone."""
    entries = [(subject(person_id), base64.b64decode(one)) for person_id, one in people]
    found = rim.vault.open_for(entries, _PURPOSE)
    return [None if plain is None else unpacked(plain) for plain in found]


def _index(key: bytes, name: str, value: bytes) -> bytes:
    return hmac.digest(key, name.encode() + b"\x00" + value, "sha256")[:MARK_BYTES]
