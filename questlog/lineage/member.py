"""Follow one member's value in an audience back to the raw events it was made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from activation.definitions import load_definitions
from activation.finding import RANKINGS
from activation.sources import Criteria
from warehouse.clickhouse import rows
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_SHOWN_IDS = 5
_LAST_DAY = date(2149, 6, 6)
"""Of ClickHouse's days."""
_EVENTS = """
select
    raw_events.event_name as event_name,
    uniqExact(raw_events.event_id) as events,
    count() as copies,
    min(raw_events.occurred_at) as first_at,
    max(raw_events.occurred_at) as last_at,
    arraySort(groupUniqArray(toString(raw_events.source))) as sources,
    uniqExact(raw_events.loaded_at) as loads,
    arraySlice(
        arraySort(groupUniqArray(toString(raw_events.event_id))), 1, {shown:UInt8}
    ) as event_ids
from raw.events as raw_events
where raw_events.event_id in (
    select identified.event_id
    from intermediate.int_events_identified as identified
    where
        identified.person_id = {person:String}
        and identified.known_at < toDateTime64({day:Date}, 3, 'UTC')
)
group by event_name
order by events desc, event_name
"""


@dataclass(frozen=True, slots=True)
class RawEvents:
    """The raw events of one name behind a score."""

    event_name: str
    events: int
    copies: int
    first_at: datetime
    last_at: datetime
    sources: Sequence[str]
    loads: int
    event_ids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Each step from an audience's member to events, with the keys to look it up."""

    audience: str
    person_id: str
    chosen_as_of: date
    value: float
    score_table: str
    scored_as_of: date
    model: Mapping[str, Any]
    features: Mapping[str, Any]
    events: Sequence[RawEvents]


def trace(
    client: "Client", audience: str, person: str, as_of: date | None = None
) -> Trace:
    """The way of one value; of the last choosing, or of the last until a day.

    Raises BadInput where the person is no member, or a step is no longer there.
    """
    known = {one.name: one for one in load_definitions(country="").custom}
    if audience not in known:
        raise BadInput(
            f"There is no audience {audience!r} of our own people; there are"
            f" {', '.join(known)}."
        )
    source = known[audience].source
    ranking = RANKINGS.get(source.source) if isinstance(source, Criteria) else None
    if ranking is None or not ranking.model:
        raise BadInput(
            f"No model scores the members of {audience}: they come from a mart, a"
            " segment, or measures. `questlog lineage` without --member shows of what."
        )
    until = {"person": person, "day": as_of or _LAST_DAY}
    member = _last(
        client,
        "activation.audience_members",
        "audience = {audience:String} and",
        until | {"audience": audience},
        missing=f"{person} was never a member of {audience}.",
    )
    score = _last(
        client,
        ranking.table,
        "",
        until | {"day": member["as_of"]},
        missing=f"{ranking.table} no longer has {person}'s score of that time.",
    )
    day = score["as_of"]
    return Trace(
        audience=audience,
        person_id=person,
        chosen_as_of=member["as_of"],
        value=member["value"],
        score_table=ranking.table,
        scored_as_of=day,
        model=_model(client, score["model_id"]),
        features=_features(client, person, day, ranking.model),
        events=[
            RawEvents(**row)
            for row in rows(
                client, _EVENTS, {"person": person, "day": day, "shown": _SHOWN_IDS}
            )
        ],
    )


def _last(
    client: "Client",
    table: str,
    where: str,
    bound: Mapping[str, object],
    *,
    missing: str,
) -> dict[str, Any]:
    found = rows(
        client,
        f"select * from {table} where {where} person_id = {{person:String}}"
        " and as_of <= {day:Date} order by as_of desc limit 1",
        bound,
    )
    if not found:
        raise BadInput(missing)
    return found[0]


def _model(client: "Client", model_id: str) -> dict[str, Any]:
    found = rows(
        client,
        "select model_id, kind, estimator, as_of, trained_rows, artifact, trained_at"
        " from ml.models where model_id = {model:String}"
        " order by trained_at desc limit 1",
        {"model": model_id},
    )
    return found[0] if found else {"model_id": model_id}


def _features(
    client: "Client", person: str, day: date, model: str
) -> dict[str, object]:
    """What the model saw of the person: the features that it reads, by name."""
    from ml.churn.features import COLUMNS
    from ml.early_churn.features import COLUMNS as NEWCOMERS
    from ml.lifetime_value.customers import ACTIVITY, FEATURES

    names, table, of_day = {
        "churn": (COLUMNS, "feat_people", "as_of = {day:Date}"),
        # a newcomer is looked at once, at a moment of their own
        "early_churn": (
            NEWCOMERS,
            "feat_newcomers",
            "toDate(as_of_moment) <= {day:Date}",
        ),
        "lifetime_value": (
            (*FEATURES, *ACTIVITY),
            "feat_people",
            "as_of = {day:Date}",
        ),
    }[model]
    found = rows(
        client,
        f"select {', '.join(dict.fromkeys(names))} from features.{table}"
        f" where person_id = {{person:String}} and {of_day}",
        {"person": person, "day": day},
    )
    if not found:
        raise BadInput(
            f"features.{table} has no {day} of {person} any more: build it again"
            f" with `questlog build features --as-of {day}`."
        )
    return found[0]
