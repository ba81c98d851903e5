"""The country of an IP address, while the address is whole: it is cut right after."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

from warehouse.errors import BadSetting

CountryOf = Callable[[str], str]
"""The ISO 3166 code of an address's country, such as DE; empty where none is known."""

# nothing that is remembered is written anywhere
_ADDRESSES_REMEMBERED: Final = 20_000


def nowhere(_address: str) -> str:
    """Knows no address: no database is set."""
    return ""


class _Reader(Protocol):
    def get(self, address: Any, /) -> Any: ...


def opened(path: Path | None) -> CountryOf:
    """What a database in MaxMind's format knows; nothing without one.

    GeoLite2, GeoIP2 and DB-IP all tell the country as `country.iso_code`. The file is
    read once: one that is put in its place counts from the next start. Raises
    BadSetting when it cannot be read.
    """
    if path is None:
        return nowhere
    import maxminddb

    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise BadSetting(
            f"QUESTLOG_COUNTRY_DATABASE: {path} is no database in MaxMind's format"
            f" ({type(error).__name__}). Fetch it anew, or leave the setting empty."
        ) from error
    return lru_cache(_ADDRESSES_REMEMBERED)(lambda text: _country(reader, text))


def _country(reader: _Reader, text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    try:
        found = reader.get(address)
    except ValueError:  # a database of IPv4 alone
        return ""
    for place in ("country", "registered_country"):
        told = found.get(place) if isinstance(found, dict) else None
        code = told.get("iso_code") if isinstance(told, dict) else None
        if isinstance(code, str):
            return code
    return ""
