"""A real browser without a window: open a page, wait for words, keep a picture."""

import base64
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium")
_PATIENCE_S = 60

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="the Debian package chromium is not installed"
)


class Page:
    """One tab, spoken to by Chromium's own protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0

    def open(self, url: str, *, cookies: dict[str, str]) -> None:
        for name, value in cookies.items():
            self._call("Network.setCookie", name=name, value=value, url=url)
        self._call("Page.navigate", url=url)

    def wait_for(self, *words: str) -> str:
        """The text of the page once all words stand on it."""
        deadline = time.monotonic() + _PATIENCE_S
        text = ""
        while time.monotonic() < deadline:
            text = self._evaluated("document.body ? document.body.innerText : ''")
            if all(word in text for word in words):
                return text
            time.sleep(0.5)
        raise AssertionError(f"{words} did not come; the page says:\n{text}")

    def picture(self, path: Path) -> bytes:
        data = base64.b64decode(self._call("Page.captureScreenshot")["data"])
        path.write_bytes(data)
        return data

    def _evaluated(self, expression: str) -> str:
        answer = self._call("Runtime.evaluate", expression=expression)
        return str(answer["result"].get("value", ""))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        said = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(said))
        while True:
            answer = json.loads(self._socket.recv(timeout=_PATIENCE_S))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result


@contextlib.contextmanager
def browsing(folder: Path) -> Iterator[Page]:
    """A tab of a browser with a profile of its own, ended by its id."""
    process = subprocess.Popen(
        [
            str(CHROMIUM),
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--remote-debugging-port=0", "--window-size=1400,900"),
            *(f"--user-data-dir={folder / 'profile'}", "about:blank"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = _port(folder / "profile" / "DevToolsActivePort")
        with urlopen(f"http://127.0.0.1:{port}/json", timeout=60) as answer:
            tabs = json.load(answer)
        address = next(t for t in tabs if t["type"] == "page")["webSocketDebuggerUrl"]
        with connect(address, max_size=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(60)


def _port(written: Path) -> int:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(written.read_text().splitlines()[0])
        time.sleep(0.1)
    raise AssertionError("the browser did not start")
