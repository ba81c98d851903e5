"""A new master key: nobody's values are lost, and the old key opens nothing."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse.errors import BadInput, BadSetting
from warehouse.settings import Settings
from warehouse.vault import Secret, Vault, load_master_key, open_vault
from warehouse.vault.keys import make_key, master_key_file, read_key
from warehouse.vault.ring import Ring
from warehouse.vault.rotation import retire_others, rotate_own_key, rotate_to

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EMAIL = "ann@example.com"
ANN = Secret("user:ann", "email", EMAIL, NOON)


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    settings = Settings(home=tmp_path, vault_url=url)
    if url:
        from warehouse.vault.postgres import PostgresStore

        store = PostgresStore.open(url)
        with store.writing() as held:
            held.ask("truncate vault, people, secrets, tombstones")
        store.close()
    return settings


def test_a_rotation_keeps_every_value_token_index_and_seal(home: Settings) -> None:
    with open_vault(home) as vault:
        (token,) = vault.tokens([ANN])
        vault.bury(["user:gone"], NOON)
        sealed, root = vault.seal(b"refused"), vault.root

    assert rotate_own_key(home) == 1
    assert rotate_own_key(home) == 1

    with open_vault(home) as vault:
        assert vault.latest(["user:ann"], ["email"]) == {"user:ann": {"email": EMAIL}}
        assert vault.tokens([ANN]) == [token]
        assert vault.buried(["user:gone", "user:ann"]) == {"user:gone"}
        assert vault.unseal(sealed) == b"refused"
        assert vault.unseal(vault.seal(b"later")) == b"later"
        assert vault.root == root


def test_the_old_key_opens_nothing_any_more(home: Settings) -> None:
    old = load_master_key(home)
    with open_vault(home) as vault:
        vault.tokens([ANN])

    rotate_own_key(home)

    assert load_master_key(home) != old
    master_key_file(home).write_bytes(base64.b64encode(old))
    with pytest.raises(BadSetting, match="does not open the vault"):
        open_vault(home)


@pytest.mark.parametrize("step", ["key made", "people wrapped", "file changed"])
def test_a_rotation_killed_at_any_step_leaves_a_vault_that_opens(
    home: Settings, step: str
) -> None:
    path = master_key_file(home)
    with open_vault(home) as vault:
        (token,) = vault.tokens([ANN])
        aside = path.with_name("master_key.next")
        make_key(aside)
        if step != "key made":
            vault.rotate(read_key(aside))
        if step == "file changed":
            aside.replace(path)

    with open_vault(home) as vault:
        assert vault.tokens([ANN]) == [token]
    rotate_own_key(home)

    with open_vault(home) as vault:
        assert vault.tokens([ANN]) == [token]
    assert sorted(one.name for one in path.parent.iterdir()) == ["master_key"]


def test_a_process_that_was_there_before_goes_on_after_a_rotation(
    home: Settings,
) -> None:
    with open_vault(home) as door:
        (token,) = door.tokens([ANN])
        rotate_own_key(home)

        assert door.tokens([ANN]) == [token]
        door.tokens([Secret("user:bob", "email", "bob@example.com", NOON)])

    with open_vault(home) as vault:
        assert vault.knows(["user:ann", "user:bob"]) == {"user:ann", "user:bob"}


def test_a_key_file_named_by_a_setting_is_changed_by_its_owner(tmp_path: Path) -> None:
    mounted, new = tmp_path / "mounted", tmp_path / "new"
    make_key(mounted)
    make_key(new)
    settings = Settings(home=tmp_path / "home", master_key_file=mounted)
    with open_vault(settings) as vault:
        vault.tokens([ANN])

    with pytest.raises(BadSetting, match="not ours to change"):
        rotate_own_key(settings)
    assert rotate_to(settings, new) == 1

    with open_vault(settings) as vault:
        assert vault.knows(["user:ann"])
    old = mounted.read_bytes()
    new.replace(mounted)
    retire_others(settings)
    with open_vault(settings) as vault:
        assert vault.knows(["user:ann"])
    mounted.write_bytes(old)
    with pytest.raises(BadSetting, match="does not open"):
        open_vault(settings)


def test_a_vault_from_before_there_were_rings_opens_as_it_was(tmp_path: Path) -> None:
    path, key = tmp_path / "vault.sqlite", bytes(range(32))
    first = Ring.first(key)
    with Vault.open(path, key) as vault:
        (token,) = vault.tokens([ANN])
        held = vault._store.connection
        held.execute("delete from vault")
        held.execute(
            "insert into vault values ('mark', ?)", (first.seal(b"questlog vault"),)
        )

    with pytest.raises(BadSetting, match="does not open"):
        Vault.open(path, bytes(32))
    with Vault.open(path, key) as vault:
        assert vault.tokens([ANN]) == [token]
        assert vault.unseal(first.seal(b"refused before")) == b"refused before"


def test_a_seal_of_a_key_that_nobody_has_is_told(tmp_path: Path) -> None:
    strange = Ring.first(bytes(32)).next().seal(b"of another vault")
    with (
        Vault.open(tmp_path / "vault.sqlite", bytes(range(32))) as vault,
        pytest.raises(BadInput, match="were not sealed by the vault"),
    ):
        vault.unseal(strange)


def test_what_an_erasure_remembers_lies_encrypted_and_goes_when_it_is_done(
    home: Settings,
) -> None:
    with open_vault(home) as vault:
        vault.keep_plan("e1", b'{"ids":["ann"]}')
        rotate_own_key(home)

        assert vault.plans() == {"e1": b'{"ids":["ann"]}'}
        vault.drop_plan("e1")
        assert vault.plans() == {}
