"""What a request may be: packed, in lines, from a page, too fast, on a full disk."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard

from ingestion import unpacking
from ingestion.disk import Watermark
from ingestion.keys import KeyRing, Terms, add, listed, rotate
from ingestion.quotas import Quotas
from ingestion.unpacking import TooLong, unpacked
from tests.unit.door import NOW, Door, a_door, an_event
from warehouse.errors import BadInput

SHOP = "https://shop.example.com"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with a_door(tmp_path) as opened:
        yield opened


def brotli(plain: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "brotli") as stream:
        stream.write(plain)
    return bytes(sink.getvalue().to_pybytes())


def bare_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(plain) + packer.flush()


PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "br": brotli,
}


@pytest.mark.parametrize("name", PACKERS)
def test_a_body_may_be_packed(door: Door, name: str) -> None:
    body = PACKERS[name](json.dumps([an_event(1), an_event(2)]).encode())

    assert door.post(body, **{"Content-Encoding": name}).json()["accepted"] == 2


@pytest.mark.parametrize("name", PACKERS)
def test_of_a_bomb_no_more_is_unpacked_than_the_limit(name: str) -> None:
    bomb = PACKERS[name](b" " * 20_000_000)

    with pytest.raises(TooLong, match="1 MiB once it is unpacked"):
        unpacked(bomb, name, limit=1024**2)


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("broken", ["cut", "foreign", "empty", "followed"])
def test_a_packed_body_that_is_damaged_is_a_bad_one(name: str, broken: str) -> None:
    packed = PACKERS[name](b'{"event_id": 1}' * 50)
    body = {
        "cut": packed[:-3],
        "foreign": b"[{}]",
        "empty": b"",
        "followed": packed + b"rubbish",
    }[broken]

    with pytest.raises(BadInput, match=f"no whole {name}"):
        unpacked(body, name, limit=10_000)


def test_members_layers_and_a_missing_frame_are_unpacked() -> None:
    two = gzip.compress(b"one ") + gzip.compress(b"two")

    assert unpacked(two, "gzip", limit=99) == b"one two"
    assert unpacked(zlib.compress(two), "gzip, deflate", limit=99) == b"one two"
    assert unpacked(bare_deflate(b"bare"), "deflate", limit=99) == b"bare"
    assert unpacked(gzip.compress(b"x"), "X-GZIP", limit=99) == b"x"
    assert unpacked(b"plain", "identity", limit=99) == b"plain"
    assert unpacked(gzip.compress(b"abc"), "gzip", limit=3) == b"abc"


def test_an_unknown_packing_or_charset_is_415(door: Door) -> None:
    packed = door.post(an_event(), **{"Content-Encoding": "lzma"})
    written = door.post(
        an_event(), **{"Content-Type": "application/json; charset=utf-16"}
    )

    assert packed.status_code == written.status_code == 415
    assert packed.headers["accept-encoding"] == ", ".join(unpacking.ENCODINGS)


def test_of_lines_a_bad_one_costs_its_neighbours_nothing(door: Door) -> None:
    good = json.dumps(an_event(1)).encode()
    body = b"\r\n".join(
        [good, b'{"half', b"", b"5", good.replace(b"ann", b"\xff"), b""]
    )

    answer = door.post(body, **{"Content-Type": "application/x-ndjson; charset=utf-8"})

    verdicts = answer.json()["verdicts"]
    assert [one["status"] for one in verdicts] == ["accepted"] + 3 * ["refused"]
    reasons = [one["objections"][0]["reason"] for one in verdicts[1:]]
    assert reasons == ["not_json", "envelope", "not_json"]


@pytest.mark.parametrize(("body", "status"), [(b"\n\n", 400), (b"{}\n" * 1001, 413)])
def test_lines_have_the_limits_of_a_batch(door: Door, body: bytes, status: int) -> None:
    answer = door.post(body, **{"Content-Type": "application/x-ndjson"})

    assert answer.status_code == status


def test_a_beacon_needs_no_header_of_its_own(door: Door) -> None:
    answer = door.client.post(
        f"/v1/events?write_key={door.planned}",
        content=json.dumps({"events": [an_event()]}),
        headers={"Content-Type": "text/plain;charset=UTF-8"},
    )

    assert answer.json()["accepted"] == 1


def for_pages(door: Door, *origins: str) -> str:
    terms = Terms(origins=origins)
    return add(door.keys, source="shop", mode="planned", now=NOW, terms=terms)


def test_a_page_may_read_the_answer_where_its_key_says_so(door: Door) -> None:
    key = for_pages(door, SHOP)

    ours = door.post(an_event(), key=key, Origin=SHOP)
    bad = door.post(b"{", key=key, Origin=SHOP)
    foreign = door.post(an_event(), key=key, Origin="https://evil.example.com")
    ended = door.post(an_event(), key="qlk_ended", Origin=SHOP)
    server = door.post(an_event(), key=key)
    unnamed = door.post(an_event(), Origin=SHOP)

    assert [one.status_code for one in (ours, bad, ended, foreign, server)] == [
        *(200, 400, 401, 403, 200)
    ]
    for read in (ours, bad, ended):
        assert read.headers["access-control-allow-origin"] == SHOP
        assert read.headers["vary"] == "Origin"
    for unread in (foreign, server, unnamed):
        assert "access-control-allow-origin" not in unread.headers


def ask_first(door: Door, origin: str, *, key: str = "") -> Any:
    return door.client.options(
        "/v1/events" + (f"?write_key={key}" if key else ""),
        headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
    )


def test_a_preflight_is_granted_to_pages_that_some_key_is_for(door: Door) -> None:
    before = ask_first(door, SHOP)
    key = for_pages(door, SHOP)
    granted = ask_first(door, SHOP)

    assert before.status_code == 403
    assert granted.status_code == 204
    assert granted.headers["access-control-allow-origin"] == SHOP
    assert "X-Write-Key" in granted.headers["access-control-allow-headers"]
    assert ask_first(door, SHOP, key=key).status_code == 204
    assert ask_first(door, SHOP, key=door.planned).status_code == 403
    assert ask_first(door, "https://evil.example.com").status_code == 403


def test_a_key_for_any_page_names_the_page_and_no_star(door: Door) -> None:
    answer = door.post(an_event(), key=for_pages(door, "*"), Origin=SHOP)

    assert answer.headers["access-control-allow-origin"] == SHOP


def test_who_sends_too_fast_learns_when_to_come_back(door: Door) -> None:
    clock = [0.0]
    slow = door.but(quotas=Quotas(200), seconds=lambda: clock[0])

    first = slow.post([an_event(n) for n in range(1000)])
    second = slow.post([an_event(n) for n in range(1000)])
    third = slow.post([an_event(n) for n in range(1001)])
    unread = slow.post(b"{", **{"Content-Length": "1"})
    another = slow.post(an_event(), key=slow.open)
    clock[0] = 5.0
    later = slow.post([an_event(n) for n in range(1000)])

    assert first.headers["ratelimit-limit"] == "2000"
    assert first.headers["ratelimit-remaining"] == "1000"
    assert first.headers["ratelimit-reset"] == "5"
    assert first.headers["ratelimit-policy"] == '"events";q=2000;w=10'
    assert first.headers["ratelimit"] == '"events";r=1000;t=5'
    assert second.headers["ratelimit-remaining"] == "0"
    assert (third.status_code, third.headers["retry-after"]) == (429, "1")
    assert unread.status_code == 429
    assert (another.status_code, later.status_code) == (200, 200)
    assert len(door.rows("accepted")) == 3001


def test_a_key_may_have_a_limit_of_its_own(door: Door) -> None:
    fast, free = (
        add(
            door.keys,
            source="server",
            mode="planned",
            now=NOW,
            terms=Terms(events_per_second=rate),
        )
        for rate in (5000, 0)
    )
    slow = door.but(quotas=Quotas(1), seconds=lambda: 0.0)

    assert slow.post(an_event(), key=fast).headers["ratelimit-limit"] == "50000"
    assert "ratelimit-limit" not in slow.post(an_event(), key=free).headers
    assert slow.post(an_event()).headers["ratelimit-limit"] == "1000"


def test_a_key_of_another_environment_or_past_its_end_is_refused(door: Door) -> None:
    staged = add(
        door.keys,
        source="web",
        mode="planned",
        now=NOW,
        terms=Terms(environment="staging"),
    )
    staging = door.but(keys=KeyRing(door.keys, environment="staging"))

    assert door.post(an_event(), key=staged).status_code == 401
    assert staging.post(an_event(), key=staged).status_code == 200
    assert staging.post(an_event()).status_code == 401


def test_before_the_disk_is_full_the_door_asks_to_come_back_later(door: Door) -> None:
    free, clock = [100], [0.0]
    watched = door.but(
        disk=Watermark(lambda: free[0], reserve=50, clock=lambda: clock[0])
    )

    codes = [watched.post(an_event()).status_code]
    free[0], clock[0] = 49, 1.0
    full = watched.post(an_event())
    free[0], clock[0] = 50, 2.0
    codes.append(watched.post(an_event()).status_code)

    assert codes == [200, 200]
    assert (full.status_code, full.headers["retry-after"]) == (503, "30")
    assert len(door.rows("accepted")) == 2


@pytest.mark.parametrize(
    "origin",
    ["shop.example.com", "https://shop.example.com/", "https://Shop.example.com", ""],
)
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(BadInput, match="is no origin"):
        Terms(origins=(origin,))


def test_an_old_key_goes_on_for_its_grace_and_ends(door: Door) -> None:
    old = add(door.keys, source="app", mode="open", now=NOW, terms=Terms("production"))
    new = rotate(door.keys, named="app", now=NOW, grace=timedelta(hours=1))
    later = door.but(
        keys=KeyRing(door.keys, now=lambda: NOW + timedelta(hours=1, seconds=1))
    )

    assert door.post(an_event(), key=old).status_code == 200
    assert door.post(an_event(), key=new).status_code == 200
    assert later.post(an_event(), key=old).status_code == 401
    assert later.post(an_event(), key=new).status_code == 200
    ended, made = listed(door.keys)[-2:]
    assert replace(made, sha256="", created="") == replace(
        ended, sha256="", created="", expires=None
    )
    with pytest.raises(BadInput, match="by its fingerprint"):
        rotate(door.keys, named="app", now=NOW, grace=timedelta(0))
