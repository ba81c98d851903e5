import struct
from collections.abc import Iterator

import lz4.block
import pytest
import zstandard
from clickhouse_cityhash.cityhash import CityHash128
from hypothesis import given
from hypothesis import strategies as st

from warehouse.embedded.encodings import decompressed, framed
from warehouse.embedded.framing import unframed
from warehouse.embedded.protocol import Fault

CONTENT = (b"\x1e" + b"quest " * 5) * 3
WRITTEN_BY_THE_ENGINE = {
    # the column's file of a MergeTree table of chDB 26.9, by its codec
    "LZ4": "ccb95c367f589d08b463d517c5029232821e0000005d0000007f1e7175657374200600050f"
    "1f0026507565737420",
    "ZSTD": "bda2fe640c81f75a9e9582a23a14b4bb90270000005d00000028b52ffd205dad0000401e71"
    "75657374201e040042350003f0046fc06204",
    "NONE": "17322121fd02f6c3d9b2e6860db7ce2202660000005d000000" + CONTENT.hex(),
}
PACK = {
    0x02: bytes,
    0x82: lambda plain: lz4.block.compress(plain, store_size=False),
    0x90: zstandard.compress,
}


def frame(method: int, packed: bytes, plain_size: int) -> bytes:
    told = struct.pack("<BII", method, 9 + len(packed), plain_size) + packed
    checksum = CityHash128(told)
    return struct.pack("<QQ", checksum >> 64, checksum & (2**64 - 1)) + told


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("codec", sorted(WRITTEN_BY_THE_ENGINE))
def test_frames_of_the_engine_are_read(codec: str) -> None:
    written = bytes.fromhex(WRITTEN_BY_THE_ENGINE[codec])

    assert b"".join(unframed([written, written])) == CONTENT * 2


def test_our_frame_is_the_engines_to_the_byte() -> None:
    compress = framed("")

    sent = compress.compress(CONTENT) + compress.flush()

    assert sent.hex() == WRITTEN_BY_THE_ENGINE["LZ4"]


@given(
    contents=st.lists(st.tuples(st.sampled_from(sorted(PACK)), st.binary())),
    size=st.integers(1, 50),
)
def test_frames_of_every_method_are_read_however_they_arrive(
    contents: list[tuple[int, bytes]], size: int
) -> None:
    body = b"".join(
        frame(method, PACK[method](plain), len(plain)) for method, plain in contents
    )

    assert b"".join(unframed(cut(body, size))) == b"".join(
        plain for _, plain in contents
    )


@pytest.mark.parametrize("encoding", ["", "gzip", "lz4"])
def test_what_is_framed_can_be_read_again(encoding: str) -> None:
    content = bytes(range(256)) * 10_000
    compress = framed(encoding)

    sent = b"".join(map(compress.compress, cut(content, 700_001))) + compress.flush()

    assert b"".join(unframed(decompressed([sent], encoding))) == content


@given(at=st.integers(0, 46), bit=st.integers(0, 7))
def test_no_flipped_bit_passes(at: int, bit: int) -> None:
    spoilt = bytearray.fromhex(WRITTEN_BY_THE_ENGINE["LZ4"])
    spoilt[at % len(spoilt)] ^= 1 << bit

    with pytest.raises(Fault):
        list(unframed([bytes(spoilt)]))


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        (b"\0" * 16 + frame(2, b"ab", 2)[16:], 40, "Checksum doesn't match"),
        (frame(2, b"ab", 2)[:-1], 271, "ends within a frame"),
        (frame(2, b"ab", 3), 271, "states 3 plain bytes"),
        (frame(0x82, b"ab", 2), 271, "Cannot decompress"),
        (frame(0x90, b"ab", 2), 271, "Cannot decompress"),
        (frame(0x90, zstandard.compress(b"a" * 9_000_000), 5), 271, "states 5 plain"),
        (frame(0x82, lz4.block.compress(b"a" * 99)[4:], 5), 271, "Cannot decompress"),
        (frame(0x91, b"ab", 2), 89, "0x91"),
        (b"\0" * 16 + struct.pack("<BII", 2, 8, 0), 271, "less than its own head"),
        (b"\0" * 16 + struct.pack("<BII", 2, 9, 2**32 - 1), 12, "smaller blocks"),
        (b"\0" * 16 + struct.pack("<BII", 2, 2**32 - 1, 9), 12, "smaller blocks"),
    ],
)
def test_a_frame_that_is_not_one_is_refused(body: bytes, code: int, told: str) -> None:
    with pytest.raises(Fault, match=told) as caught:
        list(unframed([body]))

    assert caught.value.code == code
