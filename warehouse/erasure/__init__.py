"""Erase a person from the warehouse and the vault, so that nothing brings them back.

The order is the promise. What is to be found is written down first, encrypted, so that
an erasure killed at any point goes on where it was. Then the person's ids are refused
at the door. Only when no platform has them any more are their keys destroyed, and then
every table is rewritten, and searched. What stays is a receipt and HMACs.
"""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from warehouse import audit
from warehouse.erasure import receipts, refusals, tables
from warehouse.erasure.clocks import loads_that_told_clocks
from warehouse.erasure.person import Person, checked, find, subject_of
from warehouse.erasure.plan import Plan, Receipt
from warehouse.erasure.returning import brought_back, readmit
from warehouse.erasure.words import spellings
from warehouse.errors import BadInput, Unavailable
from warehouse.identity import DEVICE
from warehouse.writers import wait_for_writers

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.vault import Vault

__all__ = ["Reach", "Receipt", "brought_back", "erase", "quiet", "reach", "readmit"]

_CODE = re.compile(r"\(([A-Z][A-Z_]{5,})\)")
LeaveAudiences = Callable[[Sequence[str]], Sequence[str]]
"""Takes people, by their ids, out of every audience; at return the platforms have
acknowledged. What it returns names the sets they left."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an erasure would find, and change nothing: ids as they are asked for."""

    own_ids: tuple[str, ...]
    kept_devices: tuple[str, ...]
    rows: dict[str, int]
    refusals: int
    is_in_vault: bool


def quiet(client: "Client") -> None:
    """Keep this client's queries out of the engine's log: they hold ids."""
    client.set_client_setting("log_queries", 0)


def reach(client: "Client", vault: "Vault", own_id: str) -> Reach:
    """What an erasure would remove. Raises BadInput as `erase` does."""
    person = find(client, checked(own_id))
    knows = vault.knows(person.subjects)
    _require_known(person, own_id, in_vault=bool(knows), buried=False)
    plan = _planned(client, vault, person, own_id, audit.Act("", "dry run", _EPOCH))
    try:
        _list(client, plan)
        found = {
            table.full: tables.count(client, table, plan.erasure_id)
            for table in tables.ours(tables.tables(client))
        }
        return Reach(
            person.own_ids,
            person.shared,
            {name: number for name, number in found.items() if number},
            len(refusals.of(client, vault, _words(plan))),
            bool(knows),
        )
    finally:
        tables.unlist(client, plan.erasure_id)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def erase(  # noqa: PLR0913 - what it works with, and on whom
    client: "Client",
    vault: "Vault",
    own_id: str,
    done: audit.Act,
    *,
    leave_audiences: LeaveAudiences,
    told: Callable[[str], None] = lambda _step: None,
) -> Receipt:
    """Erase a person; called again it goes on, or gives the receipt of before.

    Raises BadInput where nobody is known by the id; Unavailable where a platform has
    not acknowledged yet, something has been writing for ten minutes, or rows still name
    the person because something wrote them meanwhile: the same call goes on.
    """
    # a killed build may still be writing what it read of the person
    wait_for_writers(client)
    plan = _begun(client, vault, checked(own_id), done)
    if isinstance(plan, Receipt):
        return plan
    told("refused from now on")
    subjects = [subject_of(one) for one in plan.alone]
    vault.bury(subjects, done.at)
    _list(client, plan)
    told("leaving audiences")
    if plan.audiences is None:
        left = tuple(leave_audiences(plan.own_ids))
        plan = _kept(vault, msgspec.structs.replace(plan, audiences=left))
    told("keys destroyed")
    vault.forget(*subjects)
    told("rewriting tables")
    with _held_still():
        plan = _rewritten(client, vault, plan)
    told("searching every table")
    # what began before the rows were gone may have read them
    wait_for_writers(client)
    with _held_still():
        columns = _verified(client, plan)
    told("writing the receipt")
    receipt = receipts.receipt_of(plan, done.at, columns)
    receipts.write_down(client, vault, plan, receipt, done)
    vault.drop_plan(plan.erasure_id)
    tables.unlist_strays(client, vault.plans())
    return receipt


@contextlib.contextmanager
def _held_still() -> Iterator[None]:
    """A build may drop or exchange a table under our hands: then it is tried again.

    The engine's text may quote what was asked for, so only its code is told.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    try:
        yield
    except OperationalError:
        raise
    except DatabaseError as error:
        code = (_CODE.findall(str(error)) or ["no code"])[-1]
        raise Unavailable(
            f"A table changed while it was rewritten ({code}): a build was running, or"
            " the engine refused. The same command goes on with the erasure."
        ) from None


def _begun(
    client: "Client", vault: "Vault", own_id: str, done: audit.Act
) -> "Plan | Receipt":
    """The plan of an erasure under way, or a new one; a receipt where it is done."""
    person = find(client, own_id)
    for kept in vault.plans().values():
        plan = msgspec.json.decode(kept, type=Plan)
        if own_id in plan.own_ids:
            return _kept(vault, _joined(plan, person))
    buried = bool(vault.buried([subject_of(own_id)]))
    in_vault = bool(vault.knows(person.subjects))
    if not person.has_events and not in_vault and buried:
        return receipts.earlier(client, vault, own_id)
    _require_known(person, own_id, in_vault=in_vault, buried=buried)
    return _kept(vault, _planned(client, vault, person, own_id, done))


def _require_known(
    person: Person, own_id: str, *, in_vault: bool, buried: bool
) -> None:
    if person.has_events or in_vault or buried or len(person.own_ids) > 1:
        return
    kind = "device" if own_id.startswith(DEVICE) else "user"
    raise BadInput(
        f"Nobody is known by this {kind} id: no event, no identifier, no earlier"
        " erasure. Ids are case-sensitive; those of devices begin with anon:."
        " `questlog identity show ID` tells what is known of one."
    )


def _joined(plan: Plan, person: Person) -> Plan:
    """A plan with ids that came to light since."""
    return msgspec.structs.replace(
        plan,
        own_ids=tuple(sorted({*plan.own_ids, *person.own_ids})),
        alone=tuple(sorted({*plan.alone, *person.alone})),
        audiences=plan.audiences if set(person.own_ids) <= set(plan.own_ids) else None,
    )


def _planned(
    client: "Client", vault: "Vault", person: Person, own_id: str, done: audit.Act
) -> Plan:
    known = vault.latest(person.subjects, ("email", "phone"))
    return Plan(
        erasure_id=str(uuid4()),
        asked_for=own_id,
        own_ids=person.own_ids,
        alone=person.alone,
        shared=len(person.shared),
        values=tuple({one for told in known.values() for one in told.values()}),
        half_staged=tuple(
            {
                *tables.loads_to_stage_again(client, person.own_ids),
                *loads_that_told_clocks(client, person.own_ids),
            }
        ),
        by=done.by,
        because=done.because,
    )


def _kept(vault: "Vault", plan: Plan) -> Plan:
    vault.keep_plan(plan.erasure_id, msgspec.json.encode(plan))
    return plan


def _list(client: "Client", plan: Plan) -> None:
    """Put what is looked for where statements find it."""
    tables.list_for(
        client,
        plan.erasure_id,
        {
            "own_id": plan.own_ids,
            "device": plan.devices_alone,
            "word": [spelt for one in plan.bare_ids for spelt in spellings(one)],
            **{one.kind: [one.expression] for one in plan.patterns},
        },
    )
    tables.list_events(client, plan.erasure_id)


def _words(plan: Plan) -> list[str]:
    return [*plan.bare_ids, *plan.values]


def _rewritten(client: "Client", vault: "Vault", plan: Plan) -> Plan:
    erasure, removed = plan.erasure_id, dict(plan.removed)
    redacted: dict[str, int] = {}
    found = refusals.of(client, vault, _words(plan))
    tables.list_for(client, erasure, {"refusal": found})
    present = list(tables.ours(tables.tables(client)))
    for table in present:
        if gone := tables.remove(client, table, erasure):
            removed[table.full] = max(gone, removed.get(table.full, 0))
            # a kill after this must not make the receipt forget it
            plan = _kept(vault, msgspec.structs.replace(plan, removed=removed))
        if table.full == "raw.events":
            tables.settle_loads(client, plan.half_staged)
    for table in present:
        named = tables.mentions(client, table, erasure, plan.patterns)
        if named:
            tables.redact(client, table, erasure, plan.patterns, named)
            redacted |= {f"{table.full}.{name}": n for name, n in named.items()}
    kept = {**redacted, **plan.redacted}
    return _kept(vault, msgspec.structs.replace(plan, redacted=kept))


def _verified(client: "Client", plan: Plan) -> int:
    """Search every text of every table; how many columns that was.

    Raises Unavailable naming the tables where something is left.
    """
    present = tables.tables(client)
    left = [
        f"{table.full} ({', '.join(named)})"
        for table in present
        if (named := tables.left(client, table, plan.erasure_id, plan.patterns))
    ]
    if left:
        raise Unavailable(
            f"Rows still name the person in {', '.join(left)}: something wrote them"
            " meanwhile, or the table is not ours to rewrite. The erasure stays open;"
            " the same command goes on with it."
        )
    return tables.searched(present)
