"""A writer of MaxMind's database format, as small as tests need: IPv4, few networks.

The format: https://maxmind.github.io/MaxMind-DB/ (a binary trie of 24-bit records, 16
zero bytes, the data, a mark, the metadata).
"""

import ipaddress
from collections.abc import Mapping
from typing import Any

_MARK = b"\xab\xcd\xefMaxMind.com"
_UINT16, _UINT32, _MAP, _TEXT, _ARRAY, _UINT64 = 5, 6, 7, 2, 11, 9


def database(networks: Mapping[str, Mapping[str, Any]]) -> bytes:
    """A database that tells these values of these networks."""
    nodes: list[list[Any]] = [[None, None]]
    data = b""
    for network, value in networks.items():
        read = ipaddress.IPv4Network(network)
        bits = f"{int(read.network_address):032b}"[: read.prefixlen]
        at = 0
        for bit in bits[:-1]:
            following = nodes[at][int(bit)]
            if following is None:
                following = len(nodes)
                nodes.append([None, None])
                nodes[at][int(bit)] = following
            at = following
        nodes[at][int(bits[-1])] = ("data", len(data))
        data += _written(value)
    count = len(nodes)

    def record(one: Any) -> bytes:
        number = count if one is None else one
        if isinstance(one, tuple):
            number = count + 16 + one[1]
        return int(number).to_bytes(3, "big")

    tree = b"".join(record(left) + record(right) for left, right in nodes)
    metadata = {
        "node_count": count,
        "record_size": 24,
        "ip_version": 4,
        "database_type": "Tests",
        "languages": ["en"],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_772_000_000,
        "description": {"en": "made by a test"},
    }
    return tree + bytes(16) + data + _MARK + _written(metadata)


def _written(value: Any) -> bytes:
    if isinstance(value, str):
        content = value.encode()
        return _head(_TEXT, len(content)) + content
    if isinstance(value, int):
        kind = _UINT32 if value < 2**32 else _UINT64
        content = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _head(kind, len(content)) + content
    if isinstance(value, list):
        return _head(_ARRAY, len(value)) + b"".join(map(_written, value))
    pairs = b"".join(_written(key) + _written(one) for key, one in value.items())
    return _head(_MAP, len(value)) + pairs


def _head(kind: int, size: int) -> bytes:
    if kind > 7:
        return bytes([size, kind - 7])
    return bytes([kind << 5 | size])
