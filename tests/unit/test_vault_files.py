"""The vault on disk: modes, keys, damage, and several hands at once."""

import base64
import multiprocessing
import re
import sqlite3
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse.errors import BadInput, BadSetting, Unavailable
from warehouse.settings import Settings
from warehouse.vault import Secret, Vault, load_master_key

KEY = bytes(range(32))
OTHER_KEY = bytes(32)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_secret(**changed: str) -> Secret:
    given = {"subject": "user:ann", "name": "email", "value": "ann@example.com"}
    return Secret(**(given | changed), at=NOON)


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_the_file_and_its_folder_are_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "vault" / "vault.sqlite"

    with Vault.open(path, KEY) as vault:
        vault.tokens([a_secret()])

        assert mode(path.parent) == "0o700"
        assert {mode(one) for one in path.parent.iterdir()} == {"0o600"}
        assert len(list(path.parent.iterdir())) == 3


def test_a_token_has_a_form_of_its_own(tmp_path: Path) -> None:
    with Vault.open(tmp_path / "vault.sqlite", KEY) as vault:
        [token] = vault.tokens([a_secret()])

    assert re.fullmatch("tok_[0-9a-f]{32}", token)


def test_what_was_kept_is_there_when_the_vault_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    with Vault.open(path, KEY) as vault:
        token = vault.tokens([a_secret()])
        sealed = vault.seal(b"refused")
        vault.set_analytics_denied("user:ann", True, NOON)

    with Vault.open(path, KEY) as vault:
        assert vault.tokens([a_secret()]) == token
        assert vault.latest(["user:ann", "user:bob"], ["email", "phone"]) == {
            "user:ann": {"email": "ann@example.com"}
        }
        assert vault.unseal(sealed) == b"refused"
        assert vault.analytics_denied(["user:ann", "user:bob"]) == {"user:ann"}


def test_another_master_key_is_refused_and_the_vault_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    Vault.open(path, KEY).close()

    with pytest.raises(BadSetting, match=r"does not open the vault at .*vault\.sqlite"):
        Vault.open(path, OTHER_KEY)


def test_a_file_that_is_no_vault_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    path.write_bytes(b"no database at all, but long enough to be read as one" * 20)

    with pytest.raises(BadSetting, match="is no vault, or a damaged one"):
        Vault.open(path, KEY)


def test_a_place_where_no_vault_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match="cannot be opened"):
        Vault.open(tmp_path / "file" / "vault.sqlite", KEY)


def test_a_damaged_value_is_told_without_showing_it(tmp_path: Path) -> None:
    with Vault.open(tmp_path / "vault.sqlite", KEY) as vault:
        vault.tokens([a_secret()])
        vault._store.connection.execute("update secrets set sealed = x'00'")

        with pytest.raises(BadInput, match="is damaged") as caught:
            vault.latest(["user:ann"], ["email"])

    assert "ann" not in str(caught.value)


def test_foreign_bytes_are_not_unsealed(tmp_path: Path) -> None:
    with Vault.open(tmp_path / "vault.sqlite", KEY) as vault:
        sealed = vault.seal(b"refused")

        for foreign in (b"", b"\x01", sealed[:-1], sealed[:-1] + b"\x00", b"x" * 60):
            with pytest.raises(BadInput, match="were not sealed by the vault"):
                vault.unseal(foreign)


def test_a_moment_needs_a_time_zone(tmp_path: Path) -> None:
    naive = Secret("user:ann", "email", "a", datetime(2026, 3, 1))  # noqa: DTZ001

    with (
        Vault.open(tmp_path / "vault.sqlite", KEY) as vault,
        pytest.raises(BadInput, match="needs a time zone"),
    ):
        vault.tokens([naive])


def test_a_secret_never_shows_its_person_or_value() -> None:
    assert repr(a_secret()) == "Secret(name='email')"


def test_a_denial_outlives_the_person_a_grant_does_not(tmp_path: Path) -> None:
    with Vault.open(tmp_path / "vault.sqlite", KEY) as vault:
        vault.set_analytics_denied("user:ann", True, NOON)
        vault.set_analytics_denied("user:bob", False, NOON)

        vault.forget("user:ann")
        vault.forget("user:bob")

        decisions = vault.analytics_decisions(["user:ann", "user:bob"])
    assert decisions == {"user:ann": True}


def test_forgetting_says_when_a_reader_keeps_old_pages(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    with Vault.open(path, KEY) as vault:
        vault.tokens([a_secret()])
        vault._store.connection.execute("pragma busy_timeout = 50")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("begin")
        reader.execute("select count(*) from people").fetchone()

        with pytest.raises(Unavailable, match="Forget them again"):
            vault.forget("user:ann")

        reader.close()
        vault.forget("user:ann")
        assert vault.latest(["user:ann"], ["email"]) == {}


def test_a_vault_that_stays_locked_is_unavailable_and_works_again_later(
    tmp_path: Path,
) -> None:
    path = tmp_path / "vault.sqlite"
    with Vault.open(path, KEY) as vault:
        vault._store.connection.execute("pragma busy_timeout = 50")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")

        with pytest.raises(Unavailable, match="does not answer"):
            vault.tokens([a_secret()])

        other.execute("rollback")
        other.close()
        assert len(vault.tokens([a_secret()])) == 1


def test_a_failed_batch_keeps_nothing(tmp_path: Path) -> None:
    bad = Secret("user:bob", "email", "b", datetime(2026, 3, 1))  # noqa: DTZ001
    with Vault.open(tmp_path / "vault.sqlite", KEY) as vault:
        with pytest.raises(BadInput):
            vault.tokens([a_secret(), bad])

        assert vault.latest(["user:ann", "user:bob"], ["email"]) == {}


def _put_many(path: Path, mine: str, queue: "multiprocessing.Queue[list[str]]") -> None:
    with Vault.open(path, KEY) as vault:
        for number in range(10):
            shared = [a_secret(subject=f"user:{n}") for n in range(20)]
            tokens = vault.tokens([*shared, a_secret(subject=f"user:{mine}{number}")])
        queue.put(tokens[:20])


def test_several_processes_share_one_vault_and_agree_on_tokens(tmp_path: Path) -> None:
    path = tmp_path / "vault" / "vault.sqlite"
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    hands = [
        context.Process(target=_put_many, args=(path, name, queue)) for name in "abc"
    ]
    for hand in hands:
        hand.start()

    answers = [queue.get(timeout=60) for _ in hands]

    for hand in hands:
        hand.join(timeout=30)
    assert [hand.exitcode for hand in hands] == [0, 0, 0]
    assert answers[0] == answers[1] == answers[2]
    with Vault.open(path, KEY) as vault:
        people = [f"user:{name}{n}" for name in "abc" for n in range(10)]
        assert len(vault.latest(people, ["email"])) == 30


def test_several_threads_share_one_open_vault(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def put(vault: Vault, name: str) -> None:
        try:
            for number in range(20):
                vault.tokens([a_secret(subject=f"user:{name}{number}")])
                vault.analytics_denied([f"user:{name}{number}"])
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    with Vault.open(tmp_path / "vault.sqlite", KEY) as vault:
        threads = [threading.Thread(target=put, args=(vault, name)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)

        people = [f"user:{name}{n}" for name in "abcd" for n in range(20)]
        assert failures == []
        assert len(vault.latest(people, ["email"])) == 80


def test_more_people_than_a_query_takes_at_once_are_all_found(tmp_path: Path) -> None:
    people = [f"user:{number}" for number in range(1203)]
    with Vault.open(tmp_path / "vault.sqlite", KEY) as vault:
        vault.tokens([a_secret(subject=person, value=person) for person in people])
        vault.set_analytics_denied(people[-1], True, NOON)

        assert vault.latest(people, ["email"]) == {
            person: {"email": person} for person in people
        }
        assert vault.analytics_denied(people) == {people[-1]}


def test_a_master_key_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")

    key = load_master_key(settings)

    path = tmp_path / "home" / "secrets" / "master_key"
    assert len(key) == 32
    assert (mode(path), mode(path.parent)) == ("0o600", "0o700")
    assert load_master_key(settings) == key
    assert [one.name for one in path.parent.iterdir()] == ["master_key"]


def test_a_master_key_of_ones_own_is_read_and_never_made(tmp_path: Path) -> None:
    path = tmp_path / "mounted"
    settings = Settings(home=tmp_path / "home", master_key_file=path)

    with pytest.raises(BadSetting, match=r"QUESTLOG_MASTER_KEY_FILE names .*mounted"):
        load_master_key(settings)
    assert not path.exists()

    path.write_bytes(base64.b64encode(KEY) + b"\n")
    assert load_master_key(settings) == KEY


def test_a_lost_master_key_is_not_replaced_beside_its_vault(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    Vault.open(tmp_path / "vault" / "vault.sqlite", load_master_key(settings)).close()
    (tmp_path / "secrets" / "master_key").unlink()

    with pytest.raises(BadSetting, match="has lost its master key"):
        load_master_key(settings)


@pytest.mark.parametrize(
    "content", [b"", b"short", b"%%%", base64.b64encode(b"x" * 31)]
)
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)

    with pytest.raises(BadSetting, match="holds no master key") as caught:
        load_master_key(Settings(home=tmp_path, master_key_file=path))

    assert str(path) in str(caught.value)
