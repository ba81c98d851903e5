"""Countries and states as the platforms write them: short codes, or nothing."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_STATES: Mapping[str, str] = {
    "alabama": "al",
    "alaska": "ak",
    "arizona": "az",
    "arkansas": "ar",
    "california": "ca",
    "colorado": "co",
    "connecticut": "ct",
    "delaware": "de",
    "districtofcolumbia": "dc",
    "florida": "fl",
    "georgia": "ga",
    "hawaii": "hi",
    "idaho": "id",
    "illinois": "il",
    "indiana": "in",
    "iowa": "ia",
    "kansas": "ks",
    "kentucky": "ky",
    "louisiana": "la",
    "maine": "me",
    "maryland": "md",
    "massachusetts": "ma",
    "michigan": "mi",
    "minnesota": "mn",
    "mississippi": "ms",
    "missouri": "mo",
    "montana": "mt",
    "nebraska": "ne",
    "nevada": "nv",
    "newhampshire": "nh",
    "newjersey": "nj",
    "newmexico": "nm",
    "newyork": "ny",
    "northcarolina": "nc",
    "northdakota": "nd",
    "ohio": "oh",
    "oklahoma": "ok",
    "oregon": "or",
    "pennsylvania": "pa",
    "rhodeisland": "ri",
    "southcarolina": "sc",
    "southdakota": "sd",
    "tennessee": "tn",
    "texas": "tx",
    "utah": "ut",
    "vermont": "vt",
    "virginia": "va",
    "washington": "wa",
    "washingtondc": "dc",
    "westvirginia": "wv",
    "wisconsin": "wi",
    "wyoming": "wy",
    "americansamoa": "as",
    "guam": "gu",
    "northernmarianaislands": "mp",
    "puertorico": "pr",
    "virginislands": "vi",
}
"""States and territories of the United States → ANSI's abbreviation."""

UNITED_STATES = "US"


def state_code(letters: str) -> str | None:
    """ANSI's abbreviation of a state, from its name or itself, both letters alone."""
    return _STATES.get(letters) or (letters if letters in _STATES.values() else None)


@lru_cache(maxsize=1_000)
def is_country_code(text: str) -> bool:
    """Whether it is a code of ISO 3166-1, two capital letters."""
    import pycountry

    return len(text) == len("DE") and pycountry.countries.get(alpha_2=text) is not None


@lru_cache(maxsize=1_000)
def country_code(text: str) -> str | None:
    """The code of a country told by a code or a name of ISO 3166-1, such as `Germany`.

    Only whole names count: one that is nearly right is refused.
    """
    import pycountry

    told = " ".join(unicodedata.normalize("NFC", text).split())
    if len(told) < len("DE"):
        return None
    try:
        found = pycountry.countries.lookup(told)
    except LookupError:
        return None
    # a number of the standard is no way in which people tell a country
    return None if told.isdecimal() else str(found.alpha_2)
