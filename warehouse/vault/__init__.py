"""The vault: direct identifiers, encrypted outside ClickHouse.

Each person has a key of their own, wrapped by the master key; whoever destroys it
has destroyed all that the vault held of them, in every backup of the warehouse.
Persons appear only as HMACs, values only as ciphertext.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

import msgspec
from cryptography.exceptions import InvalidTag

from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.settings import Settings
from warehouse.vault.graves import Graves
from warehouse.vault.keys import load_master_key
from warehouse.vault.known import Known
from warehouse.vault.postgres import PostgresStore
from warehouse.vault.ring import PersonKey
from warehouse.vault.secret import Secret, latest_of_each, mark_of, microseconds
from warehouse.vault.sqlite import SqliteStore
from warehouse.vault.store import Rows, among

__all__ = ["Known", "Secret", "Vault", "load_master_key", "open_vault"]

_PUT = """
insert into secrets (person_id, name, token, at_us, sealed) values (?, ?, ?, ?, ?)
on conflict (person_id, name, token)
do update set at_us = excluded.at_us where excluded.at_us > secrets.at_us
"""
_LATEST_TOKENS = """
select people.person, secrets.name, secrets.token
from people join secrets on secrets.person_id = people.id
where people.person in ({})
order by secrets.person_id, secrets.name, secrets.at_us, secrets.token
"""
_KNOWN = """
select people.person, people.wrapped_key, secrets.name, secrets.token, secrets.sealed
from people join secrets on secrets.person_id = people.id
where people.person in ({})
order by secrets.person_id, secrets.name, secrets.at_us, secrets.token
"""
# of two decisions at one moment the denial stands, in whatever order they come
_DECIDE = """
insert into analytics_decisions (person, at_us, denied) values (?, ?, ?)
on conflict (person) do update set at_us = excluded.at_us, denied = excluded.denied
where (excluded.at_us, excluded.denied)
    > (analytics_decisions.at_us, analytics_decisions.denied)
"""


class _Person(msgspec.Struct, frozen=True, gc=False):
    """A row of `people`, unwrapped."""

    id: int
    key: PersonKey


class Vault(Graves):
    """An open vault; safe to use from several threads and several processes."""

    def tokens(self, entries: Sequence[Secret]) -> list[str]:
        """Keep the secrets and return a token for each, in order.

        One transaction; all is on disk at return. A token is `tok_` and 32 hex
        digits, the same for the same person, name and value for as long as the
        person's key lives, and unlike that of any other person.
        """
        latest = latest_of_each(entries)
        tokens: dict[tuple[str, str, str], bytes] = {}
        with self._writing() as held:
            people = self._people_made(held, {who for who, _, _ in latest})
            rows = []
            for (subject, name, value), at_us in latest.items():
                person = people[subject]
                token = person.key.token(name, value)
                sealed = person.key.sealed(name, token, value)
                rows.append((person.id, name, token, at_us, sealed))
                tokens[subject, name, value] = token
            held.tell(_PUT, rows)
        return [
            f"tok_{tokens[one.subject, one.name, one.value].hex()}" for one in entries
        ]

    def latest(
        self, subjects: Iterable[str], names: Iterable[str]
    ) -> dict[str, dict[str, str]]:
        """The latest value of each name, by subject; what is not known is left out."""
        wanted = set(names)
        with self._reading() as held:
            people = self._people(held, set(subjects))
            rows = among(
                held,
                "select person_id, name, token, sealed from secrets"
                " where person_id in ({}) order by person_id, name, at_us, token",
                [person.id for person in people.values()],
            )
            # in that order the last row of a name is its latest
            last = {(row[0], row[1]): row for row in rows if row[1] in wanted}
        found: dict[str, dict[str, str]] = {}
        for subject, person in people.items():
            for name in wanted:
                if row := last.get((person.id, name)):
                    with self._damage_named():
                        value = person.key.opened(*row[1:])
                    found.setdefault(subject, {})[name] = value
        return found

    def marks(self, subjects: Iterable[str], names: Iterable[str]) -> dict[str, bytes]:
        """What stands for the latest values of the names: 16 bytes by subject.

        A mark changes when and only when one of them does, or the person's key. Nothing
        is opened; a subject of whom no value is known has no mark.
        """
        wanted = {self.index(subject): subject for subject in subjects}
        named = sorted(set(names))
        with self._reading() as held:
            rows = among(held, _LATEST_TOKENS, list(wanted))
        # in that order the last row of a name is its latest
        last: dict[bytes, dict[str, bytes]] = {}
        for person, name, token in rows:
            last.setdefault(person, {})[name] = token
        return {
            wanted[person]: mark
            for person, tokens in last.items()
            if (mark := mark_of(tokens, named))
        }

    def known(self, subjects: Iterable[str], names: Iterable[str]) -> dict[str, Known]:
        """The latest values, what stands for them, and what seals, of one moment.

        By subject; of whom no value of these names is known is left out.
        """
        wanted = {self.index(subject): subject for subject in subjects}
        named = set(names)
        with self._reading() as held:
            rows = among(held, _KNOWN, list(wanted))
        # in that order the last row of a name is its latest
        last: dict[bytes, dict[str, tuple[bytes, bytes]]] = {}
        wrapped: dict[bytes, bytes] = {}
        for person, key, name, token, sealed in rows:
            if name in named:
                last.setdefault(person, {})[name] = (token, sealed)
                wrapped[person] = key
        with self._damage_named():
            return {
                wanted[person]: Known.of(
                    self._ring.person(person, wrapped[person]), latest
                )
                for person, latest in last.items()
            }

    def open_for(
        self, entries: Sequence[tuple[str, bytes]], purpose: bytes
    ) -> list[bytes | None]:
        """What was sealed for each subject; nothing where the key is gone."""
        people = self._known_people(subject for subject, _ in entries)
        return [
            _opened(people.get(subject), sealed, purpose) for subject, sealed in entries
        ]

    def _known_people(self, subjects: Iterable[str]) -> dict[str, _Person]:
        with self._reading() as held:
            return self._people(held, set(subjects))

    def knows(self, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects who have a key here."""
        return set(self._known_people(subjects))

    def set_analytics_denied(self, subject: str, denied: bool, at: datetime) -> None:  # noqa: FBT001 - a state
        """Note a decision on analytics; the latest `at` counts, in whatever order."""
        self.set_analytics_decisions([(subject, denied, at)])

    def set_analytics_decisions(
        self, decisions: Iterable[tuple[str, bool, datetime]]
    ) -> None:
        """Note many decisions, each subject, whether denied, and when, in one step."""
        rows = [
            (self.index(subject), microseconds(at), int(denied))
            for subject, denied, at in decisions
        ]
        with self._writing() as held:
            held.tell(_DECIDE, rows)

    def analytics_denied(self, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects whose latest decision denies analytics."""
        decided = self.analytics_decisions(subjects)
        return {subject for subject, denied in decided.items() if denied}

    def analytics_decisions(self, subjects: Iterable[str]) -> dict[str, bool]:
        """Whether analytics is denied, for each subject who has decided."""
        wanted = {self.index(subject): subject for subject in subjects}
        query = "select person, denied from analytics_decisions where person in ({})"
        with self._reading() as held:
            rows = among(held, query, list(wanted))
        return {wanted[person]: bool(denied) for person, denied in rows}

    def _people(self, held: Rows, subjects: Iterable[str]) -> dict[str, _Person]:
        """Those of the subjects who have a key."""
        wanted = {self.index(subject): subject for subject in subjects}
        found = self._indexed(held, list(wanted))
        return {wanted[index]: person for index, person in found.items()}

    def _people_made(self, held: Rows, subjects: Iterable[str]) -> dict[str, _Person]:
        """All of the subjects, with a key made for who had none."""
        wanted = {self.index(subject): subject for subject in subjects}
        found = self._indexed(held, list(wanted))
        insert = "insert into people (person, wrapped_key) values (?, ?) returning id"
        for index in wanted.keys() - found.keys():
            key, wrapped = self._ring.new_person(index)
            ((number,),) = held.ask(insert, (index, wrapped))
            found[index] = _Person(number, key)
        return {wanted[index]: person for index, person in found.items()}

    def _indexed(self, held: Rows, indexes: Sequence[bytes]) -> dict[bytes, _Person]:
        query = "select id, person, wrapped_key from people where person in ({})"
        with self._damage_named():
            return {
                index: _Person(number, self._ring.person(index, wrapped))
                for number, index, wrapped in among(held, query, indexes)
            }

    @contextlib.contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except InvalidTag as error:
            raise BadInput(
                f"The vault {self._store.place} is damaged: a key or a value in it"
                " does not open. Restore it from its backup."
            ) from error


def _opened(person: _Person | None, sealed: bytes, purpose: bytes) -> bytes | None:
    if person is None:
        return None
    try:
        return person.key.unseal(sealed, purpose)
    except InvalidTag:
        return None  # of a key that was destroyed, after which the person came again


def open_vault(settings: Settings) -> Vault:
    """The vault of the settings: in PostgreSQL where QUESTLOG_VAULT_URL says so.

    Raises as Vault.over and the stores do.
    """
    read_master = partial(load_master_key, settings)
    # a lost master key is told before an empty vault is made
    read_master()
    if settings.vault_url:
        return Vault.over(PostgresStore.open(settings.vault_url), read_master)
    return Vault.over(SqliteStore.open(Home(settings.home).vault), read_master)
