"""A free port is one that nobody listens on, nor is given by the kernel."""

import socket
from pathlib import Path

import pytest

from warehouse.errors import Unavailable
from warehouse.ports import free_port


def test_a_free_port_is_outside_of_what_the_kernel_gives_out() -> None:
    given_out = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()

    assert all(free_port() < int(given_out[0]) for _ in range(50))


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port: int = taken.getsockname()[1]

        with pytest.raises(Unavailable, match=f"from {port} to {port}"):
            free_port(range(port, port + 1))
