"""Who was erased from a vault, and erasures that are under way.

Of who was erased an HMAC stays: enough to refuse them again, not to name them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from warehouse.vault.opened import OpenVault
from warehouse.vault.secret import microseconds
from warehouse.vault.store import among

_BURY = """
insert into tombstones (person, at_us) values (?, ?) on conflict (person) do nothing
"""
_FORGET = (
    "delete from secrets where person_id in (select id from people where person = ?)",
    "delete from people where person = ?",
    "delete from analytics_decisions where person = ? and denied = 0",
)


class Graves(OpenVault):
    """Destroys keys, and remembers that they are to stay destroyed."""

    def forget(self, *subjects: str) -> None:
        """Destroy people's keys and all that was kept of them; safe to repeat.

        What stays is a denial of analytics, as an HMAC: a person who said no and
        then left is still refused. Raises Unavailable when others' reading kept
        old pages on disk; the same call then finishes the work.
        """
        self._forget([self.index(subject) for subject in subjects])

    def bury(self, subjects: Iterable[str], at: datetime) -> None:
        """From now on these people are refused, whoever sends them; durable at return.

        What stays of them is an HMAC. A tombstone keeps its first moment.
        """
        self.bury_indexes([self.index(subject) for subject in subjects], at)

    def bury_indexes(self, indexes: Iterable[bytes], at: datetime) -> None:
        """The same for who is known by their HMACs alone, as a receipt has them."""
        with self._writing() as held:
            held.tell(_BURY, [(index, microseconds(at)) for index in indexes])

    def unbury(self, subjects: Iterable[str]) -> None:
        """Let people in again who were erased: what comes from now on is kept."""
        with self._writing() as held:
            rows = [(self.index(subject),) for subject in subjects]
            held.tell("delete from tombstones where person = ?", rows)

    def buried(self, subjects: Iterable[str]) -> set[str]:
        """Those of the subjects who were erased."""
        wanted = {self.index(subject): subject for subject in subjects}
        query = "select person from tombstones where person in ({})"
        with self._reading() as held:
            return {wanted[row[0]] for row in among(held, query, list(wanted))}

    def tombstones(self) -> frozenset[bytes]:
        """The HMACs of all who were erased."""
        with self._reading() as held:
            return frozenset(
                row[0] for row in held.ask("select person from tombstones")
            )

    def forget_buried(self) -> int:
        """Destroy what the vault holds of who was erased: an old copy may; how many."""
        query = (
            "select person from people where person in (select person from tombstones)"
        )
        with self._reading() as held:
            there = [row[0] for row in held.ask(query)]
        if there:
            self._forget(there)
        return len(there)

    def plans(self) -> dict[str, bytes]:
        """What erasures under way have to remember, by their ids."""
        with self._reading() as held:
            kept = held.ask("select erasure, sealed_plan from erasures order by 1")
        return {erasure: self.unseal(sealed) for erasure, sealed in kept}

    def keep_plan(self, erasure: str, plan: bytes) -> None:
        """Keep what an erasure has to remember, encrypted; durable at return."""
        with self._writing() as held:
            held.tell(
                "insert into erasures (erasure, sealed_plan) values (?, ?) on conflict"
                " (erasure) do update set sealed_plan = excluded.sealed_plan",
                [(erasure, self.seal(plan))],
            )

    def drop_plan(self, erasure: str) -> None:
        """Forget a plan: its erasure is done."""
        with self._writing() as held:
            held.tell("delete from erasures where erasure = ?", [(erasure,)])
        self._scrub()

    def _forget(self, indexes: Sequence[bytes]) -> None:
        with self._writing() as held:
            for statement in _FORGET:
                held.tell(statement, [(index,) for index in indexes])
        self._scrub()
