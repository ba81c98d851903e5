"""HMACs by the hundred thousand: the same as the library's."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from warehouse.digests import keyed_digest


@given(key=st.binary(max_size=64), content=st.binary(max_size=200))
def test_a_keyed_digest_is_the_hmac_of_the_library(key: bytes, content: bytes) -> None:
    assert keyed_digest(key, content) == hmac.digest(key, content, "sha256")
