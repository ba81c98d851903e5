"""Every kind of destination there is, found in this folder, and which are in use.

A kind is one file of this folder that declares `KIND`; nothing else has to name it.
Such a file is light to import: an SDK is imported when a destination is opened.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType

import activation.destinations as folder
from activation.destinations.protocol import Destination
from activation.identifiers import Identifiers, Identity
from activation.patience import Patience
from warehouse.errors import BadInput, BadSetting
from warehouse.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a file of this folder says of the destination in it.

    `identity` makes a person's digests by the destination's keys, with the key of our
    external ids. `wants` names the settings that open it; `is_started` tells whether
    any of them is set. `open` raises BadSetting naming what is missing.
    """

    name: str
    meaning: str
    wants: Sequence[str]
    identity: Callable[[Identifiers, bytes], Identity]
    is_started: Callable[[Settings], bool]
    open: Callable[[Settings, Patience], Destination]


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by name."""
    modules = (
        import_module(f"{folder.__name__}.{one.name}")
        for one in pkgutil.iter_modules(folder.__path__)
    )
    declared = (getattr(module, "KIND", None) for module in modules)
    return MappingProxyType(
        {kind.name: kind for kind in declared if isinstance(kind, Kind)}
    )


def started(settings: Settings) -> Sequence[str]:
    """The names of destinations of which any setting is set."""
    return [name for name, kind in kinds().items() if kind.is_started(settings)]


def configured(settings: Settings) -> Sequence[str]:
    """The names of destinations to send to.

    Raises BadSetting when there is none.
    """
    found = started(settings)
    if not found:
        wanted = "; ".join(
            f"{name}: {', '.join(kind.wants)}" for name, kind in kinds().items()
        )
        raise BadSetting(
            f"No destination is set, so there is nowhere to send to. Set one of"
            f" {wanted} (docs/settings.md). Platforms have stand-ins on this machine:"
            " `questlog serve graph-standin`, `questlog serve google-standin`."
        )
    return found


def opened(
    name: str, settings: Settings, patience: Patience | None = None
) -> Destination:
    """The destination of a kind, by the settings.

    Raises BadInput when there is no such kind, BadSetting naming what is missing.
    """
    if name not in kinds():
        raise BadInput(f"{name!r} is no destination; there are {', '.join(kinds())}.")
    return kinds()[name].open(settings, patience or Patience())


def identity_for(name: str, person: Identifiers, key: bytes) -> Identity:
    """A person's digests by the keys of a destination."""
    return kinds()[name].identity(person, key)
