"""Find direct identifiers and IP addresses in an event's objects."""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from ingestion.rows import json_text

_IP_KEYS: Final = frozenset({"ip", "ipaddress", "ipaddr", "clientip", "remoteaddr"})
_SHAPES_REMEMBERED: Final = 10_000
_LONGEST_SHAPE: Final = 40


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
    Senders use few shapes of objects; what a shape holds is remembered, so that most
    events cost one look-up.
    """

    def __init__(self, direct_names: frozenset[str]) -> None:
        self._direct = {_plain(name): name for name in direct_names}
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def personal_keys(self, found: Iterable[str]) -> tuple[str, ...]:
        """Of the keys of objects those that hold something personal."""
        shape = tuple(found)
        keys = self._shapes.get(shape)
        if keys is None:
            keys = tuple(key for key in shape if self._is_personal(_plain(key)))
            if len(self._shapes) >= _SHAPES_REMEMBERED:
                self._shapes.clear()
            if len(shape) <= _LONGEST_SHAPE:
                self._shapes[shape] = keys
        return keys

    def direct_name(self, key: str) -> str | None:
        """The taxonomy's name of a direct identifier; None for an address."""
        return self._direct.get(_plain(key))

    def _is_personal(self, plain: str) -> bool:
        return plain in self._direct or plain in _IP_KEYS


@lru_cache(maxsize=20_000)
def _plain(key: str) -> str:
    return "".join(letter for letter in key.casefold() if letter.isalnum())


def is_nested(found: dict[str, Any]) -> bool:
    """Whether an object holds objects or arrays."""
    for value in found.values():
        if value.__class__ is dict or value.__class__ is list:
            return True
    return False


def identifiers(found: dict[str, Any], keys: PersonalKeys) -> list[Identifier]:
    """The direct identifiers of an object, at any depth; addresses are cut in place.

    A direct identifier that is no text is kept as the JSON text of its value.
    """
    if not found:
        return []
    personal = keys.personal_keys(found)
    nested = is_nested(found)
    if not personal and not nested:
        return []
    made = []
    for key in personal:
        name, value = keys.direct_name(key), found[key]
        if name is None:
            found[key] = truncated(value) if isinstance(value, str) else None
        elif value is not None:
            text = value if isinstance(value, str) else json_text(value)
            made.append(Identifier(name, text, found, key))
    if nested:
        inner = [value for key, value in found.items() if key not in personal]
        made += _inside(inner, keys)
    return made


def _inside(values: list[Any], keys: PersonalKeys) -> Iterator[Identifier]:
    for value in values:
        if isinstance(value, dict):
            yield from identifiers(value, keys)
        elif isinstance(value, list):
            yield from _inside(value, keys)


@lru_cache(maxsize=20_000)
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
