"""What a suite's run came to, and why each failure that is known remains."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

KNOWN = Path(__file__).with_name("known_failures.yml")


@dataclass(frozen=True)
class Reason:
    """Why tests of some names fail, and at whose door that lies."""

    tests: tuple[str, ...]
    whose: str
    because: str

    def covers(self, test: str) -> bool:
        """Whether a test is among those meant; `*` stands for any text."""
        # a parameter's brackets are meant as they are
        return any(
            fnmatchcase(test, pattern.replace("[", "[[]")) for pattern in self.tests
        )


@dataclass(frozen=True)
class Outcome:
    """Names of tests by what became of them; failures with their first line."""

    passed: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]

    @property
    def share(self) -> float:
        """Passed of those that ran, 0-1."""
        ran = len(self.passed) + len(self.failed)
        return len(self.passed) / ran if ran else 0.0


def outcome(report: Path) -> Outcome:
    """Read pytest's JUnit report."""
    passed, skipped = [], []
    failed: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own pytest's
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        told = [child for child in case if child.tag in {"failure", "error"}]
        if told:
            failed[name] = " ".join((told[0].get("message") or "").split())[:200]
        elif case.find("skipped") is not None:
            skipped.append(name)
        else:
            passed.append(name)
    # a test that passed and whose teardown failed is told twice
    kept = tuple(name for name in passed if name not in failed)
    return Outcome(kept, tuple(skipped), tuple(failed.items()))


def reasons(suite: str, known: Path = KNOWN) -> tuple[Reason, ...]:
    """The known failures of a suite."""
    listed = yaml.safe_load(known.read_text())[suite]
    return tuple(Reason(tuple(x["tests"]), x["whose"], x["because"]) for x in listed)


def unexplained(run: Outcome, known: Sequence[Reason]) -> list[tuple[str, str]]:
    """Failures that no reason covers."""
    return [
        (test, line)
        for test, line in run.failed
        if not any(reason.covers(test) for reason in known)
    ]


def told(run: Outcome, known: Sequence[Reason]) -> Iterable[str]:
    """The lines of a report, shortest news last."""
    for reason in known:
        covered = [test for test, _ in run.failed if reason.covers(test)]
        because = " ".join(reason.because.split())
        yield f"{len(covered):>4} known, {reason.whose}: {because}"
        yield from (f"       {test}" for test in covered)
        if not covered:
            yield "       nothing fails for this reason now: take it out of the file"
    for test, line in unexplained(run, known):
        yield f"     UNEXPLAINED {test}: {line}"
    yield (
        f"{len(run.passed)} passed, {len(run.failed)} failed"
        f" ({len(unexplained(run, known))} of them unexplained),"
        f" {len(run.skipped)} skipped: {run.share:.1%} of what ran passed"
    )
