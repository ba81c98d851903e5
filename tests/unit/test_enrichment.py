"""What is read from a user agent, against the field's own vectors."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ingestion.bodies import split
from ingestion.door import judged
from ingestion.enrichment import enriched
from ingestion.judging import Accepted, Source
from ingestion.records import Record, accepted_row
from ingestion.rows import content_hash, json_bytes
from tests.unit.tracker_door import NOW, RULES
from warehouse.settings import REPOSITORY

CASES = Path(os.environ.get("QUESTLOG_CASES", REPOSITORY.parent / "shared" / "cases"))
VECTORS = CASES / "uap_user_agents"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
GALAXY_TAB = (
    "Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)


@pytest.mark.skipif(not VECTORS.is_dir(), reason=f"{VECTORS} is absent")
@pytest.mark.parametrize(("file", "word"), [("browser", "browser"), ("os", "os")])
def test_99_of_100_vectors_of_the_field_are_read_right(file: str, word: str) -> None:
    lines = gzip.decompress((VECTORS / f"{file}.jsonl.gz").read_bytes()).splitlines()
    wrong = []
    for line in lines:
        vector = json.loads(line)
        found = enriched({"user_agent": vector["user_agent_string"]})
        if found.get(word, "other") != vector["family"].lower():
            wrong.append(vector)

    assert len(lines) > 400
    assert len(wrong) <= len(lines) / 100


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (CHROME, ("chrome", "windows", "desktop")),
        (IPHONE, ("mobile safari", "ios", "mobile")),
        (GALAXY_TAB, ("chrome", "android", "tablet")),
        (GOOGLEBOT, ("googlebot", None, None)),
        ("curl/8.5.0", ("curl", None, None)),
        ("no agent at all", (None, None, None)),
        ("", (None, None, None)),
    ],
)
def test_browser_system_and_kind_of_device(
    agent: str, told: tuple[str | None, ...]
) -> None:
    found = enriched({"user_agent": agent})

    assert tuple(found.get(word) for word in ("browser", "os", "device_type")) == told


def test_what_the_sender_said_stays() -> None:
    context = {"user_agent": CHROME, "browser": "mine", "os": None}

    assert enriched(context) == {
        "user_agent": CHROME,
        "browser": "mine",
        "os": "windows",
        "device_type": "desktop",
    }
    assert context["os"] is None


@pytest.mark.parametrize("agent", [None, 7, ["x"], {"a": 1}])
def test_what_is_no_text_tells_nothing(agent: Any) -> None:
    context = {"user_agent": agent}

    assert enriched(context) is context


def test_what_the_door_adds_is_no_part_of_the_content() -> None:
    event = {
        "event_id": "5e0f6d0c-7b1c-4c5e-9a57-0d2f6a1b3c4d",
        "timestamp": "2026-03-01T09:59:00.000Z",
        "event_name": "user_logged_in",
        "user_id": "ann",
        "context": {"user_agent": CHROME},
    }
    body = split(json.dumps(event).encode())
    (verdict,) = judged(body, rules=RULES, source=Source("web"), received_at=NOW)
    assert isinstance(verdict, Accepted)

    (row,) = Record("accepted", accepted_row(verdict)).named()

    said = ["user_logged_in", "1.0", "ann", "", "", "2026-03-01 09:59:00.000"]
    as_sent = [said, {}, {"user_agent": CHROME}, {}]
    assert json.loads(row["context"])["browser"] == "chrome"
    assert row["content_hash"] == content_hash(*map(json_bytes, as_sent))
