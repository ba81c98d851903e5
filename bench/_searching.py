"""Look for people where none may be: in logs, in errors, in every table."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from activation.identifiers import Identifiers
from activation.sending import IdentityOf
from bench._reach import Town
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_LOOKS_LIKE = re.compile(
    rb"[\w.+-]+@[\w-]+\.\w+|\+?49[0-9]{6,12}|[0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}="
)


@dataclass(frozen=True, slots=True)
class Found:
    """How often secrets were found, how many were looked for, in how many bytes."""

    times: int = 0
    secrets: int = 0
    read: int = 0

    def __add__(self, other: "Found") -> "Found":
        return Found(
            self.times + other.times,
            self.secrets + other.secrets,
            self.read + other.read,
        )


def secrets_of(town: Town, identity_of: IdentityOf) -> set[bytes]:
    """All that anybody ever stated, and its digests as text, as bytes, as base64.

    External ids are left out: they are names of ours that stand for nobody elsewhere.
    """
    secrets: set[bytes] = set()
    for value in town.stated:
        secrets |= {value.encode(), value.removeprefix("+").encode()}
        is_mail = "@" in value
        one = Identifiers(
            "nobody",
            email=value if is_mail else "",
            phone="" if is_mail else value,
            country="DE",
        )
        for name, digest in identity_of(one).items():
            if digest.hex and name not in {"EXTERN_ID", "COUNTRY"}:
                plain = bytes.fromhex(digest.hex)
                secrets |= {digest.hex.encode(), plain, base64.b64encode(plain)}
    return secrets


def times_found(
    secrets: set[bytes], client: "Client", log: Path, told: Iterable[str]
) -> Found:
    """How often any of them stands in a log, in what was told, or in a table."""
    texts = [log.read_bytes(), "\n".join(told).encode()]
    tables = [
        client.raw_query(f"select * from {row['name']} format TSVRaw")
        for row in rows(
            client,
            "select concat(database, '.`', name, '`') as name from system.tables"
            " where database not in"
            " ('system', 'information_schema', 'INFORMATION_SCHEMA')",
        )
    ]
    binary = {one for one in secrets if not one.isascii()}
    times = 0
    for text in [*texts, *tables]:
        times += sum(one in secrets for one in _LOOKS_LIKE.findall(text))
        times += sum(text.count(one) for one in binary)
    return Found(times, len(secrets), sum(map(len, [*texts, *tables])))
