"""Find who fits an audience, from each kind of source."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from activation.sources import (
    KNOWN_PEOPLE,
    OPERATORS,
    Cohort,
    Criteria,
    Mart,
    Segment,
    Source,
)
from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.publishing import closed_days

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


_MOST_VALUES_TOLD = 20


@dataclass(frozen=True, slots=True)
class Ranking:
    """Where a source's scores lie, and which column people are ordered by.

    `model` is the kind in ml.models; empty where nothing is trained.
    """

    model: str
    table: str
    column: str
    command: str


def _of_value(column: str) -> Ranking:
    return Ranking(
        "lifetime_value", "ml.lifetime_values", column, "lifetime-value score"
    )


RANKINGS: Mapping[str, Ranking] = {
    "lifetime_value": _of_value("expected_value_minor"),
    "subscription_value": _of_value("subscription_value_minor"),
    "single_value": _of_value("single_value_minor"),
    "churn": Ranking("churn", "ml.churn_scores", "churn_probability", "churn score"),
    "early_churn": Ranking(
        "early_churn",
        "ml.early_churn_scores",
        "churn_probability",
        "score early_churn",
    ),
    "health": Ranking("", "ml.health_scores", "health", "health score"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The day that counts; else what somebody left out, or why there is none."""

    day: date | None = None
    missing: str = ""
    refused_because: str = ""


@dataclass(frozen=True, slots=True)
class Fit:
    """Somebody who fits, and what the audience is ordered by."""

    person_id: str
    value: float


def standing(client: "Client", source: Source, as_of: date) -> Standing:
    """Where a source stands as of a day.

    Scores and segments count while they are fresh, scores unless their gate was closed.
    """
    if isinstance(source, Criteria):
        return _of_ranking(client, source, as_of)
    if isinstance(source, Segment):
        return _of_segment(client, source, as_of)
    mart = source.mart if isinstance(source, Mart) else "fct_events"
    if _columns(client, mart):
        return Standing(as_of)
    return Standing(refused_because=f"marts.{mart} has not been published.")


def fitting(client: "Client", source: Source, day: date) -> list[Fit]:
    """Everybody who fits as of a day where the source stands, the highest first.

    Raises BadInput when a definition names what is not there.
    """
    match source:
        case Criteria():
            return _best(client, source, day)
        case Segment():
            return _members(client, source, day)
        case Mart():
            return _of_mart(client, source)
    return _of_cohort(client, source, day)


def nobody_has(client: "Client", source: Source) -> str:
    """Which text that a mart's column must be is in none of its rows; empty for none.

    It may be misspelt, so that the column's values are told, if they are few.
    """
    if not isinstance(source, Mart):
        return ""
    there, told = _columns(client, source.mart), []
    for one in source.where:
        is_text = one.operator == "is" and isinstance(one.value, str)
        if not is_text or one.column not in there:
            continue
        found = rows(
            client,
            f"select groupUniqArray({_MOST_VALUES_TOLD + 1})(toString({one.column}))"
            f" as known, countIf({one.column} = {{value:String}}) as people"
            f" from marts.{source.mart}",
            {"value": one.value},
        )[0]
        if not found["people"]:
            text = f"marts.{source.mart}.{one.column} is {one.value!r} for nobody"
            if len(found["known"]) <= _MOST_VALUES_TOLD:
                text += f"; it is one of {', '.join(sorted(found['known']))}"
            told.append(text)
    return ". ".join(told)


def places(population: int, share: float) -> int:
    """How many people a share of a population is, rounded up."""
    return math.ceil(round(population * share, 9))


_FRESH = "as_of <= {as_of:Date} and as_of > {as_of:Date} - {days:UInt16}"


def _of_ranking(client: "Client", source: Criteria, as_of: date) -> Standing:
    ranking = RANKINGS[source.source]
    bound = {"as_of": as_of, "days": source.scores_at_most_days_old}
    closed = closed_days(client, ranking.model) if ranking.model else ()
    days = ", ".join(f"'{day}'" for day in closed)
    query = f"select maxOrNull(as_of) as day from {ranking.table} where {_FRESH}" + (
        f" and as_of not in ({days})" if days else ""
    )
    scored_on = rows(client, query, bound)[0]["day"]
    if scored_on is not None:
        return Standing(scored_on)
    tried = rows(
        client,
        "select refused_because from ml.models"
        f" where kind = {{kind:String}} and {_FRESH}"
        " order by as_of desc, trained_at desc, is_chosen desc limit 1",
        bound | {"kind": ranking.model},
    )
    if tried and tried[0]["refused_because"]:
        return Standing(refused_because=tried[0]["refused_because"])
    command = ranking.command
    if ranking.model and not tried:
        command = command.replace(" score", " train")
    lacks = "scores" if tried or not ranking.model else "model"
    return Standing(
        missing=f"There is no {source.source} {lacks} as of {as_of} or in the"
        f" {source.scores_at_most_days_old} days before it. Make it first:"
        f" `questlog {command} --as-of {as_of}`."
    )


def _of_segment(client: "Client", source: Segment, as_of: date) -> Standing:
    bound = {"as_of": as_of, "days": source.scores_at_most_days_old}
    query = f"select maxOrNull(as_of) as day from ml.segments where {_FRESH}"
    found_on = rows(
        client, query + " and method = {method:String}", bound | _segment(source)
    )[0]["day"]
    if found_on is not None:
        return Standing(found_on)
    # no audience waits for another's segments
    return Standing(
        refused_because=f"No segments were found as of {as_of} or in the"
        f" {source.scores_at_most_days_old} days before it. Find them:"
        f" `questlog segments run --as-of {as_of}`."
    )


def _best(client: "Client", source: Criteria, day: date) -> list[Fit]:
    ranking = RANKINGS[source.source]
    among = (
        f"{ranking.table} as scores where scores.as_of = {{day:Date}}"
        f" and isNotNull(scores.{ranking.column})"
    )
    if source.must_have_paid:
        among += (
            " and scores.person_id in"
            " (select person_id from marts.dim_people where payments > 0)"
        )
    whole = among
    if source.share_of == KNOWN_PEOPLE:
        whole = "marts.dim_people where not startsWith(person_id, 'anon:')"
    counted = rows(client, f"select count() as people from {whole}", {"day": day})
    best = rows(
        client,
        f"select scores.person_id as person_id, scores.{ranking.column} as value"
        f" from {among} order by value {'' if source.lowest else 'desc'}, person_id"
        " limit {places:UInt64}",
        {"day": day, "places": places(counted[0]["people"], source.top_share)},
    )
    return [fit for fit in _fits(best) if source.above is None or _over(fit, source)]


def _over(fit: Fit, source: Criteria) -> bool:
    return source.above is not None and fit.value > source.above


def _members(client: "Client", source: Segment, day: date) -> list[Fit]:
    found = rows(
        client,
        "select person_id, 1.0 as value from ml.segments where as_of = {day:Date}"
        " and method = {method:String} and segment = {segment:String}"
        " order by person_id",
        _segment(source) | {"day": day},
    )
    return _fits(found)


def _segment(source: Segment) -> dict[str, Any]:
    return {"method": source.method, "segment": source.segment}


def _of_mart(client: "Client", source: Mart) -> list[Fit]:
    there = _columns(client, source.mart)
    named = [one.column for one in source.where] + [source.value or "person_id"]
    unknown = sorted(set(named) - there)
    if unknown:
        raise BadInput(
            f"marts.{source.mart} has no column {', '.join(unknown)}; it has"
            f" {', '.join(sorted(there))}."
        )
    conditions = [
        f"{one.column} {OPERATORS[one.operator]} {{value_{number}:{_type(one.value)}}}"
        for number, one in enumerate(source.where)
    ]
    value = f"toFloat64({source.value})" if source.value else "1.0"
    found = rows(
        client,
        f"select person_id, {value} as value from marts.{source.mart}"
        f" where {' and '.join(conditions)} order by value desc, person_id",
        {f"value_{number}": one.value for number, one in enumerate(source.where)},
    )
    return _fits(found)


def _columns(client: "Client", mart: str) -> set[str]:
    found = rows(
        client,
        "select name from system.columns"
        " where database = 'marts' and table = {mart:String}",
        {"mart": mart},
    )
    return {row["name"] for row in found}


def _type(value: str | float) -> str:
    if isinstance(value, bool):
        return "Bool"
    return "String" if isinstance(value, str) else "Float64"


def _of_cohort(client: "Client", source: Cohort, day: date) -> list[Fit]:
    """What a saved funnel tells as of a day."""
    from warehouse.questions import saved
    from warehouse.questions.registry import question

    kept = saved.load()[source.question]
    asked = {**kept.parameters, "users": True, "breakdown": None}
    asked.setdefault("date_to", day.isoformat())
    told = question(kept.kind).ask(client, "marts.fct_events", asked)
    steps: Any = told["users_at_step"]
    later = set(steps[source.not_reached - 1]) if source.not_reached else set()
    return [Fit(one, 1.0) for one in sorted(set(steps[source.reached - 1]) - later)]


def _fits(found: list[dict[str, Any]]) -> list[Fit]:
    return [Fit(row["person_id"], row["value"]) for row in found]
