"""The stand-ins of both platforms, as the random runs see them."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import requests

from activation.destinations.kinds import identity_for, opened
from activation.destinations.protocol import Destination
from activation.identifiers import Identifiers, Identity
from activation.patience import Patience
from activation.standins.faults import Chance
from activation.standins.google import GoogleStandin
from activation.standins.google import running as google_running
from activation.standins.memory import Row
from activation.standins.serving import running as graph_running
from bench._reach import AUDIENCE
from warehouse.settings import Settings

_SHARE = 0.15
_ACCOUNT = "1234567890"
_PATIENCE = Patience(attempts=2, sleep=lambda _: None)


@dataclass(slots=True, kw_only=True)
class Meta:
    """The stand-in of the Graph API, over HTTP."""

    address: str
    destination: Destination
    key: bytes

    def identity_of(self, one: Identifiers) -> Identity:
        """How people are named there."""
        return identity_for("meta", one, self.key)

    def rows(self) -> set[Row]:
        """Who is in the set."""
        state = requests.get(f"{self.address}/_standin/state", timeout=30).json()
        people = state.get("7", {}).get(f"Questlog {AUDIENCE}", [])
        return {frozenset((k, str(v)) for k, v in one.items()) for one in people}

    def disturb(self, chance: Random) -> None:
        """Error pages, lost answers, throttling."""
        self._post("faults", {"seed": chance.randint(0, 10**9), "share": _SHARE})

    def calm(self) -> None:
        """From now on all goes well."""
        requests.delete(f"{self.address}/_standin/faults", timeout=30)

    def delete(self) -> None:
        """Somebody deletes every audience."""
        self._post("reset", {})

    def _post(self, what: str, body: dict[str, object]) -> None:
        requests.post(f"{self.address}/_standin/{what}", json=body, timeout=30)


@dataclass(slots=True, kw_only=True)
class Google:
    """The stand-in of Google's APIs, over gRPC; it works when it likes."""

    standin: GoogleStandin
    destination: Destination
    key: bytes
    chance: Random

    def identity_of(self, one: Identifiers) -> Identity:
        """How people are named there."""
        return identity_for("google", one, self.key)

    def rows(self) -> set[Row]:
        """Who is in the list."""
        people = self.standin.state.members(_ACCOUNT, f"Questlog {AUDIENCE}")
        return {frozenset(one.items()) for one in people}

    def disturb(self, chance: Random) -> None:
        """Outages, lost answers, quotas, parts, and slow work."""
        self.standin.chance = Chance(
            chance.randint(0, 10**9),
            _SHARE,
            ("unavailable", "lost_reply", "throttle", "internal", "partial"),
        )
        self.standin.state.is_slow = chance.random() < 0.7  # noqa: PLR2004 - mostly

    def calm(self) -> None:
        """All goes well from now on, and what was taken is done, in any order."""
        self.standin.chance = None
        self.standin.state.is_slow = False
        self.standin.state.finish(last_first=self.chance.random() < 0.5)  # noqa: PLR2004 - half

    def delete(self) -> None:
        """Somebody deletes the list."""
        self.standin.state.lists_of(_ACCOUNT).clear()


@contextlib.contextmanager
def meta(key: bytes, clock: Callable[[], float] | None = None) -> Iterator[Meta]:
    """A fresh stand-in of Meta's, and the destination that goes to it."""
    with graph_running(*([clock] if clock else [])) as address:
        settings = Settings(
            meta_graph_url=address,
            meta_access_token="a-token",  # noqa: S106 - of a stand-in
            meta_ad_account_id="act_7",
        )
        yield Meta(
            address=address, destination=opened("meta", settings, _PATIENCE), key=key
        )


@contextlib.contextmanager
def google(key: bytes, chance: Random) -> Iterator[Google]:
    """A fresh stand-in of Google's, and the destination that goes to it."""
    moments = itertools.count(1_772_000_000)
    with google_running(lambda: float(next(moments))) as (address, standin):
        settings = Settings(
            google_endpoint=address,
            google_developer_token="a-token",  # noqa: S106 - of a stand-in
            google_customer_id=_ACCOUNT,
        )
        yield Google(
            standin=standin,
            destination=opened("google", settings, _PATIENCE),
            key=key,
            chance=chance,
        )
