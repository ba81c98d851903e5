"""Every kind of question: the one list that commands, cases and dashboards ask by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from warehouse.errors import BadInput
from warehouse.questions import (
    attribution,
    cohorts,
    funnels,
    lifecycle,
    paths,
    retention,
    retention_flags,
    rfm,
    sessions,
    stickiness,
    unbounded_retention,
    window_funnels,
)

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

    def ask(
        self, client: "Client", events: str, parameters: Mapping[str, Any]
    ) -> dict[str, object]:
        """The answer, about the events of a relation such as `marts.fct_events`.

        Raises BadInput for parameters that cannot be read, and where the engine cannot
        answer with them: out of memory, or a number out of its range.
        """
        from clickhouse_connect.driver.exceptions import DatabaseError

        try:
            return self.answer(client, events, parameters)
        except DatabaseError as error:
            told = str(error).partition("\n")[0]
            raise BadInput(
                f"The engine could not answer the {self.kind} question, which may ask"
                f" for too much: {told}"
            ) from error


_QUESTIONS: Final = (
    Question(
        kind="funnel",
        meaning="How far people come through steps, and in which time",
        parameters=funnels.Parameters,
        answer=funnels.answer,
    ),
    Question(
        kind="window_funnel",
        meaning="How many steps each person takes, as the engine's windowFunnel counts",
        parameters=window_funnels.Parameters,
        answer=window_funnels.answer,
    ),
    Question(
        kind="retention",
        meaning="Who comes back in later periods, by period of the target event",
        parameters=retention.Parameters,
        answer=retention.answer,
    ),
    Question(
        kind="cohort_retention",
        meaning="Who comes back in later periods, by period of the first event",
        parameters=cohorts.Parameters,
        answer=cohorts.answer,
    ),
    Question(
        kind="retention_flags",
        meaning="Who of one day's people came back on given later days",
        parameters=retention_flags.Parameters,
        answer=retention_flags.answer,
    ),
    Question(
        kind="unbounded_retention",
        meaning="Who comes back so many days after the first event, or later",
        parameters=unbounded_retention.Parameters,
        answer=unbounded_retention.answer,
    ),
    Question(
        kind="lifecycle",
        meaning="Who is new, returning, resurrecting or gone dormant in each period",
        parameters=lifecycle.Parameters,
        answer=lifecycle.answer,
    ),
    Question(
        kind="stickiness",
        meaning="How many people were active in how many hours, days, weeks or months",
        parameters=stickiness.Parameters,
        answer=stickiness.answer,
    ),
    Question(
        kind="paths",
        meaning="What people did after, and before, the first time they did something",
        parameters=paths.Parameters,
        answer=paths.answer,
    ),
    Question(
        kind="sessions",
        meaning="Runs of events, by the client's sessions or by silence",
        parameters=sessions.Parameters,
        answer=sessions.answer,
    ),
    Question(
        kind="attribution",
        meaning="Which channels brought the conversions and their revenue",
        parameters=attribution.Parameters,
        answer=attribution.answer,
    ),
    Question(
        kind="rfm",
        meaning="Who bought how lately, how often and for how much",
        parameters=rfm.Parameters,
        answer=rfm.answer,
    ),
    Question(
        kind="rfm_clv",
        meaning="RFM as of a day; lifetime value has commands of its own",
        parameters=rfm.Parameters,
        answer=rfm.answer,
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
