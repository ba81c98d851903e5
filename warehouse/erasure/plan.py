"""What an erasure must remember until its end, and tells at it."""

from dataclasses import dataclass

import msgspec

from warehouse.erasure.words import Pattern, patterns
from warehouse.identity import DEVICE


class Plan(msgspec.Struct, frozen=True):
    """What an erasure must remember until its end; lies in the vault, encrypted."""

    erasure_id: str
    asked_for: str
    own_ids: tuple[str, ...]
    alone: tuple[str, ...]
    shared: int
    values: tuple[str, ...]
    """What the vault told of the person: it may stand in refused events' bytes."""
    half_staged: tuple[str, ...]
    """Loads that staging takes again when the person is gone, as their moments."""
    by: str
    because: str
    audiences: tuple[str, ...] | None = None
    removed: dict[str, int] = {}
    redacted: dict[str, int] = {}

    @property
    def bare_ids(self) -> list[str]:
        """The ids as texts hold them."""
        return [one.removeprefix(DEVICE) for one in self.alone]

    @property
    def devices_alone(self) -> list[str]:
        """Devices that only this person has, without `anon:`."""
        devices = (one for one in self.alone if one.startswith(DEVICE))
        return [one.removeprefix(DEVICE) for one in devices]

    @property
    def patterns(self) -> list[Pattern]:
        """What finds them there."""
        return patterns(self.bare_ids)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure did, without personal data; `was_done`: already before."""

    erasure_id: str
    erased_at: str
    ids: int
    kept_devices: int
    rows_removed: dict[str, int]
    rows_redacted: dict[str, int]
    audiences: tuple[str, ...]
    searched_columns: int
    was_done: bool = False
