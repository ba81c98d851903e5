"""What went wrong at the Graph API, read from status, headers and body alone.

Decided by Meta's error code, not by the HTTP status. What Meta's message says is
not repeated: it may quote what we sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_OK = 200
_MINUTE_S = 60.0
_FINAL_STATUSES = frozenset(range(400, 500)) - {408, 429}
"""Without the API's own words these come from something that is not the API."""

THROTTLED = frozenset({4, 17, 341, 613, 80003})
"""Refused before anything was done: any call may be repeated."""
TRANSIENT = frozenset({1, 2})
"""May or may not have been done."""
_NOT_TWICE = "POST customaudiences"
"""The one call that, done twice, makes two of something."""

_SESSION = "A later push opens a new one."
_GONE = (100, 33)
_BY_CODES: Mapping[tuple[int, int], str] = {
    _GONE: (
        "there is no such audience, or the access token does not reach it. The next"
        " sync looks for it by its name, and else makes it anew"
    ),
    (100, 1713007): "the seed has fewer than 100 people",
    (100, 1713230): (
        "the audience is flagged: its name hints at health or income. Rename it,"
        " or appeal in Meta's Audience Manager"
    ),
    (100, 1713232): (
        "the seed of the lookalike is flagged: its name hints at health or income"
    ),
    (200, 1870090): (
        "the terms for customer lists are not accepted. A person of the business"
        " accepts them once in Meta's Audience Manager"
    ),
    (2650, 1870144): "a replace session takes fewer than 100 million people",
    (2650, 1870145): (
        "another replace session is open for this audience; it ends by itself"
        " within 90 minutes"
    ),
    (2650, 1870147): f"the replace session has lost its first batch. {_SESSION}",
    (2650, 1870148): f"the replace session is incomplete. {_SESSION}",
    (2650, 1870158): f"the replace session took over 90 minutes. {_SESSION}",
    (2650, 1870159): f"the replace session is finished. {_SESSION}",
}
_BY_CODE: Mapping[int, str] = {
    190: "the access token is not valid or was revoked. Put a new one into"
    " META_ACCESS_TOKEN",
    200: "the access token lacks a permission (ads_management) on the ad account",
    368: "Meta blocked the account for a while over its policies. Look into"
    " Business Support",
    2635: "this version of the Graph API is gone. Update facebook-business",
    2654: "the account already has such a lookalike under another name",
    2655: "the business has to accept Meta's terms first",
}
_LATER_SUBCODES = frozenset({1870145, 1870147, 1870148, 1870158, 1870159})


@dataclass(frozen=True, slots=True)
class Trouble:
    """An answer that is no success. `code` is 0 where Meta gave none."""

    code: int
    subcode: int
    status: int
    wait_s: float
    trace: str

    @classmethod
    def of_network(cls) -> Self:
        """No answer at all."""
        return cls(code=0, subcode=0, status=0, wait_s=0.0, trace="")

    @property
    def codes(self) -> tuple[int, int]:
        """Meta's code and subcode."""
        return self.code, self.subcode

    @property
    def is_final(self) -> bool:
        """Whether no later call will succeed either."""
        if self.code in THROTTLED | TRANSIENT or self.subcode in _LATER_SUBCODES:
            return False
        return self.code != 0 or self.status in _FINAL_STATUSES

    def may_be_repeated(self, what: str) -> bool:
        """Whether the same call may be made again at once, or after the wait."""
        if self.code in THROTTLED:
            return True
        is_a_session_s = self.subcode in _LATER_SUBCODES
        return not (self.is_final or is_a_session_s or what == _NOT_TWICE)

    @property
    def explained(self) -> str:
        """What it is and what to do, without anything that we sent."""
        if not self.status:
            return "no answer came. Check META_GRAPH_URL and the network."
        if not self.code:
            return (
                f"the answer was HTTP {self.status} and not the Graph API's own."
                " Try later; if it stays, check META_GRAPH_URL."
            )
        known = _BY_CODES.get(self.codes) or _BY_CODE.get(self.code)
        if self.code in THROTTLED:
            minutes = round(self.wait_s / _MINUTE_S)
            known = f"too many calls; Meta asks for {minutes} minutes of quiet"
        elif self.code in TRANSIENT:
            known = "Meta had trouble of its own. Try later"
        number = f"{self.code}/{self.subcode}" if self.subcode else str(self.code)
        trace = f", trace {self.trace}" if self.trace else ""
        return f"{known or 'see the code'} (error {number}{trace})."


def trouble_of(status: int, headers: Mapping[str, str], body: str) -> Trouble | None:
    """None for a true success: HTTP 200 and a JSON object that holds no error."""
    content = _object(body)
    error = content.get("error") if content is not None else None
    if isinstance(error, dict):
        code = _whole(error.get("code"))
        return Trouble(
            code=code,
            subcode=_whole(error.get("error_subcode")),
            status=status,
            wait_s=wait_asked(headers) if code in THROTTLED else 0.0,
            trace=_trace(error.get("fbtrace_id")),
        )
    if content is None or status != _OK or content.get("success") is False:
        return Trouble(0, 0, status, 0.0, "")
    return None


def _object(body: str) -> dict[str, Any] | None:
    try:
        content = json.loads(body)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _trace(value: object) -> str:
    fits = isinstance(value, str) and value.isascii() and value.isalnum()
    return value[:32] if fits and isinstance(value, str) else ""


def wait_asked(headers: Mapping[str, str]) -> float:
    """The longest quiet that Meta asks for, in seconds; it counts in minutes."""
    usage = _object(headers.get("X-Business-Use-Case-Usage", "")) or {}
    minutes = [
        entry.get("estimated_time_to_regain_access", 0)
        for entries in usage.values()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, dict)
    ]
    return max((m * _MINUTE_S for m in minutes if isinstance(m, int)), default=0.0)
