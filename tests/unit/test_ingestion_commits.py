"""Requests that wait for the disk together, and what one costs the others."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestion.bodies import Body
from ingestion.commits import Commits
from ingestion.door import Keeping, judged
from ingestion.judging import Accepted, Source, Verdict
from ingestion.records import Record
from tests.unit.door import NOW, RULES, Door, a_door, an_event
from warehouse.errors import Unavailable


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with a_door(tmp_path) as opened:
        yield opened


def verdicts_on(*events: dict[str, Any]) -> list[Verdict]:
    body = Body(events=tuple(map(orjson.dumps, events)))
    return judged(body, rules=RULES, source=Source("web"), received_at=NOW)


def signed_up(number: int, user: str) -> dict[str, Any]:
    return an_event(
        number,
        user_id=user,
        event_name="user_signed_up",
        properties={"signup_method": "email", "email": f"{user}@example.com"},
    )


class Slow:
    """A log whose first write lasts until it is let go; it counts its writes."""

    def __init__(self, log: Any) -> None:
        self.log = log
        self.writes: list[int] = []
        self.is_writing = threading.Event()
        self.goes_on = threading.Event()

    def append(self, records: Sequence[Record]) -> int:
        self.is_writing.set()
        self.goes_on.wait(60)
        self.writes.append(sum(record.count for record in records))
        end: int = self.log.append(records)
        return end


def kept_together(
    keeping: Keeping, batches: list[list[Verdict]], slow: Slow
) -> list[Any]:
    """What became of batches, the first of which is being written as others come."""

    async def all_of_them() -> list[Any]:
        with ThreadPoolExecutor(2) as writers:
            commits = Commits(keeping, writers)
            first = asyncio.create_task(commits.kept(batches[0], NOW))
            await asyncio.to_thread(slow.is_writing.wait, 10)
            others = [
                asyncio.create_task(commits.kept(batch, NOW)) for batch in batches[1:]
            ]
            await asyncio.sleep(0)
            slow.goes_on.set()
            return await asyncio.gather(first, *others, return_exceptions=True)

    return asyncio.run(all_of_them())


def test_what_comes_while_the_disk_is_busy_shares_the_next_write(door: Door) -> None:
    slow = Slow(door.service.keeping.log)
    batches = [verdicts_on(an_event(n), an_event(100 + n)) for n in range(5)]

    kept = kept_together(replace(door.service.keeping, log=slow), batches, slow)

    assert slow.writes == [2, 8]
    assert [[v.envelope.event_id for v in one] for one in kept] == [
        [v.envelope.event_id for v in one if isinstance(v, Accepted)] for one in batches
    ]
    assert len(door.rows("accepted")) == 10


def test_a_person_whose_key_is_damaged_costs_other_requests_nothing(door: Door) -> None:
    door.post(signed_up(1, "ann"))
    door.post(signed_up(2, "bob"))
    slow = Slow(door.service.keeping.log)
    vault = door.service.keeping.vault
    vault._store.connection.execute(
        "update people set wrapped_key = x'00' where person in"
        " (select person from people limit 1)"
    )
    batches = [
        verdicts_on(an_event(3)),
        verdicts_on(signed_up(4, "ann")),
        verdicts_on(signed_up(5, "bob")),
        verdicts_on(signed_up(6, "eve")),
    ]

    kept = kept_together(replace(door.service.keeping, log=slow), batches, slow)

    assert sum(isinstance(one, Exception) for one in kept) == 1
    assert isinstance(kept[3], list)
    properties = [row["properties"] for row in door.rows("accepted")]
    assert len(properties) == 5
    assert not [text for text in properties if "@example.com" in text]


def test_a_log_that_refuses_is_told_to_all_who_wait_for_it(door: Door) -> None:
    class Full(Slow):
        def append(self, records: Sequence[Record]) -> int:
            super().append(records)
            raise Unavailable("No space left.")

    slow = Full(door.service.keeping.log)
    batches = [verdicts_on(an_event(n)) for n in range(3)]

    kept = kept_together(replace(door.service.keeping, log=slow), batches, slow)

    assert [type(one) for one in kept] == 3 * [Unavailable]


def test_a_fault_of_our_own_hangs_nobody(door: Door) -> None:
    class Faulty(Slow):
        def append(self, records: Sequence[Record]) -> int:
            super().append(records)
            raise ZeroDivisionError

    slow = Faulty(door.service.keeping.log)
    batches = [verdicts_on(an_event(n)) for n in range(3)]

    kept = kept_together(replace(door.service.keeping, log=slow), batches, slow)

    assert [type(one) for one in kept] == 3 * [ZeroDivisionError]
