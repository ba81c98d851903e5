"""Bytes to an endpoint and back, for tests of what stands on the wire."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def summary(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.headers["x-clickhouse-summary"])
        return found


class Wire:
    """Bytes to the endpoint and back, with no client library in between."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        self._connection.close()

    def send(
        self,
        method: str,
        body: bytes = b"",
        *,
        path: str = "/",
        headers: dict[str, str] | None = None,
        **parameters: object,
    ) -> Response:
        target = path + ("?" + urlencode(parameters) if parameters else "")
        self._connection.request(method, target, body, headers or {})
        answer = self._connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Response(answer.status, named, answer.read())

    def get(self, **parameters: object) -> Response:
        return self.send("GET", **parameters)  # type: ignore[arg-type]

    def post(
        self,
        body: bytes | str = b"",
        headers: dict[str, str] | None = None,
        **parameters: object,
    ) -> Response:
        content = body.encode() if isinstance(body, str) else body
        return self.send("POST", content, headers=headers, **parameters)  # type: ignore[arg-type]
