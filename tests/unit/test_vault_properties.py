"""What the vault promises, whatever people, names, values and orders there are."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.vault import Secret, Vault
from warehouse.vault.postgres import PostgresStore

KEY = bytes(range(32))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TABLES = (
    *("vault", "people", "secrets", "analytics_decisions", "tombstones", "erasures"),
)
ALIKE = [HealthCheck.function_scoped_fixture]

# any text JSON can carry, lone surrogates included; few people and names, so that
# they meet
TEXT = st.text(st.characters(codec=None, categories=None), min_size=0, max_size=20)
SUBJECTS = st.sampled_from(["user:ann", "user:bob", "anon:ann"])
NAMES = st.sampled_from(["email", "phone"])
MOMENTS = st.integers(-3, 3).map(lambda hours: NOON + timedelta(hours=hours))
SECRETS = st.builds(Secret, SUBJECTS, NAMES, TEXT, MOMENTS)
LONG_VALUES = st.uuids().map(lambda one: f"{one.hex}@example.com")


MakeVault = Callable[[], AbstractContextManager[Vault]]


@contextmanager
def a_file() -> Iterator[tuple[Vault, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vault" / "vault.sqlite"
        with Vault.open(path, KEY) as vault:
            yield vault, path


@contextmanager
def in_sqlite() -> Iterator[Vault]:
    with a_file() as (vault, _):
        yield vault


@pytest.fixture(params=["sqlite", "postgres"])
def a_vault(request: pytest.FixtureRequest) -> Iterator[MakeVault]:
    """Makes empty vaults, each example one: what is promised, both stores keep."""
    if request.param == "sqlite":
        yield in_sqlite
        return
    store = PostgresStore.open(request.getfixturevalue("postgres_url"))

    @contextmanager
    def in_postgres() -> Iterator[Vault]:
        with store.writing() as held:
            held.ask(f"truncate {', '.join(TABLES)} restart identity")
        yield Vault.over(store, lambda: KEY)

    yield in_postgres
    store.close()


def bytes_on_disk(path: Path) -> bytes:
    """All the vault's files: the database, its log and its shared memory."""
    return b"".join(one.read_bytes() for one in sorted(path.parent.iterdir()))


@settings(deadline=None, max_examples=40, suppress_health_check=ALIKE)
@given(st.lists(SECRETS, max_size=12), st.integers(0, 12))
def test_a_token_is_the_same_whatever_the_batch(
    a_vault: MakeVault, entries: list[Secret], cut: int
) -> None:
    with a_vault() as vault:
        first = vault.tokens(entries)

        again = vault.tokens(entries[:cut]) + vault.tokens(entries[cut:])

    assert again == first
    stated = [(one.subject, one.name, one.value) for one in entries]
    assert len(set(zip(stated, first, strict=True))) == len(set(stated))
    assert len(set(first)) == len(set(stated))


@settings(deadline=None, max_examples=40, suppress_health_check=ALIKE)
@given(st.permutations(range(6)), st.lists(SECRETS, min_size=6, max_size=6))
def test_the_latest_value_wins_in_whatever_order_they_come(
    a_vault: MakeVault, order: list[int], entries: list[Secret]
) -> None:
    with a_vault() as vault:
        # one vault: tokens settle ties, and every vault has keys of its own
        vault.tokens(entries)
        in_one_batch = vault.latest(["user:ann", "user:bob", "anon:ann"], ["email"])

        for position in order:
            vault.tokens([entries[position]])
        one_by_one = vault.latest(["user:ann", "user:bob", "anon:ann"], ["email"])

    assert one_by_one == in_one_batch
    for subject, values in in_one_batch.items():
        mine = [e for e in entries if (e.subject, e.name) == (subject, "email")]
        newest = max(one.at for one in mine)
        assert values["email"] in {one.value for one in mine if one.at == newest}


@settings(deadline=None, max_examples=30)
@given(st.lists(LONG_VALUES, min_size=1, max_size=5, unique=True))
def test_no_value_and_no_person_ever_lies_on_disk(values: list[str]) -> None:
    people = [f"user:person-{value}" for value in values]
    entries = [
        Secret(person, "email", value, NOON)
        for person, value in zip(people, values, strict=True)
    ]
    with a_file() as (vault, path):
        vault.tokens(entries)
        while_there = bytes_on_disk(path)
        vault.forget(people[0])
        afterwards = bytes_on_disk(path)

    for secret in (*values, *people):
        assert secret.encode() not in while_there
        assert secret.encode() not in afterwards


@settings(deadline=None, max_examples=30)
@given(st.lists(SECRETS, min_size=1, max_size=12), SUBJECTS)
def test_who_is_forgotten_leaves_nothing_that_opens(
    entries: list[Secret], gone: str
) -> None:
    with a_file() as (vault, path):
        before = dict(zip(entries, vault.tokens(entries), strict=True))
        others = {e.subject for e in entries} - {gone}
        kept = vault.latest(others, ["email", "phone"])
        person = vault.index(gone)
        query = "select wrapped_key from people where person = ?"
        keys = [row[0] for row in vault._store.connection.execute(query, (person,))]

        vault.forget(gone)

        on_disk = bytes_on_disk(path)
        assert vault.latest([gone], ["email", "phone"]) == {}
        assert vault.latest(others, ["email", "phone"]) == kept
        assert person not in on_disk
        assert not any(key in on_disk for key in keys)
        mine = [entry for entry in entries if entry.subject == gone]
        assert not {before[entry] for entry in mine} & set(vault.tokens(mine))


@settings(deadline=None, max_examples=40, suppress_health_check=ALIKE)
@given(TEXT, NAMES)
def test_two_people_with_one_value_have_two_tokens(
    a_vault: MakeVault, value: str, name: str
) -> None:
    with a_vault() as vault:
        anns, bobs = vault.tokens(
            [
                Secret("user:ann", name, value, NOON),
                Secret("user:bob", name, value, NOON),
            ]
        )

    assert anns != bobs


@settings(deadline=None, max_examples=40, suppress_health_check=ALIKE)
@given(
    st.permutations(range(4)),
    st.lists(st.tuples(st.booleans(), MOMENTS), min_size=4, max_size=4),
)
def test_the_latest_decision_wins_in_whatever_order_and_a_tie_denies(
    a_vault: MakeVault, order: list[int], decisions: list[tuple[bool, datetime]]
) -> None:
    with a_vault() as vault:
        for position in order:
            vault.set_analytics_denied("user:ann", *decisions[position])
        vault.set_analytics_decisions(("user:eve", *one) for one in decisions)

        denied = vault.analytics_denied(["user:ann", "user:bob", "user:eve"])

    newest = max(at for _, at in decisions)
    expected = any(denied for denied, at in decisions if at == newest)
    assert denied == ({"user:ann", "user:eve"} if expected else set())


@settings(deadline=None, max_examples=40, suppress_health_check=ALIKE)
@given(st.binary(max_size=200))
def test_what_was_sealed_comes_back_whole_and_looks_new_each_time(
    a_vault: MakeVault,
    plain: bytes,
) -> None:
    with a_vault() as vault:
        once, twice = vault.seal(plain), vault.seal(plain)

        assert vault.unseal(once) == vault.unseal(twice) == plain
        assert once != twice
