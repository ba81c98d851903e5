"""What became of faults and of clean months, and what that comes to."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench._faults import Fault
from warehouse.settings import REPOSITORY

_RESUMED = "QUESTLOG_BENCH_RESUMED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What gates said of one fault.

    `days` until they said what is wanted, to stop or to tell: 1 for its own day.
    `trouble` says why a fault could not be tried: it counts as unseen.
    """

    fault: Fault
    told: frozenset[str]
    closed: bool
    days: int
    evidence: str = ""
    trouble: str = ""

    @property
    def state(self) -> str:
        """In a word, what became of it."""
        if self.trouble:
            return "FAILED"
        return "closed" if self.closed else "told" if self.told else "UNSEEN"

    @property
    def is_wanted(self) -> bool:
        """Whether a grave fault was stopped, and any other one told."""
        return self.closed if self.fault.severity == "stop" else bool(self.told)


def as_row(outcome: Outcome) -> dict[str, Any]:
    """An outcome in JSON's own types."""
    fault = outcome.fault
    return {
        "name": fault.name,
        "layer": fault.layer,
        "magnitude": fault.magnitude,
        "severity": fault.severity,
        "became": outcome.state,
        "days": outcome.days,
        "told_by": sorted(outcome.told),
    }


def figures(outcomes: Sequence[Outcome], alarms: Sequence[int]) -> dict[str, float]:
    """The figures of a run; `alarms` has a number for each clean month."""
    grave = [outcome for outcome in outcomes if outcome.fault.severity == "stop"]
    told = [outcome for outcome in outcomes if outcome.told]
    days = sorted(outcome.days for outcome in told)
    return {
        "kinds": len(outcomes),
        "detected_share": len(told) / max(len(outcomes), 1),
        "stop_kinds": len(grave),
        "stopped_share": sum(one.closed for one in grave) / max(len(grave), 1),
        "clean_months": len(alarms),
        "false_alarms_per_month": sum(alarms) / max(len(alarms), 1),
        "time_to_detection_median_days": float(days[len(days) // 2]) if days else 0.0,
        "time_to_detection_p95_days": float(days[int(len(days) * 0.95)])
        if days
        else 0.0,
    }


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found so far, kept in a file if there is one.

    What was judged by other rules, or of other faults, is not taken from there.
    """

    file: Path | None
    rules: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    months: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of_environment(cls, faults: Sequence[Fault]) -> Self:
        """What the file that the environment names has, nothing without one."""
        named = os.environ.get(_RESUMED)
        found = cls(Path(named) if named else None, _rules())
        if found.file is None or not found.file.exists():
            return found
        known = {fault.name: fault for fault in faults}
        for row in map(json.loads, found.file.read_text().splitlines()):
            if row["rules"] != found.rules:
                continue
            if "seed" in row:
                found.months[row["seed"]] = row["alarms"]
            elif row["name"] in known:
                found.outcomes[row["name"]] = _outcome(known[row["name"]], row)
        return found

    def note_month(self, seed: int, alarms: int) -> None:
        """A clean month was judged."""
        self.months[seed] = alarms
        self._write({"seed": seed, "alarms": alarms})

    def note_outcome(self, outcome: Outcome) -> None:
        """A fault was tried; one that could not be is tried again by the next run."""
        self.outcomes[outcome.fault.name] = outcome
        if not outcome.trouble:
            self._write(as_row(outcome))

    def _write(self, row: Mapping[str, Any]) -> None:
        if self.file is not None:
            with self.file.open("a") as lines:
                lines.write(json.dumps({**row, "rules": self.rules}) + "\n")


def _outcome(fault: Fault, row: Mapping[str, Any]) -> Outcome:
    told = frozenset(row["told_by"])
    return Outcome(fault, told, closed=row["became"] == "closed", days=row["days"])


def _rules() -> str:
    """A fingerprint of the code that judges and of the one that breaks."""
    files = sorted(
        file
        for folder in ("expectations", "bench")
        for file in (REPOSITORY / folder).glob("*.py")
    )
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
