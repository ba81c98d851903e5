"""What happens in the world, before it is written as an event of the wire."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A browser or telephone; `mobile` ones go offline and keep their events.

    Its clock is `ahead` of the true time by so many milliseconds, or behind.
    """

    anonymous_id: str
    mobile: bool
    timezone: str
    ahead: int = 0
    context: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stay on one device, under the session id that the client made up.

    Events of a visit that is `held_until` a moment reach the door after it.
    """

    device: Device
    session_id: str
    held_until: int = 0


class Happening(NamedTuple):
    """One thing that happened to someone; a tuple because there are so many.

    `user_id` is empty for a visitor; `visit` is None for what a server reports.
    """

    at: int
    name: str
    properties: Properties
    user_id: str
    visit: Visit | None
    traits: Properties | None = None
