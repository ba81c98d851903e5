"""A free port is one that nobody listens on, nor is given by the kernel."""

import socket

import pytest

from warehouse.errors import Unavailable
from warehouse.ports import free_port


def test_who_asks_may_listen() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listening:
        assert listening.getsockname()[1] < 32_768  # those are the kernel's


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port: int = taken.getsockname()[1]

        with pytest.raises(Unavailable, match=f"from {port} to {port}"):
            free_port(range(port, port + 1))
