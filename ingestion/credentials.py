"""The write key that a request shows, and where its pages may come from."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from ingestion.keys import KeyRing, Terms

IN_THE_ADDRESS: Final = "write_key"
HOW_TO_SEND_THE_KEY: Final = (
    "Send a write key as `Authorization: Bearer <key>`, as the user name of HTTP"
    " basic authentication, or as `X-Write-Key: <key>`; a beacon sends it as"
    " `?write_key=<key>`. `questlog keys add SOURCE` makes one."
)
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="questlog"'}

_READABLE: Final = "Retry-After, RateLimit, RateLimit-Policy"
_SENDABLE: Final = "Authorization, Content-Encoding, Content-Type, X-Write-Key"
_PREFLIGHT_S: Final = 7200


def shown_key(request: Request) -> str:
    """The key of a request, however it was sent; empty when there is none.

    A beacon can set no header: its key stands in the address.
    """
    headers = request.headers
    return (
        headers.get("x-write-key")
        or _authorized(headers.get("authorization", ""))
        or request.query_params.get(IN_THE_ADDRESS, "")
    )


def _authorized(header: str) -> str:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        user, _, _ = base64.b64decode(credentials, validate=True).partition(b":")
    except binascii.Error:
        return ""
    return user.decode("utf-8", "replace")


def is_kept_out(origin: str | None, terms: Terms) -> bool:
    """Whether a page of another origin uses a key that names its own."""
    return bool(origin and terms.origins and not terms.admits(origin))


def answer_headers(origin: str | None, terms: Terms) -> Mapping[str, str]:
    """What lets a page read the answer; nothing for keys that name no origins."""
    return _readable_by(origin) if origin and terms.admits(origin) else {}


def refusal_headers(origin: str | None, keys: KeyRing) -> Mapping[str, str]:
    """What goes with a 401: a page whose key has ended must learn it, not retry."""
    admitted = origin and keys.admits(origin)
    return {**CHALLENGE, **(_readable_by(origin) if origin and admitted else {})}


def _readable_by(origin: str) -> Mapping[str, str]:
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _READABLE,
        "Vary": "Origin",
    }


def preflight_headers(request: Request, keys: KeyRing) -> Mapping[str, str] | None:
    """What a browser asks before it sends; None when no key is for its pages.

    A browser asks without the key, unless the key stands in the address: then any
    key for that origin will do, and the request itself is judged by its own.
    """
    origin = request.headers.get("origin", "")
    given = request.query_params.get(IN_THE_ADDRESS)
    if given:
        found = keys.find(given)
        admitted = found is not None and found[0].terms.admits(origin)
    else:
        admitted = keys.admits(origin)
    if not origin or not admitted:
        return None
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": _SENDABLE,
        "Access-Control-Max-Age": str(_PREFLIGHT_S),
        "Vary": "Origin, Access-Control-Request-Headers",
    }
