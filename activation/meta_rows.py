"""The rows of an upload to Meta, and what its answer says of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from activation.destinations.protocol import Answer, Member
from activation.identifiers import UNKNOWN, Identity
from warehouse.errors import Unavailable

SCHEMA = (
    *("EXTERN_ID", "EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY"),
    *("DOBY", "DOBM", "DOBD"),
)
VALUE = "LOOKALIKE_VALUE"


def known_keys(identities: Iterable[Identity]) -> Sequence[str]:
    """The keys of the schema that anybody has, so that no column is empty."""
    known = {
        key for identity in identities for key, digest in identity.items() if digest.hex
    }
    return tuple(key for key in SCHEMA if key in known)


def payload(
    members: Sequence[Member], schema: Sequence[str], *, with_values: bool = False
) -> str:
    """Rows in the order of the schema; an unknown key is empty, no value is 0.

    As JSON: the SDK would copy ten thousand rows twice before it wrote them.
    """
    rows: list[list[object]] = [
        [member.identity.get(key, UNKNOWN).hex for key in schema] for member in members
    ]
    if with_values:
        for row, member in zip(rows, members, strict=True):
            row.append(max(0.0, member.value or 0.0))
    keys = [*schema, VALUE] if with_values else list(schema)
    content = {"schema": keys, "is_raw": True, "data": rows}
    return msgspec.json.encode(content).decode()


def named(identities: Sequence[Identity]) -> str:
    """A payload that names people to take out."""
    members = [Member(identity=identity) for identity in identities]
    return payload(members, known_keys(identities))


def counted(answer: Mapping[str, Any]) -> Answer:
    """What an upload's answer says. Raises Unavailable when it says nothing."""
    taken = answer.get("num_received")
    if not isinstance(taken, int):
        raise Unavailable(
            "Meta's answer to an upload does not say how many rows it took."
            " The same batch may be sent again."
        )
    return Answer(received=taken, invalid=int(answer.get("num_invalid_entries") or 0))
