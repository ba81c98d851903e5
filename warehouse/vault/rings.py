"""A vault's ring where it lies: opened by the master key, and changed by a rotation.

There is one row a master key that opens the vault: two of them while a rotation goes
on, so that it may be killed at any point and whatever key file is there still opens it.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from warehouse.errors import BadSetting
from warehouse.vault.ring import Ring, checked, fingerprint
from warehouse.vault.store import Rows, Store

_SET = """
insert into vault (name, value) values (?, ?)
on conflict (name) do update set value = excluded.value
"""
_VALUE = "select value from vault where name = ?"
_IS_RING = "substr(name, 1, 5) = 'ring:'"


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A ring in memory, and which of the vault's rings it is."""

    ring: Ring
    generation: bytes


def opened(store: Store, master: bytes) -> Opened:
    """The ring of a vault, made where there is none.

    Raises BadSetting when the master key opens none.
    """
    checked(master)
    with store.writing() as held:
        if not held.ask(f"select 1 from vault where {_IS_RING} limit 1"):
            _begin(held, master, store.place)
        return read(held, master, store.place)


def read(held: Rows, master: bytes, place: str) -> Opened:
    """The ring that a master key opens. Raises BadSetting when it opens none."""
    kept = held.ask(_VALUE, [_name(master)])
    if not kept:
        raise _not_its_key(place)
    try:
        return Opened(Ring.opened(kept[0][0], master), generation(held))
    except InvalidTag:
        raise _not_its_key(place) from None


def generation(held: Rows) -> bytes:
    """What changes whenever the ring does."""
    kept = held.ask(_VALUE, ["generation"])
    return bytes(kept[0][0]) if kept else b""


def rotate(store: Store, master: bytes, new_master: bytes) -> int:
    """Put a new ring in the vault that both master keys open; people's keys follow.

    One transaction. A rotation to a key that opens the vault already changes nothing.
    """
    checked(new_master)
    with store.writing() as held:
        if held.ask(_VALUE, [_name(new_master)]):
            return 0
        before = read(held, master, store.place)
        ring = before.ring.next()
        people = held.ask("select person, wrapped_key from people")
        held.tell(
            "update people set wrapped_key = ? where person = ?",
            [
                (ring.rewrapped(person, wrapped, before.ring), person)
                for person, wrapped in people
            ],
        )
        held.tell(_SET, [(_name(one), ring.kept(one)) for one in (master, new_master)])
        held.tell(_SET, [("generation", ring.sealing)])
        return len(people)


def retire(store: Store, master: bytes) -> None:
    """Remove every ring but that of one master key."""
    with store.writing() as held:
        held.tell(
            f"delete from vault where {_IS_RING} and name <> ?",
            [(_name(master),)],
        )


def _begin(held: Rows, master: bytes, place: str) -> None:
    """Make the first ring; a vault from before there were rings has a mark instead."""
    ring = Ring.first(master)
    mark = held.ask(_VALUE, ["mark"])
    if mark:
        try:
            ring.unseal(mark[0][0])
        except InvalidTag:
            raise _not_its_key(place) from None
        held.tell("delete from vault where name = ?", [("mark",)])
    held.tell(_SET, [(_name(master), ring.kept(master))])


def _name(master: bytes) -> str:
    return f"ring:{fingerprint(master)}"


def _not_its_key(place: str) -> BadSetting:
    return BadSetting(
        f"The master key does not open the vault {place}."
        " Put back the key file the vault was made with, or name it in"
        " QUESTLOG_MASTER_KEY_FILE."
    )
