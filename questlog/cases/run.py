"""Run cases: their events into a scratch warehouse, their question asked for real."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from questlog.cases.comparison import Comparison, compare
from questlog.cases.folder import Case
from questlog.cases.kinds import KINDS
from warehouse.errors import BadInput
from warehouse.questions import parameters

if TYPE_CHECKING:
    from questlog.cases.scratch import Scratch

EVENTS = "marts_build.fct_events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a case answered, and how that compares; nothing expected: no comparison.

    `refused` are lines by the door's reason, `ignored` are names in params.json that
    are no parameters of the question.
    """

    case: Case
    answer: Mapping[str, Any]
    comparison: Comparison | None
    refused: Mapping[str, int]
    ignored: Sequence[str]


def run(
    cases: Sequence[Case], scratch: "Scratch", *, now: Callable[[], datetime]
) -> Iterator[Outcome]:
    """Each case's outcome, one after another in one scratch warehouse.

    Raises BadInput when a question cannot be asked or a line is no event.
    """
    require_askable(cases)
    for case in cases:
        asked = KINDS[case.kind]
        refused = scratch.hold(case.events, case.identity, asked.models, now=now)
        answer = asked.ask(scratch.client, EVENTS, case.parameters)
        answer = _bare(answer)
        compared = None if case.expected is None else compare(case.expected, answer)
        yield Outcome(
            case=case,
            answer=answer,
            comparison=compared,
            refused=refused,
            ignored=parameters.unknown(asked.parameters, case.parameters),
        )


def require_askable(cases: Sequence[Case]) -> None:
    """Raise BadInput for a kind that nobody can ask, before anything is started."""
    for case in cases:
        if case.kind not in KINDS:
            raise BadInput(
                f"{case.folder / 'params.json'} asks {case.kind!r}, which is no kind of"
                f" question. There are: {', '.join(sorted(KINDS))}."
            )


def _bare(value: Any) -> Any:
    """An answer with anonymous people by their bare id, as the events have it."""
    if isinstance(value, str):
        return value.removeprefix("anon:")
    if isinstance(value, Mapping):
        return {_bare(key): _bare(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(inner) for inner in value]
    return value
