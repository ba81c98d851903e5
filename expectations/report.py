"""What a gate found: one result a rule, and whether that lets pass."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from expectations.suites import Severity
from warehouse.errors import GateClosed

RUNBOOK = "docs/runbooks/gate-closed.md"
_SHOWN_KEYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one rule found in one table.

    `parts` are what is at fault where a gate may keep back one and not another, such as
    an audience; without any it is about everything. `trouble` says why a rule could not
    be judged at all: a closed gate too.
    """

    suite: str
    expectation: str
    meaning: str
    columns: tuple[str, ...]
    severity: Severity
    success: bool
    checked_rows: int
    unexpected_rows: int
    sample_keys: tuple[str, ...]
    parts: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong, in how many rows, and which: keys, no other values."""
        if self.trouble:
            return f"{self.suite} {self.expectation}: {self.trouble}"
        rows = (
            "1 row" if self.unexpected_rows == 1 else f"{self.unexpected_rows:,} rows"
        )
        keys = ", ".join(self.sample_keys[:_SHOWN_KEYS])
        return f"{self.suite} {self.expectation}: {rows}, such as {keys}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """The results of one run of a gate."""

    gate: str
    as_of: date
    run_id: UUID
    results: tuple[Result, ...]
    data_docs: Path

    @property
    def stops(self) -> tuple[Result, ...]:
        """The results that close the gate."""
        return tuple(_broken(self.results, "stop"))

    @property
    def warnings(self) -> tuple[Result, ...]:
        """The results that ask for a look and let pass."""
        return tuple(_broken(self.results, "warn"))

    @property
    def open(self) -> bool:
        """Whether what follows may run."""
        return not self.stops

    def require_open(self) -> None:
        """Raise GateClosed naming each broken expectation, unless the gate is open."""
        if not self.open:
            raise GateClosed(self.closed_because)

    @property
    def closed_because(self) -> str:
        """Each broken expectation, where to look and what to follow."""
        return (
            f"The gate {self.gate} is closed for {self.as_of}:"
            f" {len(self.stops)} of {len(self.results)} expectations failed."
            + "".join(f"\n  {result.sentence}" for result in self.stops)
            + f"\n{self._kept_back} Look at {self.data_docs / 'index.html'},"
            f" then follow {RUNBOOK}."
        )

    @property
    def _kept_back(self) -> str:
        """What a closed gate holds up."""
        if not all(result.parts for result in self.stops):
            return "Nothing was published."
        parts = sorted({part for result in self.stops for part in result.parts})
        return f"Kept back: {', '.join(parts)}; nothing else."

    def as_json(self) -> dict[str, Any]:
        """The report in JSON's own types."""
        return {
            "gate": self.gate,
            "as_of": self.as_of.isoformat(),
            "run_id": str(self.run_id),
            "open": self.open,
            "data_docs": str(self.data_docs / "index.html"),
            "results": [
                {key: value for key, value in asdict(result).items() if value != ""}
                for result in self.results
            ],
        }


def _broken(results: Iterable[Result], severity: Severity) -> Iterator[Result]:
    return (
        result
        for result in results
        if result.severity == severity and not result.success
    )
