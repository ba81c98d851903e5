"""Tell another service whom to write to, in signed requests."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from warehouse.errors import BadSetting, DestinationRefused, Unavailable

if TYPE_CHECKING:
    from warehouse.settings import Settings

SIGNATURE = "X-Questlog-Signature"
_IN_A_REQUEST = 500
_PATIENCE_S = 20
_AGAIN_LATER = (408, 425, 429)
_SERVER_FAULT = 500
_REFUSED = 300


def signature(secret: str, body: bytes, now: float) -> str:
    """`t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body" in hex>`.

    The receiver computes it again over the bytes it got, and refuses an old t.
    """
    moment = str(int(now))
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def send(settings: "Settings", told: Sequence[Mapping[str, Any]], *, now: float) -> int:
    """Post interventions, at most 500 a request; return how many.

    Each has an `id` that is the same whenever it is sent again. Raises BadSetting
    without address or secret, Unavailable and DestinationRefused as answered.
    """
    import requests

    address, secret = settings.interventions_url, settings.interventions_secret
    if not address or not secret:
        raise BadSetting(
            "INTERVENTIONS_URL and INTERVENTIONS_SECRET say where interventions go and"
            " how they are signed; set both."
        )
    for start in range(0, len(told), _IN_A_REQUEST):
        some = list(told[start : start + _IN_A_REQUEST])
        body = json.dumps({"interventions": some}, default=str).encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(secret, body, now),
        }
        try:
            answer = requests.post(
                address,
                data=body,
                headers=headers,
                timeout=_PATIENCE_S,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unavailable(
                "Nobody answers at INTERVENTIONS_URL. Send the day again later."
            ) from error
        _judge(answer.status_code)
    return len(told)


def _judge(status: int) -> None:
    if status in _AGAIN_LATER or status >= _SERVER_FAULT:
        raise Unavailable(
            f"INTERVENTIONS_URL answers {status}. Send the day again later."
        )
    if status >= _REFUSED:
        raise DestinationRefused(
            f"INTERVENTIONS_URL answers {status}. Look into that service's log."
        )
