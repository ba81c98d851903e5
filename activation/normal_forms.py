"""Identifiers in the form that the platforms have published, or refused.

Everything here is pure. A normaliser returns None for what it cannot stand for: a wrong
hash never matches, and an invented one matches somebody else. What two platforms ask
for differently has two functions.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

from activation.places import UNITED_STATES, country_code, is_country_code, state_code

_EMAIL = re.compile(
    r"[^\s@<>(),;:\"\[\]\\]+@[^\s@<>(),;:\"\[\]\\.]+(\.[^\s@<>(),;:\"\[\]\\.]+)+"
)
_LONGEST_EMAIL = 254
_WITHOUT_MARKS = str.maketrans(dict.fromkeys(" \u00a0\t-\u2010\u2011\u2013().+/"))
_WITH_COUNTRY = re.compile(r"(.*[0-9)])\s+([A-Za-z]{2})")
_NORTH_AMERICAN = re.compile("1[2-9][0-9]{2}[2-9][0-9]{6}")
_SHORTEST_BARE_PHONE = 11
_ZIP = re.compile("([0-9]{5})(?:-?[0-9]{4})?")
_ZIP_PLUS_4 = re.compile("([0-9]{5})-[0-9]{4}")
_LONGEST_POSTCODE = 12
_MADID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OLDEST_YEAR, _NEWEST_YEAR = 1900, 2100
_DATES = (
    # year first, with or without marks, or a time after it that does not count
    re.compile(r"(?P<y>\d{4})([-/.]?)(?P<m>\d{2})\2(?P<d>\d{2})(?:[T ].*)?"),
    # day first, as whoever writes dots does
    re.compile(r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4})"),
)
_EITHER_FIRST = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_MONTH_FIRST = frozenset({UNITED_STATES, "PH", "GU", "PR"})
_MONTHS = 12
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir"})
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "md", "esq"})
_GENDERS: Mapping[str, str] = {"f": "f", "female": "f", "m": "m", "male": "m"}


def email(text: str) -> str | None:
    """Lower case, outer space gone; dots and tags stay, they may tell people apart."""
    lowered = text.strip().lower()
    if len(lowered) > _LONGEST_EMAIL or not _EMAIL.fullmatch(lowered):
        return None
    local = lowered.partition("@")[0]
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    return lowered if lowered.isprintable() else None


def google_email(text: str) -> str | None:
    """As `email`, inner space gone too; at Gmail dots and a +tag do not count."""
    plain = email("".join(text.split()))
    if plain is None:
        return None
    local, _, domain = plain.partition("@")
    if domain not in {"gmail.com", "googlemail.com"}:
        return plain
    local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def phone(text: str, country: str = "") -> str | None:
    """E.164 with its plus sign, read as a number of the person's country.

    A country's code after the number counts before that. Without a plus sign and a
    country only a number that carries its country code beyond doubt is accepted.
    Extensions and letters are refused.
    """
    if not text:
        return None
    stripped = text.strip()
    told = _WITH_COUNTRY.fullmatch(stripped)
    if told and is_country_code(told.group(2).upper()):
        stripped, country = told.group(1), told.group(2)
    digits = stripped.translate(_WITHOUT_MARKS)
    if not digits.isdecimal():
        return None
    if stripped.startswith("+"):
        return _e164("+" + digits, region=None, must_be_valid=False)
    region = country.strip().upper()
    national = region and _e164(digits, region=region, must_be_valid=True)
    return national or _bare(digits)


def _bare(digits: str) -> str | None:
    international = digits.removeprefix("00")
    if len(international) < _SHORTEST_BARE_PHONE:
        return None
    beyond_doubt = bool(_NORTH_AMERICAN.fullmatch(international))
    return _e164("+" + international, region=None, must_be_valid=not beyond_doubt)


def _e164(text: str, *, region: str | None, must_be_valid: bool) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    judge = (
        phonenumbers.is_valid_number
        if must_be_valid
        else phonenumbers.is_possible_number
    )
    if not judge(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def meta_phone(text: str, country: str = "") -> str | None:
    """Digits alone, country code first."""
    number = phone(text, country)
    return number and number.removeprefix("+")


def meta_name(text: str) -> str | None:
    """Lower case without space and punctuation; every alphabet keeps its letters."""
    if not text:
        return None
    if text.isascii() and text.isalpha():
        # the way most names take, a tenth of the work
        return text.lower()
    is_name = not any(unicodedata.category(mark)[0] in "NCS" for mark in text.strip())
    return _letters(text) if is_name and "@" not in text else None


def meta_initial(text: str) -> str | None:
    """The first letter of a given name."""
    name = meta_name(text)
    return name and name[0]


def meta_city(text: str) -> str | None:
    """As a name."""
    return meta_name(text)


def meta_state(text: str, country: str = "") -> str | None:
    """ANSI's two letters for a state of the US, letters alone for others.

    Without a country, what is a state's name or code is taken for it.
    """
    letters = meta_name(text)
    if letters is None:
        return None
    region = country_code(country)
    if region == UNITED_STATES:
        return state_code(letters)
    return (None if region else state_code(letters)) or letters


def meta_postcode(text: str, country: str = "") -> str | None:
    """Lower case, space and dashes gone; of the US, the first five digits.

    Without a country, nine digits with a dash are one of the US.
    """
    if not text:
        return None
    written = "".join(unicodedata.normalize("NFKC", text).lower().split())
    american = country_code(country) == UNITED_STATES
    zip_code = (_ZIP if american else _ZIP_PLUS_4).fullmatch(written)
    if american or zip_code:
        return zip_code and zip_code.group(1)
    normal = re.sub("[-\u2010-\u2015]", "", written)
    is_postcode = normal.isalnum() and any(mark.isdecimal() for mark in normal)
    return normal if is_postcode and len(normal) <= _LONGEST_POSTCODE else None


def meta_country(text: str) -> str | None:
    """Two lower-case letters of ISO 3166, from a code or a name."""
    code = country_code(text)
    return code and code.lower()


def meta_gender(text: str) -> str | None:
    """`f` or `m`, the two that Meta knows."""
    return _GENDERS.get(text.strip().lower())


def birth_date(text: str, country: str = "") -> date | None:
    """A day of birth, written year first, or with dots, or as the country writes it.

    With slashes the day and the month are told apart by one that is over twelve, else
    by the country; without one such a date is refused.
    """
    written = text.strip()
    if not written:
        return None
    for pattern in _DATES:
        found = pattern.fullmatch(written)
        if found:
            return _day(found["y"], found["m"], found["d"])
    found = _EITHER_FIRST.fullmatch(written)
    if found is None:
        return None
    first, second, year = found.groups()
    region = country_code(country)
    if int(first) > _MONTHS or (int(second) <= _MONTHS and region not in _MONTH_FIRST):
        known = int(first) > _MONTHS or region is not None or first == second
        return _day(year, second, first) if known else None
    return _day(year, first, second)


def _day(year: str, month: str, day: str) -> date | None:
    if not _OLDEST_YEAR <= int(year) <= _NEWEST_YEAR:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def meta_birth_date(text: str, country: str = "") -> str | None:
    """Year, month and day as eight digits, for conversions."""
    day = birth_date(text, country)
    return f"{day:%Y%m%d}" if day else None


def meta_birth_year(text: str) -> str | None:
    """Four digits, from 1900."""
    written = text.strip()
    is_year = re.fullmatch("[0-9]{4}", written) is not None
    fits = is_year and _OLDEST_YEAR <= int(written) <= _NEWEST_YEAR
    return written if fits else None


def meta_birth_month(text: str) -> str | None:
    """Two digits, 01 to 12."""
    return _two_digits(text, _MONTHS)


def meta_birth_day(text: str) -> str | None:
    """Two digits, 01 to 31."""
    return _two_digits(text, 31)


def meta_advertising_id(text: str) -> str | None:
    """A phone's advertising id: lower case, its dashes kept, never hashed."""
    lowered = text.strip().lower()
    return lowered if _MADID.fullmatch(lowered) else None


def google_given_name(text: str) -> str | None:
    """Lower case, outer space gone, without a title such as Mrs."""
    words = _words(text)
    while len(words) > 1 and words[0].rstrip(".") in _TITLES:
        words = words[1:]
    return " ".join(words) or None


def google_family_name(text: str) -> str | None:
    """Lower case, outer space gone, without a suffix such as Jr."""
    words = _words(text)
    while len(words) > 1 and words[-1].rstrip(".") in _SUFFIXES:
        words = [*words[:-2], words[-2].rstrip(",")]
    return " ".join(words) or None


def google_region(text: str) -> str | None:
    """Two upper-case letters of ISO 3166, or nothing; Google wants it unhashed."""
    code = text.strip().upper()
    return code if is_country_code(code) else None


def google_postcode(text: str) -> str | None:
    """As written, outer space gone; Google wants it unhashed."""
    return text.strip() or None


def _letters(text: str) -> str | None:
    """The letters of a text in lower case, composed; None when there are none."""
    lowered = unicodedata.normalize("NFC", text).lower()
    kept = "".join(mark for mark in lowered if unicodedata.category(mark)[0] in "LM")
    normal = unicodedata.normalize("NFC", kept)
    has_letter = any(unicodedata.category(mark)[0] == "L" for mark in normal)
    return normal if has_letter else None


def _words(text: str) -> list[str]:
    return unicodedata.normalize("NFC", text).lower().split()


def _two_digits(text: str, most: int) -> str | None:
    written = text.strip()
    fits = re.fullmatch("[0-9]{1,2}", written) and 1 <= int(written) <= most
    return f"{int(written):02d}" if fits else None


Normaliser = Callable[[str], str | None]
NORMAL_FORMS: Mapping[str, Mapping[str, Normaliser]] = {
    "meta": {
        "EMAIL": email,
        "PHONE": meta_phone,
        "GEN": meta_gender,
        "DOB": meta_birth_date,
        "DOBY": meta_birth_year,
        "DOBM": meta_birth_month,
        "DOBD": meta_birth_day,
        "FN": meta_name,
        "LN": meta_name,
        "FI": meta_initial,
        "CT": meta_city,
        "ST": meta_state,
        "ZIP": meta_postcode,
        "COUNTRY": meta_country,
        "MADID": meta_advertising_id,
    },
    "google": {
        "email": google_email,
        "phone": phone,
        "given": google_given_name,
        "family": google_family_name,
        "region": google_region,
        "postal": google_postcode,
    },
}
"""Platform → key → the normaliser of one value that stands alone."""
