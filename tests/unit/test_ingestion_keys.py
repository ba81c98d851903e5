"""Write keys: shown once, kept as hashes, valid until revoked."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingestion.judging import Source
from ingestion.keys import KeyRing, Terms, add, listed, revoke
from questlog.commands.ingestion import keys
from warehouse.errors import BadInput, BadSetting

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_key_is_known_by_its_hash_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "write_keys.json"

    key = add(path, source="web", mode="open", now=NOW)

    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyRing(path).source(key) == Source("web", "open")
    assert KeyRing(path).source(key + "x") is None


def test_a_source_may_have_several_keys_and_lose_one(tmp_path: Path) -> None:
    path = tmp_path / "write_keys.json"
    first = add(path, source="web", mode="planned", now=NOW)
    second = add(path, source="web", mode="planned", now=NOW)
    ring = KeyRing(path)
    assert ring.source(first)

    revoke(path, named=listed(path)[0].fingerprint, now=NOW)

    assert ring.source(first) is None
    assert ring.source(second) == Source("web")
    assert [key.revoked is None for key in listed(path)] == [False, True]


def test_a_name_that_is_no_source_or_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "write_keys.json"

    with pytest.raises(BadInput, match="no name of a source"):
        add(path, source="My Web!", mode="planned", now=NOW)
    for named in ("web", ""):
        with pytest.raises(BadInput, match="keys list"):
            revoke(path, named=named, now=NOW)


def test_a_broken_file_of_keys_is_named(tmp_path: Path) -> None:
    path = tmp_path / "write_keys.json"
    path.write_text("{")

    with pytest.raises(BadSetting, match=r"write_keys\.json"):
        KeyRing(path).source("x")


def test_the_command_makes_shows_rotates_and_revokes_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUESTLOG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    runner = CliRunner()

    def said(*words: str) -> str:
        answer = runner.invoke(keys, words)
        assert answer.exit_code == 0, answer.output
        return answer.stdout.strip()

    page = ("--origin", "https://shop.example.com", "--environment", "staging")
    old = said("add", "web", *page)
    new = said("rotate", "web", "--grace-hours", "1")
    during = said("list")
    (ended, made) = listed(tmp_path / "write_keys.json")
    said("revoke", ended.fingerprint)
    after = said("list")

    ring = KeyRing(tmp_path / "write_keys.json", environment="staging")
    assert (ring.source(old), ring.source(new)) == (None, Source("web"))
    assert made.terms == ended.terms == Terms("staging", ("https://shop.example.com",))
    assert "valid until" in during
    assert f"revoked {datetime.now(UTC):%Y}" in after
