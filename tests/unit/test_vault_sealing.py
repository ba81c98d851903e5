"""What the vault seals for others, and the marks that stand for what it knows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from warehouse.vault import Secret, Vault

AT = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("email", "phone")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with Vault.open(tmp_path / "vault" / "vault.sqlite", b"k" * 32) as vault:
        yield vault


def knows(vault: Vault, who: str, name: str, value: str, day: int = 0) -> None:
    vault.tokens([Secret(who, name, value, AT + timedelta(days=day))])


def test_a_mark_changes_with_the_latest_value_and_comes_back_with_it(
    vault: Vault,
) -> None:
    knows(vault, "user:ann", "email", "a@example.com")
    first = vault.marks(["user:ann"], NAMES)

    knows(vault, "user:ann", "email", "b@example.com", day=1)
    second = vault.marks(["user:ann"], NAMES)
    knows(vault, "user:ann", "email", "a@example.com", day=2)

    assert first["user:ann"] != second["user:ann"]
    assert vault.marks(["user:ann"], NAMES) == first


def test_only_the_names_asked_for_count(vault: Vault) -> None:
    knows(vault, "user:ann", "email", "a@example.com")
    before = vault.marks(["user:ann"], NAMES)

    knows(vault, "user:ann", "last_name", "Ash")

    assert vault.marks(["user:ann"], NAMES) == before
    assert vault.marks(["user:ann"], ["phone"]) == {}
    assert vault.marks(["user:bob"], NAMES) == {}


def test_the_same_value_has_another_mark_for_another_person(vault: Vault) -> None:
    for who in ("user:ann", "user:bob"):
        knows(vault, who, "email", "both@example.com")

    marks = vault.marks(["user:ann", "user:bob"], NAMES)

    assert marks["user:ann"] != marks["user:bob"]


def test_what_was_sealed_opens_until_the_key_is_destroyed(vault: Vault) -> None:
    knows(vault, "user:ann", "email", "a@example.com")
    sealed = vault.known(["user:ann"], NAMES)["user:ann"].seal(b"sent", b"ledger")
    assert b"sent" not in sealed
    assert vault.open_for([("user:ann", sealed)], b"ledger") == [b"sent"]

    vault.forget("user:ann")
    gone = vault.open_for([("user:ann", sealed)], b"ledger")
    knows(vault, "user:ann", "email", "a@example.com")

    assert gone == [None]
    assert vault.open_for([("user:ann", sealed)], b"ledger") == [None]


def test_what_was_sealed_opens_for_its_person_and_purpose_alone(vault: Vault) -> None:
    for who in ("user:ann", "user:bob"):
        knows(vault, who, "email", "both@example.com")
    sealed = vault.known(["user:ann"], NAMES)["user:ann"].seal(b"sent", b"ledger")

    assert vault.open_for([("user:bob", sealed)], b"ledger") == [None]
    assert vault.open_for([("user:ann", sealed)], b"other") == [None]


def test_what_is_known_are_the_latest_values_and_the_mark_of_these(
    vault: Vault,
) -> None:
    knows(vault, "user:ann", "email", "a@example.com")
    knows(vault, "user:ann", "email", "b@example.com", day=1)
    knows(vault, "user:ann", "last_name", "Ash")
    knows(vault, "user:bob", "last_name", "Ash")

    known = vault.known(["user:ann", "user:bob", "user:zoe"], NAMES)

    assert {who: one.values for who, one in known.items()} == {
        "user:ann": {"email": "b@example.com"}
    }
    assert known["user:ann"].mark == vault.marks(["user:ann"], NAMES)["user:ann"]
    assert "b@example.com" not in repr(known)
