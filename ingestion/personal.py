"""Find direct identifiers and IP addresses in an event's objects."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ingestion.rows import json_text

_IP_KEYS: Final = frozenset({"ip", "ipaddress", "ipaddr", "clientip", "remoteaddr"})
_KEYS_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Identifier:
    """A direct identifier in an event, by its taxonomy name, and where it stands."""

    name: str
    value: str
    holder: dict[str, Any]
    key: str

    def replace_by(self, token: str) -> None:
        """Put the vault's token in the identifier's place."""
        self.holder[self.key] = token


class PersonalKeys:
    """Tells by its key whether a value is a direct identifier or an IP address.

    Spelling does not hide one: `firstName` and `First-Name` are `first_name`.
    Harmless keys are remembered, so that most events cost one set comparison.
    """

    def __init__(self, direct_names: frozenset[str]) -> None:
        self._direct = {_plain(name): name for name in direct_names}
        self._harmless: set[str] = set()

    def are_harmless(self, keys: dict[str, Any]) -> bool:
        """Whether all of these keys are known to hold nothing personal."""
        return self._harmless.issuperset(keys)

    def direct_name(self, key: str) -> str | None:
        """The taxonomy's name of a direct identifier, or None."""
        return self._direct.get(_plain(key))

    def remember_if_harmless(self, key: str) -> None:
        """Note a key that is neither direct nor an address."""
        plain = _plain(key)
        if plain not in self._direct and plain not in _IP_KEYS:
            if len(self._harmless) >= _KEYS_REMEMBERED:
                self._harmless.clear()
            self._harmless.add(key)


@lru_cache(maxsize=_KEYS_REMEMBERED)
def _plain(key: str) -> str:
    return "".join(letter for letter in key.casefold() if letter.isalnum())


def identifiers(found: dict[str, Any], keys: PersonalKeys) -> list[Identifier]:
    """The direct identifiers of an object, at any depth; addresses are cut in place.

    A direct identifier that is no text is kept as the JSON text of its value.
    """
    if keys.are_harmless(found) and not _holds_more(found):
        return []
    return list(_searched(found, keys))


def _holds_more(found: dict[str, Any]) -> bool:
    return any(value.__class__ in (dict, list) for value in found.values())


def _searched(found: Any, keys: PersonalKeys) -> Iterator[Identifier]:
    if isinstance(found, list):
        for value in found:
            if value.__class__ in (dict, list):
                yield from _searched(value, keys)
        return
    for key, value in found.items():
        name = keys.direct_name(key)
        if name is not None:
            if value is not None:
                yield Identifier(name, _as_text(value), found, key)
        elif _plain(key) in _IP_KEYS:
            found[key] = truncated(value) if isinstance(value, str) else None
        elif value.__class__ in (dict, list):
            yield from _searched(value, keys)
        else:
            keys.remember_if_harmless(key)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


@lru_cache(maxsize=_KEYS_REMEMBERED)
def truncated(address: str) -> str | None:
    """An IP address without its last bits: /24 of IPv4, /48 of IPv6.

    None for what is no address: it could hold anything.
    """
    try:
        read = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(read, ipaddress.IPv6Address) and read.ipv4_mapped is not None:
        read = read.ipv4_mapped
    bits = 24 if read.version == 4 else 48  # noqa: PLR2004 - the versions of IP
    return str(ipaddress.ip_network((read.packed, bits), strict=False).network_address)
