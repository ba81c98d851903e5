import time
from pathlib import Path

import pytest

from warehouse.embedded import roles, users
from warehouse.embedded.protocol import Fault
from warehouse.embedded.users import Doorkeeper, User
from warehouse.errors import BadInput, BadSetting

PASSWORD = "a long enough password"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "home" / "users.yml"
    users.add(file, "ann", PASSWORD, databases=["marts", "shop_*"], read_only=True)
    return file


def keeper(path: Path) -> Doorkeeper:
    return Doorkeeper(path, user="default", password="")


def test_the_file_is_private_and_holds_no_password(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in path.read_text()
    assert PASSWORD not in repr(users.load(path))


def test_the_same_password_is_stored_differently_for_each_user(path: Path) -> None:
    users.add(path, "bob", PASSWORD, databases=["*"], read_only=False)

    ann, bob = users.load(path)

    assert ann.hash != bob.hash
    assert (ann.is_free, bob.is_free) == (False, True)


def test_a_name_is_taken_once_and_must_be_known(path: Path) -> None:
    with pytest.raises(BadInput, match="a user ann already"):
        users.add(path, "ann", PASSWORD, databases=["*"], read_only=False)
    with pytest.raises(BadInput, match="There are: ann"):
        users.remove(path, "bob")
    with pytest.raises(BadInput, match="at least 8"):
        users.change_password(path, "ann", "short")


@pytest.mark.parametrize("pattern", ["", "a b", "x`; drop", "s*", "system", "*x"])
def test_databases_are_names_or_beginnings(path: Path, pattern: str) -> None:
    with pytest.raises(BadInput):
        users.add(path, "bob", PASSWORD, databases=[pattern], read_only=True)


def test_without_a_file_there_is_the_user_of_the_settings_alone(tmp_path: Path) -> None:
    door = keeper(tmp_path / "none.yml")

    assert door.admitted("default", "").is_free
    with pytest.raises(BadInput, match="Authentication failed"):
        door.admitted("ann", PASSWORD)


def test_a_file_that_cannot_be_read_lets_nobody_in(path: Path) -> None:
    door = keeper(path)
    door.admitted("ann", PASSWORD)

    path.write_text("users: [{name: ann}]")

    with pytest.raises(BadSetting, match="cannot be read"):
        door.admitted("ann", PASSWORD)
    assert door.admitted("default", "").is_free


def test_a_known_password_costs_no_scrypt_again(path: Path) -> None:
    door = keeper(path)
    started = time.process_time()
    door.admitted("ann", PASSWORD)
    first = time.process_time() - started

    started = time.process_time()
    for _ in range(20):
        door.admitted("ann", PASSWORD)
    again = (time.process_time() - started) / 20

    assert again < first / 4


def test_who_was_let_in_once_is_known_until_the_file_changes(path: Path) -> None:
    door = keeper(path)

    assert door.remembered("ann", PASSWORD) is None
    door.admitted("ann", PASSWORD)
    assert door.remembered("ann", PASSWORD) == door.admitted("ann", PASSWORD)
    assert door.remembered("ann", "another password") is None
    assert door.remembered("default", "") is not None
    assert door.remembered("default", "guessed") is None
    users.remove(path, "ann")
    assert door.remembered("ann", PASSWORD) is None


def test_roles_follow_the_patterns_that_the_engine_knows() -> None:
    ann = User("ann", "", "", read_only=True, databases=("marts", "shop_*"))
    bob = User("bob", "", "", databases=("marts",))

    known = ("marts", "shop_a", "shop_b", "*")

    assert roles.of(ann, known) == (
        "questlog_reads_marts",
        "questlog_reads_shop_a",
        "questlog_reads_shop_b",
    )
    assert roles.of(bob, known) == ("questlog_writes_marts",)
    assert roles.of(User("root", "", ""), known) == ()
    with pytest.raises(Fault, match="start it again"):
        roles.of(bob, ("*",))


@pytest.mark.parametrize(
    "sql",
    [
        b"create view v as select 1",
        b"alter table v modify query select 1",
        b"alter table v modify sql security definer",
        b"drop table t parallel with create/**/view v as select 1",
    ],
)
def test_only_who_is_free_makes_views(sql: bytes) -> None:
    bob = User("bob", "", "", databases=("marts",))

    assert roles.refusal(bob, sql)
    assert not roles.refusal(User("root", "", ""), sql)
    assert not roles.refusal(bob, b"select view, query from t")
