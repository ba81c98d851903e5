"""Whether a webhook comes from whom it says, and just now; asked before it is read."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from warehouse.errors import BadInput

TOLERATED: Final = timedelta(minutes=5)

_LONGEST_HEADER: Final = 4096
_LONGEST_COUNT: Final = 12


class BadSignature(BadInput):
    """A webhook is not signed with our secret, or was signed too long ago."""


class Scheme(Protocol):
    """A provider's way to sign."""

    def check(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        secrets: Sequence[str],
        now: datetime,
    ) -> None:
        """Raise BadSignature unless one of the secrets signed this body just now."""


@dataclass(frozen=True, slots=True)
class Stripe:
    """`Stripe-Signature: t=<seconds>,v1=<hex>`, over `<seconds>.<body>`."""

    tolerated: timedelta = TOLERATED

    def check(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        secrets: Sequence[str],
        now: datetime,
    ) -> None:
        """Raise BadSignature unless a `v1` of the header is ours and is fresh."""
        header = headers.get("stripe-signature", "")
        if len(header) > _LONGEST_HEADER:
            raise BadSignature("The header Stripe-Signature is too long.")
        pairs = [part.strip().partition("=") for part in header.split(",")]
        times = [value for name, _, value in pairs if name == "t"]
        given = [_from_hex(value) for name, _, value in pairs if name == "v1"]
        if len(times) != 1 or not given:
            raise BadSignature("The header Stripe-Signature has no t= and v1=.")
        made = [_mac(secret, times[0].encode() + b"." + body) for secret in secrets]
        _one_matches(made, given)
        _fresh(times[0], now, self.tolerated)


@dataclass(frozen=True, slots=True)
class Hmac:
    """HMAC-SHA256 in a header, after a prefix, in hex or base64.

    With a header of its own for the time (whole Unix seconds) it is signed too, as
    `<seconds>.<body>`; without one the body alone is.
    """

    header: str
    time_header: str = ""
    prefix: str = ""
    encoding: Literal["hex", "base64"] = "hex"
    tolerated: timedelta = TOLERATED

    def check(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        secrets: Sequence[str],
        now: datetime,
    ) -> None:
        """Raise BadSignature unless the header's value is ours and is fresh."""
        text = headers.get(self.header.lower(), "")[:_LONGEST_HEADER]
        if not text.startswith(self.prefix):
            raise BadSignature(f"The header {self.header} holds no signature.")
        text = text.removeprefix(self.prefix).strip()
        given = _from_hex(text) if self.encoding == "hex" else _from_base64(text)
        seconds = headers.get(self.time_header.lower(), "") if self.time_header else ""
        signed = seconds.encode() + b"." + body if self.time_header else body
        _one_matches([_mac(secret, signed) for secret in secrets], [given])
        if self.time_header:
            _fresh(seconds, now, self.tolerated)


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def _one_matches(made: Sequence[bytes], given: Sequence[bytes]) -> None:
    """Compare each with each, in a time that tells nothing of how near they are."""
    found = False
    for ours in made:
        for theirs in given:
            found |= hmac.compare_digest(ours, theirs)
    if not found:
        raise BadSignature("The signature is not made with the secret kept here.")


def _fresh(seconds: str, now: datetime, tolerated: timedelta) -> None:
    if not (seconds.isascii() and seconds.isdecimal()) or (
        len(seconds) > _LONGEST_COUNT
    ):
        raise BadSignature("The time of the signature is no count of seconds.")
    if abs(int(seconds) - now.timestamp()) > tolerated.total_seconds():
        raise BadSignature(
            "The signature was made at another time; a delivery repeated by its"
            " sender is signed anew."
        )


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
