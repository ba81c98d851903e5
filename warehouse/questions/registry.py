"""Every kind of question: the one list that commands, cases and dashboards ask by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from warehouse.errors import BadInput
from warehouse.questions import funnels, retention_flags

if TYPE_CHECKING:
    import msgspec
    from clickhouse_connect.driver.client import Client

Answer = Callable[["Client", str, Mapping[str, Any]], dict[str, object]]
"""(client, events, parameters) to the answer; `events` is a relation's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A kind of question.

    `parameters` is the form they are read into, `models` what must be built before it
    can be asked.
    """

    kind: str
    meaning: str
    parameters: "type[msgspec.Struct]"
    answer: Answer
    models: tuple[str, ...] = ("fct_events",)


_QUESTIONS: Final = (
    Question(
        kind="funnel",
        meaning="How far people come through steps, and in which time",
        parameters=funnels.Parameters,
        answer=funnels.answer,
    ),
    Question(
        kind="retention_flags",
        meaning="Who of one day's people came back on given later days",
        parameters=retention_flags.Parameters,
        answer=retention_flags.answer,
    ),
)

KINDS: Final[Mapping[str, Question]] = MappingProxyType(
    {question.kind: question for question in _QUESTIONS}
)


def question(kind: str) -> Question:
    """The question of a kind. Raises BadInput naming the kinds there are."""
    try:
        return KINDS[kind]
    except KeyError:
        raise BadInput(
            f"{kind!r} is no kind of question. There are: {', '.join(sorted(KINDS))}."
        ) from None
