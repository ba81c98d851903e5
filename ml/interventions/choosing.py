"""Decide on whom a trigger fires, and who of them is held out."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from warehouse.errors import BadInput

FOLDER = Path(__file__).resolve().parent / "triggers"
SOURCES = ("churn", "health", "segment")
WRITTEN_TO, HELD_OUT = "written_to", "held_out"
_LEAST_HELD_OUT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When to write to somebody.

    It fires where the source's value is at least `at_least` and at most `at_most`, or
    the person is in the defined segment `segment`, and this was not so when the
    source was last made. Whoever it fired on is left alone by every trigger for
    `quiet_days`. At most `most` people a day; of these `held_out_share` is not written
    to, so that the effect can be measured.
    """

    name: str
    meaning: str
    source: str
    quiet_days: int
    most: int
    held_out_share: float
    at_least: float | None = None
    at_most: float | None = None
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Fired:
    """A trigger's decision about a person."""

    person_id: str
    value: float
    arm: str


def load(folder: Path = FOLDER) -> list[Trigger]:
    """The triggers of a folder by file name. Raises BadInput naming a fault."""
    return [_read(path) for path in sorted(folder.glob("*.yml"))]


def fire(
    trigger: Trigger,
    *,
    now: Mapping[str, float],
    before: Collection[str],
    quiet: Collection[str],
) -> list[Fired]:
    """Fire on those for whom it became true, the most urgent first.

    `now`: the value of everyone for whom it is true; `before`: for whom it was true
    last time; `quiet`: who is to be left alone. The cap is drawn before the arms, so
    that both arms are of the same kind of people.
    """
    crossed = [who for who in now if who not in before and who not in quiet]
    upwards = trigger.at_most is None
    crossed.sort(key=lambda who: (-now[who] if upwards else now[who], who))
    return [Fired(who, now[who], arm(trigger, who)) for who in crossed[: trigger.most]]


def arm(trigger: Trigger, person_id: str) -> str:
    """The same arm for a person and trigger, on any day and machine."""
    digest = hashlib.sha256(f"{trigger.name}\0{person_id}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return HELD_OUT if place < trigger.held_out_share else WRITTEN_TO


def _read(path: Path) -> Trigger:
    try:
        made = Trigger(name=path.stem, **yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, TypeError) as error:
        raise BadInput(
            f"Trigger {path.name} needs meaning, source, quiet_days, most and"
            " held_out_share, and at_least, at_most or segment; mend it."
        ) from error
    fault = _fault(made)
    if fault:
        raise BadInput(f"Trigger {path.name}: {fault}.")
    return made


def _fault(made: Trigger) -> str:
    if made.source not in SOURCES:
        return f"source is one of {', '.join(SOURCES)}"
    if (made.source == "segment") != bool(made.segment):
        return "a segment is named where the source is segment, and only there"
    if made.source != "segment" and made.at_least is None and made.at_most is None:
        return "at_least or at_most says when it fires"
    if not _LEAST_HELD_OUT <= made.held_out_share < 1:
        return "held_out_share is from 0.05 to below 1: without, nothing is measured"
    if made.most < 1 or made.quiet_days < 1:
        return "most and quiet_days are whole numbers from 1"
    return ""
