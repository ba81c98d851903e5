"""Calls about members, timed: those of a sync, and the same ones with nothing else.

At Meta the latter are the SDK's own, as its documentation shows them. Our destination
writes its uploads more quickly, and would be held against itself.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from activation.destinations.protocol import (
    Answer,
    Destination,
    Member,
    Outcome,
    Wanted,
)
from activation.identifiers import UNKNOWN, Identifiers, Identity
from activation.meta_rows import known_keys
from bench._crowd import Crowd
from warehouse.settings import Settings


@dataclass(slots=True)
class Timed:
    """A destination whose calls are counted and timed."""

    inner: Destination
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    calls: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def find(self, wanted: Wanted) -> str:
        """The id of the set."""
        return self.inner.find(wanted)

    def add(self, *given: Any) -> Answer:
        """Put members in."""
        return self._timed(self.inner.add, given)

    def remove(self, *given: Any) -> Answer:
        """Take people out."""
        return self._timed(self.inner.remove, given)

    def outcome(self, request_id: str) -> Outcome:
        """How a batch stands: of the time of calls, but no call about members."""
        began, cpu_began = time.monotonic(), time.process_time()
        told = self.inner.outcome(request_id)
        self.seconds += time.monotonic() - began
        self.cpu_seconds += time.process_time() - cpu_began
        return told

    def _timed(self, call: Any, given: Any) -> Answer:
        began, cpu_began = time.monotonic(), time.process_time()
        told: Answer = call(*given)
        self.seconds += time.monotonic() - began
        self.cpu_seconds += time.process_time() - cpu_began
        self.calls += 1
        return told


@dataclass(frozen=True, slots=True)
class BySdk:
    """Meta's audiences by the SDK's methods and its own session."""

    inner: Destination
    api: FacebookAdsApi

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def add(self, remote_id: str, members: Sequence[Member]) -> Answer:
        """Put members in."""
        return self._told(remote_id, [one.identity for one in members], {})

    def remove(self, remote_id: str, identities: Sequence[Identity]) -> Answer:
        """Take people out; by a POST, for the SDK's removal has them in the URL."""
        return self._told(remote_id, identities, {"method": "delete"})

    def _told(
        self, remote_id: str, identities: Sequence[Identity], params: dict[str, Any]
    ) -> Answer:
        keys = known_keys(identities)
        data = [[one.get(key, UNKNOWN).hex for key in keys] for one in identities]
        params["payload"] = {"schema": list(keys), "is_raw": True, "data": data}
        answer = CustomAudience(remote_id, api=self.api).create_user(params=params)
        return Answer(received=int(answer["num_received"]))


def by_sdk(meta: Destination, settings: Settings) -> Destination:
    """Meta as it is without us: its calls about members are the SDK's."""
    session = FacebookSession(access_token=settings.meta_access_token)
    session.GRAPH = settings.meta_graph_url
    return cast("Destination", BySdk(meta, FacebookAdsApi(session)))


@dataclass(frozen=True, slots=True)
class Bare:
    """The calls that a crowd's change makes needed, without ledger and plan.

    People are named beforehand, a batch at a time, and that is not counted: of a sync
    it is our own part.
    """

    crowd: Crowd
    destination: Destination
    identity_of: Callable[[Identifiers], Identity]

    def before(self, remote_id: str) -> tuple[float, float]:
        """What the calls take, one after the other, and of it this process's CPU.

        The set is as before then.
        """
        taken = self._change(remote_id)
        self._take_back(remote_id)
        return taken

    def after(self, remote_id: str) -> tuple[float, float]:
        """The same once a sync has made them. The set is as after it then."""
        self._take_back(remote_id)
        return self._change(remote_id)

    def _change(self, remote_id: str) -> tuple[float, float]:
        timed = Timed(self.destination)
        for leaving in self._in_batches(self.crowd.leaving()):
            self._done(timed, timed.remove(remote_id, leaving))
        for coming in self._in_batches(self.crowd.coming()):
            members = [Member(identity=one) for one in coming]
            self._done(timed, timed.add(remote_id, members))
        return timed.seconds, timed.cpu_seconds

    def _take_back(self, remote_id: str) -> None:
        for coming in self._in_batches(self.crowd.coming()):
            self.destination.remove(remote_id, coming)
        for leaving in self._in_batches(self.crowd.leaving()):
            members = [Member(identity=one) for one in leaving]
            self.destination.add(remote_id, members)

    def _in_batches(self, people: Iterable[Identifiers]) -> Iterator[list[Identity]]:
        named = map(self.identity_of, people)
        size = self.destination.limits.members_a_batch
        while batch := list(itertools.islice(named, size)):
            yield batch

    @staticmethod
    def _done(timed: Timed, told: Answer) -> None:
        """A sync asks after what was taken, where that can be known at once."""
        if told.request_id:
            timed.outcome(told.request_id)
