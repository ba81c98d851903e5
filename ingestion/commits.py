"""Requests wait for the disk together: a writer takes all that came meanwhile."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from ingestion.door import Batch, Keeping, Kept, keep_together
from ingestion.judging import Verdict


@dataclass(frozen=True, slots=True)
class _Waiting:
    batch: Batch
    kept: "asyncio.Future[list[Verdict]]"


class Commits:
    """Keeps batches in groups, one group at a time, in the order they came.

    While a group is written the next one gathers: the more requests come at once, the
    fewer writes to disk, transactions of the vault and changes of thread each costs.
    """

    def __init__(self, keeping: Keeping, writers: Executor) -> None:
        self._keeping = keeping
        self._writers = writers
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def kept(self, verdicts: Sequence[Verdict], now: datetime) -> list[Verdict]:
        """The final verdicts of a batch, durable. Raises QuestlogError, OSError."""
        loop = asyncio.get_running_loop()
        one = _Waiting(Batch(verdicts, now), loop.create_future())
        self._waiting.append(one)
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        return await one.kept

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                for one, kept in zip(group, await self._together(group), strict=True):
                    _tell(one, kept)
        finally:
            self._writing = None

    async def _together(self, group: list[_Waiting]) -> Sequence[Kept | Exception]:
        batches = [one.batch for one in group]
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._writers, keep_together, batches, self._keeping
            )
        except Exception as error:  # noqa: BLE001 - every request of the group is told
            return [error] * len(group)


def _tell(one: _Waiting, kept: Kept | Exception) -> None:
    # who went away meanwhile is told nothing
    if one.kept.done():
        return
    if isinstance(kept, Exception):
        one.kept.set_exception(kept)
    else:
        one.kept.set_result(kept)
