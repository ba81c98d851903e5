"""People as the ad platforms may know them: digests, and nothing that could be read.

Everything here is pure. What can't be normalised (`normal_forms`) stays unknown.
Nothing but `Hashed` may leave the house.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from activation import normal_forms as normal
from warehouse.digests import keyed_digest
from warehouse.errors import BadInput

_DIGEST = re.compile("[0-9a-f]{64}")


class Identifiers(msgspec.Struct, frozen=True, gc=False):
    """What the vault and the marts know of one person; empty where unknown."""

    person_id: str
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    country: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    date_of_birth: str = ""

    def __repr__(self) -> str:
        """Without anything that names the person."""
        return "Identifiers(...)"


class Hashed(msgspec.Struct, frozen=True, gc=False):
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
    return Hashed(keyed_digest(key, person_id.encode()).hex())


def is_usable(person: Identifiers) -> bool:
    """Whether a platform could find the person: by e-mail address or phone."""
    return bool(
        normal.email(person.email) or normal.phone(person.phone, person.country)
    )


def meta_identity(person: Identifiers, key: bytes) -> Identity:
    """A person by Meta's keys."""
    born = normal.birth_date(person.date_of_birth, person.country)
    return {
        "EXTERN_ID": external_id(key, person.person_id),
        "EMAIL": hashed(normal.email(person.email)),
        "PHONE": hashed(normal.meta_phone(person.phone, person.country)),
        "FN": hashed(normal.meta_name(person.first_name)),
        "LN": hashed(normal.meta_name(person.last_name)),
        "CT": hashed(normal.meta_city(person.city)),
        "ST": hashed(normal.meta_state(person.region, person.country)),
        "ZIP": hashed(normal.meta_postcode(person.postcode, person.country)),
        "COUNTRY": _country(person.country),
        "DOBY": hashed(f"{born:%Y}" if born else None),
        "DOBM": hashed(f"{born:%m}" if born else None),
        "DOBD": hashed(f"{born:%d}" if born else None),
    }


@lru_cache(maxsize=1_000)
def _country(text: str) -> Hashed:
    """A country's digest, which many people share."""
    return hashed(normal.meta_country(text))


def google_identity(person: Identifiers, _: bytes) -> Identity:
    """A person by Google's keys.

    No address: Google takes one only with a postcode in clear.
    """
    return {
        "email_address": hashed(normal.google_email(person.email)),
        "phone_number": hashed(normal.phone(person.phone, person.country)),
    }


def plain_identity(person: Identifiers, key: bytes) -> Identity:
    """A person for whoever is no ad platform: digests by words, made as for Meta."""
    return {
        "external_id": external_id(key, person.person_id),
        "email_sha256": hashed(normal.email(person.email)),
        "phone_sha256": hashed(normal.phone(person.phone, person.country)),
    }
