"""The durable plan of one import: when it began, when each block was cut."""

import fcntl
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from warehouse.durable import private_folder, put
from warehouse.errors import Unavailable


@dataclass(slots=True)
class Plan:
    """What is fixed about an import; `refused` is there once it has finished."""

    started_at: str
    cut_at: dict[int, str] = field(default_factory=dict)
    refused: dict[str, int] | None = None


class PlanFile:
    """A plan on disk, held by one import at a time."""

    def __init__(self, path: Path, lock: int, plan: Plan) -> None:
        self._path = path
        self._lock = lock
        self.plan = plan

    @classmethod
    def open(cls, path: Path, *, started_at: str) -> Self:
        """Take an import's plan, or begin one.

        Raises Unavailable when another process imports the same file.
        """
        private_folder(path.parent)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise Unavailable(
                "Another process imports the same file right now."
                " Wait for it; importing again afterwards changes nothing."
            ) from error
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=Plan)
        except FileNotFoundError:
            plan = Plan(started_at)
        held = cls(path, lock, plan)
        held._write()
        return held

    @property
    def started_at(self) -> datetime:
        """When the import was begun for the first time."""
        return datetime.fromisoformat(self.plan.started_at).replace(tzinfo=UTC)

    def close(self) -> None:
        """Let the next import in."""
        os.close(self._lock)

    def cut(self, number: int, *, at: str) -> None:
        """Note the moment a block was cut; durable at return."""
        self.plan.cut_at[number] = at
        self._write()

    def finish(self, refused: dict[str, int]) -> None:
        """Keep the figures that ops.imports has no columns for."""
        self.plan.refused = refused
        self._write()

    def _write(self) -> None:
        put(self._path, msgspec.json.encode(self.plan))
