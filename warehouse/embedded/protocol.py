"""ClickHouse's HTTP interface as values: requests in, headers and errors out."""

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qsl

from warehouse.errors import QuestlogError

_CODE = re.compile(r"Code: (\d+)\. DB::")
_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_LONGEST_SESSION_SECONDS = 3600
_LARGEST_BUFFER_BYTES = 16 << 20
_YES = frozenset({"1", "true"})

_CANNOT_PARSE = (6, 25, 26, 27, 38, 41, 72, 376, 441, 675, 676)
_BAD_AST = (37, 123, 167, 168, 223)
_STATUS = {
    **dict.fromkeys((192, 193, 497, 512, 516), 403),
    **dict.fromkeys(
        (*_CANNOT_PARSE, *_BAD_AST, 8, 15, 36, 44, 53, 62, 117, 321, 427), 400
    ),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    **dict.fromkeys((76, 209, 439), 503),
    48: 501,
    159: 408,
    194: 401,
    229: 413,
    381: 411,
    779: 415,
}
"""The HTTP status of an error code, as ClickHouse has it; of all others 500."""

_NOT_SETTINGS = frozenset(
    """
    buffer_size cancel_http_readonly_queries_on_client_close client_protocol_version
    close_session compress database decompress default_format enable_http_compression
    http_headers_progress_interval_ms http_response_buffer_size http_wait_end_of_query
    password query query_id quota_key role
    readonly send_progress_in_http_headers session_check session_id session_timeout
    stacktrace user wait_end_of_query
    """.split()  # noqa: SIM905 - a table reads better
)
"""Parameters that speak to the HTTP interface and not to the engine."""


class Fault(QuestlogError):
    """An error in ClickHouse's own terms: a code and its text."""

    def __init__(self, text: str) -> None:
        match = _CODE.search(text)
        super().__init__(text[match.start() :] if match else text)
        self.code = int(match[1]) if match else 1002
        self.status = _STATUS.get(self.code, 500)


def fault(code: int, name: str, message: str) -> Fault:
    """An error of the endpoint itself, told as the engine would tell it."""
    return Fault(f"Code: {code}. DB::Exception: {message}. ({name})")


def refused(because: str) -> Fault:
    """Why a statement is not run at all."""
    if because.startswith("Multi-statements"):
        return fault(62, "SYNTAX_ERROR", f"Syntax error: {because}")
    return fault(497, "ACCESS_DENIED", f"Refused by the embedded endpoint: {because}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read from its address and headers; the body comes apart."""

    read_only: bool
    query: str
    user: str
    password: str = field(repr=False)
    database: str
    format: str
    query_id: str
    session_id: str
    session_timeout: int
    session_check: bool
    close_session: bool
    whole: bool
    buffer_bytes: int
    progress_ms: int
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    tables: Mapping[str, str]
    content_encoding: str
    accept_encoding: str
    is_framed: bool
    wants_frames: bool


def request(
    method: str,
    query_string: bytes,
    headers: Mapping[str, str],
    form: Mapping[str, str] = MappingProxyType({}),
    tables: Collection[str] = (),
) -> Request:
    """Read a request; a form's fields are parameters too.

    `tables` are the parameters that describe external tables. Raises Fault when a
    setting's name cannot be one.
    """
    given = dict(form) | dict(
        parse_qsl(query_string.decode("utf-8", "replace"), keep_blank_values=True)
    )
    user, password = _credentials(given, headers)
    names = [
        name
        for name in given
        if name not in _NOT_SETTINGS
        and name not in tables
        and not name.startswith("param_")
    ]
    for name in names:
        if not _NAME.match(name):
            raise fault(115, "UNKNOWN_SETTING", f"Unknown setting '{name}'")
    compressed = given.get("enable_http_compression") in _YES
    return Request(
        read_only=method != "POST" or given.get("readonly") in {"1", "2"},
        query=given.get("query", ""),
        user=user,
        password=password,
        database=given.get("database") or headers.get("x-clickhouse-database", ""),
        format=given.get("default_format") or headers.get("x-clickhouse-format", ""),
        query_id=given.get("query_id", ""),
        session_id=given.get("session_id", ""),
        session_timeout=_seconds(given.get("session_timeout", "60")),
        session_check=given.get("session_check") == "1",
        close_session=given.get("close_session") == "1",
        whole=given.get("wait_end_of_query") in _YES
        or given.get("http_wait_end_of_query") in _YES,
        buffer_bytes=min(_bytes(given), _LARGEST_BUFFER_BYTES),
        progress_ms=_progress_ms(given),
        settings={name: given[name] for name in names},
        parameters={
            name.removeprefix("param_"): value
            for name, value in given.items()
            if name.startswith("param_")
        },
        tables={name: given[name] for name in tables if name in given},
        content_encoding=headers.get("content-encoding", "").lower(),
        accept_encoding=_chosen(headers.get("accept-encoding", "")) * compressed,
        is_framed=given.get("decompress") in _YES,
        wants_frames=given.get("compress") in _YES,
    )


def _bytes(given: Mapping[str, str]) -> int:
    text = given.get("buffer_size") or given.get("http_response_buffer_size") or "0"
    return _whole_number("buffer_size", text)


def _progress_ms(given: Mapping[str, str]) -> int:
    """How often a client wants to hear how far its query is; 0 when it does not."""
    if given.get("send_progress_in_http_headers") not in _YES:
        return 0
    every = given.get("http_headers_progress_interval_ms") or "100"
    return max(_whole_number("http_headers_progress_interval_ms", every), 1)


def _whole_number(name: str, text: str) -> int:
    if not text.isdecimal():
        message = f"Cannot parse '{text}' as a whole number, for {name}"
        raise fault(72, "CANNOT_PARSE_NUMBER", message)
    return int(text)


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) > _LONGEST_SESSION_SECONDS:
        message = f"Invalid session timeout: '{text}'"
        raise fault(374, "INVALID_SESSION_TIMEOUT", message)
    return int(text)


def _credentials(
    given: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[str, str]:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise fault(
                516, "AUTHENTICATION_FAILED", "Invalid authentication"
            ) from None
        return user, password
    user = given.get("user") or headers.get("x-clickhouse-user") or "default"
    return user, given.get("password") or headers.get("x-clickhouse-key", "")


def _chosen(accepted: str) -> str:
    offered = {part.split(";")[0].strip().lower() for part in accepted.split(",")}
    for encoding in ("lz4", "zstd", "gzip", "deflate", "br"):
        if encoding in offered:
            return encoding
    return ""


_CONTENT_TYPES = (
    ("JSONEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"),
    ("JSON", "application/json; charset=UTF-8"),
    ("CSV", "text/csv; charset=UTF-8; header=absent"),
    ("TabSeparated", "text/tab-separated-values; charset=UTF-8"),
    ("TSV", "text/tab-separated-values; charset=UTF-8"),
    ("Native", "application/octet-stream"),
    ("RowBinary", "application/octet-stream"),
    ("Parquet", "application/octet-stream"),
    ("Arrow", "application/octet-stream"),
)


def content_type(format_name: str) -> str:
    """The media type of a format."""
    for prefix, media_type in _CONTENT_TYPES:
        if format_name.startswith(prefix):
            return media_type
    return "text/plain; charset=UTF-8"


@dataclass(slots=True)
class Summary:
    """What a query read, wrote and returned."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0
    total_rows_to_read: int = 0

    def take(self, other: "Summary") -> None:
        """Tell the same as another."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))

    def header(self) -> str:
        """The value of X-ClickHouse-Summary."""
        figures = {name: str(getattr(self, name)) for name in self.__slots__}
        return json.dumps(figures, separators=(",", ":"))


def late_fault(error: Fault, tag: str) -> bytes:
    """How an error is told when part of the result is already on its way."""
    text = f"{error}\n".encode()
    head = f"\r\n__exception__\r\n{tag}\r\n".encode()
    return head + text + f"{len(text)} {tag}\r\n__exception__\r\n".encode()
