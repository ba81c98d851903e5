"""HMAC-SHA256 of short things by the hundred thousand, each in half the usual time."""

import hashlib
from functools import lru_cache

_BLOCK_BYTES = 64
"""Of SHA-256; our keys are shorter."""


def keyed_digest(key: bytes, content: bytes) -> bytes:
    """The HMAC of something short under a key that many others share."""
    begun, ended = _begun(key)
    inner, outer = begun.copy(), ended.copy()
    inner.update(content)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=8)
def _begun(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """Both hashes of an HMAC once they have read their key (RFC 2104)."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return (
        hashlib.sha256(bytes(one ^ 0x36 for one in block)),
        hashlib.sha256(bytes(one ^ 0x5C for one in block)),
    )
