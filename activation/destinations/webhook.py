"""A webhook as a destination: batches posted as JSON, signed, to an address of yours.

For whatever keeps people and is no ad platform: a CRM, a mail service, a small program.
Each request carries the headers of the Standard Webhooks: an id that is the same when
the same batch is sent again, a moment, and an HMAC of both with the body.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from activation.destinations.kinds import Kind
from activation.destinations.protocol import Answer, Limits, Member, Outcome, Wanted
from activation.identifiers import Identity, plain_identity
from activation.patience import Patience
from warehouse.errors import BadSetting, DestinationRefused, Unavailable
from warehouse.settings import Settings

MEMBERS_A_BATCH = 1_000
_TIMEOUT_S = (10, 60)
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_OK, _REDIRECT, _TOO_MANY, _SERVER = 200, 300, 429, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One address; `KIND.open` builds it from settings. Its sets go by their names."""

    url: str
    secret: bytes = field(repr=False)
    patience: Patience
    clock: Callable[[], float] = time.time

    @property
    def platform(self) -> str:
        """Its name in the ledger and receipts."""
        return "webhook"

    @property
    def limits(self) -> Limits:
        """A receiver keeps people until it is told otherwise."""
        return Limits(members_a_batch=MEMBERS_A_BATCH, works_at_once=True)

    def find(self, wanted: Wanted) -> str:
        """The set as last known: nobody can be asked."""
        return wanted.remote_id

    def make(self, wanted: Wanted) -> str:
        """Tell the receiver of a set."""
        self._post("made", wanted.audience, {"meaning": wanted.meaning})
        return wanted.audience

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Tell the receiver who comes, with what they are worth where it is known."""
        told = [
            _digests(one.identity)
            | ({"value": one.value} if one.value is not None else {})
            for one in members
        ]
        return self._told("added", remote_id, told)

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Tell the receiver who goes, by each digest that names them."""
        return self._told("removed", remote_id, [_digests(one) for one in identities])

    def outcome(self, request_id: str) -> Outcome:
        """A receiver has carried out what it accepted."""
        raise DestinationRefused(f"A webhook knows of no request {request_id!r}.")

    def _told(
        self, what: str, audience: str, members: Sequence[Mapping[str, Any]]
    ) -> Answer:
        if members:
            self._post(what, audience, {"members": members})
        return Answer(received=len(members))

    def _post(self, what: str, audience: str, told: Mapping[str, Any]) -> None:
        """Post until it is accepted, refused, or patience ends."""
        content = {"type": f"audience.{what}", "audience": audience, **told}
        body = json.dumps(content, sort_keys=True).encode()
        for attempt in range(1, self.patience.attempts + 1):
            wait_s = self._once(body)
            if wait_s is None:
                return
            wait_s = wait_s or self.patience.first_wait_s * 2 ** (attempt - 1)
            is_last = attempt == self.patience.attempts
            if is_last or wait_s > self.patience.longest_wait_s:
                raise Unavailable(
                    "The audience webhook did not accept a batch. The same sync may be"
                    " made again.",
                    wait_s=wait_s,
                )
            self.patience.sleep(wait_s)

    def _once(self, body: bytes) -> float | None:
        """None when it was accepted; else the seconds to wait, 0 if it did not say."""
        import requests

        try:
            answer = requests.post(
                self.url,
                data=body,
                headers=signed(body, secret=self.secret, at=int(self.clock())),
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.RequestException:
            # its text may hold the address, and with it a token
            return 0.0
        status = answer.status_code
        if _OK <= status < _REDIRECT:
            return None
        if status == _TOO_MANY or status >= _SERVER:
            return _seconds(answer.headers.get("Retry-After", ""))
        raise DestinationRefused(
            f"The audience webhook refused a batch with HTTP {status}. See"
            " docs/destinations.md for what it is sent."
        )


def signed(body: bytes, *, secret: bytes, at: int) -> dict[str, str]:
    """The headers of a request: what it is, when, and that it is ours."""
    number = hashlib.sha256(body).hexdigest()[:32]
    content = b".".join((number.encode(), str(at).encode(), body))
    digest = base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
    return {
        "content-type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{digest}",
    }


def _digests(identity: Identity) -> dict[str, Any]:
    return {key: digest.hex for key, digest in identity.items() if digest.hex}


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0


def _open(settings: Settings, patience: Patience) -> Webhook:
    url, secret = settings.audience_webhook_url, settings.audience_webhook_secret
    if not url or not secret:
        raise BadSetting(
            "AUDIENCE_WEBHOOK_URL and AUDIENCE_WEBHOOK_SECRET go together: one is not"
            " set."
        )
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _HERE:
        raise BadSetting(
            "AUDIENCE_WEBHOOK_URL: expected https. Digests of people go nowhere else"
            " without encryption."
        )
    return Webhook(url=url, secret=secret.encode(), patience=patience)


KIND = Kind(
    name="webhook",
    meaning="An address of yours that is told who comes and who goes.",
    wants=("AUDIENCE_WEBHOOK_URL", "AUDIENCE_WEBHOOK_SECRET"),
    identity=plain_identity,
    is_started=lambda settings: bool(
        settings.audience_webhook_url or settings.audience_webhook_secret
    ),
    open=_open,
)
