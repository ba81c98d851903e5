"""Read a case: a folder of events, a question and, where known, its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from warehouse.errors import BadInput

_EVENTS: Final = ("events.jsonl", "events.jsonl.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case as its folder has it; without `expected` nobody knows the answer."""

    folder: Path
    events: Path
    kind: str
    parameters: Mapping[str, Any]
    identity: Mapping[str, str]
    expected: Mapping[str, Any] | None


def read(folder: Path) -> Case:
    """The case of a folder.

    Raises BadInput naming the file that is missing or cannot be read.
    """
    events = next((folder / name for name in _EVENTS if (folder / name).exists()), None)
    if events is None:
        raise BadInput(
            f"{folder} has no events.jsonl or events.jsonl.gz: a case needs its events,"
            " one a line (docs/questions.md)."
        )
    asked = _object(folder / "params.json")
    expected = None
    if (folder / "expected.json").exists():
        expected = _object(folder / "expected.json")
    kind = asked.pop("kind", None)
    if not isinstance(kind, str):
        raise BadInput(f'{folder / "params.json"} names no kind, like "funnel".')
    identity = asked.pop("identity", None) or {}
    if not _is_of_texts(identity):
        raise BadInput(
            f"identity of {folder / 'params.json'} must map ids to persons,"
            ' like {"alias1": "person1"}.'
        )
    people = _followed(identity)
    if isinstance(asked.get("person_filter"), list):
        # people by any of their ids
        asked["person_filter"] = [
            _person(one, people) for one in asked["person_filter"]
        ]
    return Case(
        folder=folder,
        events=events,
        kind=kind,
        parameters=MappingProxyType({**_asked_by(kind, expected or {}), **asked}),
        identity=MappingProxyType(people),
        expected=expected,
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(f"{path} is missing: it asks the case's question.") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"{path} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise BadInput(f"{path} must hold one JSON object.")
    return found


def _asked_by(kind: str, expected: Mapping[str, Any]) -> dict[str, Any]:
    """What some kinds ask in the expectation instead of params.json."""
    if kind == "window_funnel" and "tests" in expected:
        asked = ("window_seconds", "mode", "steps")
        tests = [
            {name: test[name] for name in asked if name in test}
            for test in expected["tests"]
        ]
        return {"tests": tests}
    if kind == "lifecycle" and isinstance(expected.get("new"), list):
        return {"periods": len(expected["new"])}
    if kind == "retention_flags" and isinstance(expected.get("retained"), dict):
        return {"days": sorted(expected["retained"])}
    return {}


def _is_of_texts(identity: object) -> bool:
    return isinstance(identity, dict) and all(
        isinstance(text, str) for pair in identity.items() for text in pair
    )


def _person(one: object, people: Mapping[str, str]) -> object:
    return people.get(one, one) if isinstance(one, str) else one


def _followed(identity: Mapping[str, str]) -> dict[str, str]:
    """Each id with the person at the end of its chain; a ring is its first id."""
    ends = {}
    for one in identity:
        seen, person = {one}, identity[one]
        while person in identity and person not in seen:
            seen.add(person)
            person = identity[person]
        ends[one] = min(seen) if person in seen else person
    return ends
