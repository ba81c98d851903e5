"""Identifiers as the ad platforms want them: normalised, or refused, then hashed.

Everything here is pure. A normaliser returns None for what it cannot stand for:
a wrong hash never matches, and an invented one matches somebody else. Nothing
but `Hashed` may leave the house.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from warehouse.errors import BadInput

_EMAIL = re.compile(
    r"[^\s@<>(),;:\"\[\]\\]+@[^\s@<>(),;:\"\[\]\\.]+(\.[^\s@<>(),;:\"\[\]\\.]+)+"
)
_LONGEST_EMAIL = 254
_PHONE_MARKS = frozenset(" \u00a0\t-\u2010\u2011\u2013().+/")
_NORTH_AMERICAN = re.compile("1[2-9][0-9]{2}[2-9][0-9]{6}")
_SHORTEST_BARE_PHONE = 11
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, repr=False)
class Identifiers:
    """What the vault and the marts know of one person; empty where unknown."""

    person_id: str
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Hashed:
    """A digest, or nothing: the only thing a destination accepts."""

    hex: str

    def __post_init__(self) -> None:
        if self.hex and not _DIGEST.fullmatch(self.hex):
            raise BadInput(
                "A value that is no SHA-256 digest was about to leave for an ad"
                " platform. Hash it with activation.identifiers first."
            )

    def __repr__(self) -> str:
        return f"Hashed({'known' if self.hex else 'unknown'})"


UNKNOWN = Hashed("")
Identity = Mapping[str, Hashed]
"""One person for one platform: the platform's key → digest."""


def hashed(normal: str | None) -> Hashed:
    """The digest of a normal form; unknown stays unknown, never sha256("")."""
    if not normal:
        return UNKNOWN
    return Hashed(hashlib.sha256(normal.encode()).hexdigest())


def external_key(master_key: bytes) -> bytes:
    """The key of external ids, derived so that it opens nothing else."""
    return hmac.digest(master_key, b"questlog/activation/external-id/1", "sha256")


def external_id(key: bytes, person_id: str) -> Hashed:
    """A stable name for a person that only we can tie to our own id."""
    return Hashed(hmac.new(key, person_id.encode(), hashlib.sha256).hexdigest())


def is_usable(person: Identifiers) -> bool:
    """Whether a platform could find the person: by e-mail address or phone."""
    return bool(email(person.email) or phone(person.phone, person.country))


def meta_identity(person: Identifiers, key: bytes) -> Identity:
    """A person by Meta's keys."""
    return {
        "EXTERN_ID": external_id(key, person.person_id),
        "EMAIL": hashed(email(person.email)),
        "PHONE": hashed(meta_phone(person.phone, person.country)),
        "FN": hashed(meta_name(person.first_name)),
        "LN": hashed(meta_name(person.last_name)),
        "COUNTRY": hashed(meta_country(person.country)),
    }


def google_identity(person: Identifiers, _: bytes) -> Identity:
    """A person by Google's keys.

    No address: Google takes one only with a postcode, which we do not have.
    """
    return {
        "email_address": hashed(google_email(person.email)),
        "phone_number": hashed(phone(person.phone, person.country)),
    }


HASHING: Mapping[str, Callable[[Identifiers, bytes], Identity]] = {
    "meta": meta_identity,
    "google": google_identity,
}
"""Platform → how its identities are made."""


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
    """As `email`; at Gmail's domains dots and a +tag do not count."""
    plain = email(text)
    if plain is None:
        return None
    local, _, domain = plain.partition("@")
    if domain not in {"gmail.com", "googlemail.com"}:
        return plain
    local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def phone(text: str, country: str = "") -> str | None:
    """E.164 with its plus sign, read as a number of the person's country.

    Without a plus sign and a country only a number that carries its country code
    beyond doubt is accepted. Extensions and letters are refused.
    """
    stripped = text.strip()
    digits = "".join(mark for mark in stripped if mark.isdecimal())
    if not digits or not all(m.isdecimal() or m in _PHONE_MARKS for m in stripped):
        return None
    if stripped.startswith("+"):
        return _e164("+" + digits, region=None, must_be_valid=False)
    region = country.strip().upper()
    national = region and _e164(digits, region=region, must_be_valid=True)
    return national or _bare(digits)


def _bare(digits: str) -> str | None:
    if len(digits) < _SHORTEST_BARE_PHONE:
        return None
    beyond_doubt = bool(_NORTH_AMERICAN.fullmatch(digits))
    return _e164("+" + digits, region=None, must_be_valid=not beyond_doubt)


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
    lowered = unicodedata.normalize("NFC", text).lower()
    kept = "".join(mark for mark in lowered if unicodedata.category(mark)[0] in "LM")
    normal = unicodedata.normalize("NFC", kept)
    is_name = not any(unicodedata.category(mark)[0] in "NCS" for mark in text.strip())
    has_letter = any(unicodedata.category(mark)[0] == "L" for mark in normal)
    return normal if is_name and has_letter and "@" not in text else None


def google_name(text: str) -> str | None:
    """Lower case, outer space gone."""
    return text.strip().lower() or None


def meta_country(text: str) -> str | None:
    """Two lower-case letters of ISO 3166, or nothing."""
    region = google_region(text)
    return region and region.lower()


def google_region(text: str) -> str | None:
    """Two upper-case letters of ISO 3166, or nothing; Google wants it unhashed."""
    import phonenumbers

    code = text.strip().upper()
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def google_postcode(text: str) -> str | None:
    """As written, outer space gone; Google wants it unhashed."""
    return text.strip() or None
