"""Refused events that name a person: nothing but their sealed bytes tells whose."""

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from warehouse.erasure.words import spellings
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.vault import Vault

_SEALED: Final = """
select toString(refusal_id), sealed_bytes from raw.refused_events
where sealed_bytes != ''
"""


def of(client: "Client", vault: "Vault", words: Sequence[str]) -> list[str]:
    """The ids of refusals whose bytes hold one of the words as a whole JSON text.

    Bytes that no key opens any more tell nobody anything, and are passed over.
    """
    sought = [
        b'"%b"' % spelt.encode("utf-8", "surrogatepass")
        for word in words
        for spelt in spellings(word)
    ]
    return [
        refusal
        for refusal, plain in opened(client, vault)
        if any(one in plain for one in sought)
    ]


def opened(client: "Client", vault: "Vault") -> Iterator[tuple[str, bytes]]:
    """Refusals whose bytes can still be opened, each with them."""
    with client.query_row_block_stream(_SEALED) as blocks:
        for block in blocks:
            for refusal, sealed in block:
                try:
                    yield refusal, vault.unseal(base64.b64decode(sealed))
                except BadInput:
                    continue
