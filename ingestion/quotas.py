"""How many events a write key may send: a bucket of tokens for each key."""

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from ingestion.bodies import MOST_EVENTS

BURST_S: Final = 10


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key may still send; `wait_s` is 0 when the request may pass."""

    capacity: int
    remaining: int
    full_in_s: int
    wait_s: int = 0

    def headers(self) -> Mapping[str, str]:
        """The allowance as response headers.

        The two fields of the IETF's present draft, and the three of the drafts
        before it, which more clients read.
        """
        policy = f'"events";q={self.capacity};w={BURST_S}'
        found = {
            "RateLimit-Policy": policy,
            "RateLimit": f'"events";r={self.remaining};t={self.full_in_s}',
            "RateLimit-Limit": str(self.capacity),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.full_in_s),
        }
        return found | {"Retry-After": str(self.wait_s)} if self.wait_s else found


@dataclass(slots=True)
class Bucket:
    """What a key may still send, as of a moment."""

    tokens: float
    at: float


class Buckets(Protocol):
    """Where the buckets of keys are; a key is the SHA-256 of a write key, in hex."""

    def held(self, key: str, new: Bucket) -> AbstractContextManager[Bucket]:
        """The bucket of a key to change, for nobody else meanwhile; at first `new`."""


@dataclass(frozen=True, slots=True)
class OwnBuckets:
    """The buckets of one process. Not for several threads at once."""

    _kept: dict[str, Bucket] = field(default_factory=dict)

    @contextmanager
    def held(self, key: str, new: Bucket) -> Iterator[Bucket]:
        """See Buckets."""
        yield self._kept.setdefault(key, new)


class Quotas:
    """Takes from the buckets; `rate` is in events a second, 0 for no limit.

    A bucket holds what comes in within ten seconds, and a whole batch at least, so
    that no batch is too large for ever.
    """

    def __init__(self, rate: int = 0, buckets: Buckets | None = None) -> None:
        self._rate = rate
        self._buckets = OwnBuckets() if buckets is None else buckets

    def take(
        self, key: str, events: int, *, now: float, rate: int | None = None
    ) -> Allowance | None:
        """Take the tokens for some events, all or none; None where no limit is set.

        `now` are seconds of a clock that never goes back, `rate` the key's own.
        """
        rate = self._rate if rate is None else rate
        if rate == 0:
            return None
        capacity = max(rate * BURST_S, MOST_EVENTS)
        with self._buckets.held(key, Bucket(capacity, now)) as bucket:
            grown = bucket.tokens + max(0.0, now - bucket.at) * rate
            bucket.tokens, bucket.at = min(capacity, grown), max(now, bucket.at)
            missing = events - bucket.tokens
            if missing <= 0:
                bucket.tokens -= events
            remaining = bucket.tokens
        return Allowance(
            capacity=capacity,
            remaining=int(remaining),
            full_in_s=math.ceil((capacity - remaining) / rate),
            wait_s=max(1, math.ceil(missing / rate)) if missing > 0 else 0,
        )
