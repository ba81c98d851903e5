"""Who hears of alerts, for tests: a webhook, Slack's webhook, a mail server."""

import contextlib
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PATIENCE_S = 60


@dataclass
class Received:
    """What was posted, by path, and the e-mails, in the order they came."""

    posts: list[tuple[str, Any]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    http: str = ""
    smtp: str = ""

    def at(self, path: str) -> list[Any]:
        return [body for where, body in self.posts if where == path]


@contextlib.contextmanager
def receiving() -> Iterator[Received]:
    """Both servers on free ports of this machine, until the block ends."""
    received = Received()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.posts.append((self.path, json.loads(self.rfile.read(length))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    class Mail(socketserver.StreamRequestHandler):
        """SMTP as far as a client that delivers one letter needs it (RFC 5321)."""

        def handle(self) -> None:
            self.wfile.write(b"220 stand-in\r\n")
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    received.mails.append(b"".join(lines).decode())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Hook) as http,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as smtp,
    ):
        smtp.daemon_threads = True
        for server in (http, smtp):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        received.http = f"http://127.0.0.1:{http.server_address[1]}"
        received.smtp = f"127.0.0.1:{smtp.server_address[1]}"
        try:
            yield received
        finally:
            http.shutdown()
            smtp.shutdown()


def eventually(found: Callable[[], Any], *, what: str) -> Any:
    """The first true answer within half a minute."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {_PATIENCE_S} s")
