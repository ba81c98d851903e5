"""Interventions between tables: scores and outcomes in, decisions and effects out."""

from datetime import date
from typing import TYPE_CHECKING, Any

from ml.interventions.choosing import HELD_OUT, WRITTEN_TO, Fired, Trigger, fire, load
from ml.interventions.uplift import Uplift, uplift
from ml.records import write_scores
from ml.spine import HORIZON_DAYS
from warehouse.clickhouse import rows
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE = "ml.interventions"
_SOURCES = {
    "churn": ("ml.churn_scores", "churn_probability", "churn run"),
    "health": ("ml.health_scores", "health", "health score"),
    "segment": ("ml.segments", "1.0", "segments run"),
}
_LOOK_BACK_DAYS = 92


def decide(client: "Client", as_of: date) -> dict[str, int]:
    """Write whom the triggers fire on as of a day, in place of an earlier deciding.

    Triggers come in the order of their names; a person is in one of them at most.
    Where a source was not made in the 92 days before, nothing can be seen to change,
    and its triggers fire on nobody. Only who consents to personalisation is asked
    about, before the arms are drawn: both are of the same kind of people. Raises
    NotEnoughData when a source was not made today, or no marts say who consents.
    """
    agreeing = _agreeing(client)
    decided: dict[str, list[Fired]] = {}
    taken: set[str] = set()
    for trigger in load():
        now = _fitting(client, trigger, as_of)
        last = _last_made(client, trigger, as_of)
        quiet = _quiet(client, trigger, as_of) | taken
        found = []
        if last is not None:
            before = set(_fitting(client, trigger, last))
            able = {who: value for who, value in now.items() if who in agreeing}
            found = fire(trigger, now=able, before=before, quiet=quiet)
        taken |= {each.person_id for each in found}
        decided[trigger.name] = found
    _write(client, decided, as_of)
    return {name: len(found) for name, found in decided.items()}


def written_to(client: "Client", as_of: date) -> list[dict[str, Any]]:
    """The interventions of a day that are to be sent.

    Nobody held out is among them, nor who has taken consent back since the deciding.
    """
    agreeing = _agreeing(client)
    found = rows(
        client,
        f"""
        select
            concat(toString(made.as_of), ':', made.trigger, ':', made.person_id) as id,
            toString(made.as_of) as as_of, toString(made.trigger) as trigger,
            made.person_id as person_id, made.value as value
        from {TABLE} as made
        where made.as_of = {{day:Date}} and made.arm = {{arm:String}}
        order by made.trigger, made.person_id
        """,
        {"day": as_of, "arm": WRITTEN_TO},
    )
    return [row for row in found if row["person_id"] in agreeing]


def uplifts(client: "Client", until: date) -> list[Uplift]:
    """Each trigger's effect on staying: some activity in the 28 days from deciding.

    Only decisions count whose outcomes are complete in features.feat_outcomes.
    """
    found = rows(
        client,
        f"""
        select toString(decided.trigger) as trigger, toString(decided.arm) as arm,
            countIf(outcomes.active_events > 0) as stayed, count() as people
        from {TABLE} as decided
        inner join features.feat_outcomes as outcomes
            on decided.as_of = outcomes.as_of
            and decided.person_id = outcomes.person_id
        where decided.as_of <= {{until:Date}} and outcomes.is_complete
            and outcomes.horizon_days = {{horizon:UInt16}}
        group by trigger, arm
        """,
        {"until": until, "horizon": HORIZON_DAYS},
    )
    arms = {
        (row["trigger"], row["arm"]): (row["stayed"], row["people"]) for row in found
    }
    return [
        uplift(
            name,
            written_to=arms.get((name, WRITTEN_TO), (0, 0)),
            held_out=arms.get((name, HELD_OUT), (0, 0)),
        )
        for name in sorted({name for name, _ in arms})
    ]


def _fitting(client: "Client", trigger: Trigger, day: date) -> dict[str, float]:
    """The value of everyone for whom a trigger's condition is true on a day."""
    table, value, command = _SOURCES[trigger.source]
    made = "select count() as n from " + table + " where as_of = {day:Date}"
    if not rows(client, made, {"day": day})[0]["n"]:
        raise NotEnoughData(
            f"{table} has nothing of {day}, which trigger {trigger.name} reads. Make it"
            f" first: `questlog {command} --as-of {day}`."
        )
    where = ["as_of = {day:Date}"]
    if trigger.segment:
        where.append("method = 'defined' and segment = {segment:String}")
    if trigger.at_least is not None:
        where.append(f"{value} >= {{low:Float64}}")
    if trigger.at_most is not None:
        where.append(f"{value} <= {{high:Float64}}")
    bound = {
        "day": day,
        "segment": trigger.segment,
        "low": trigger.at_least or 0.0,
        "high": trigger.at_most or 0.0,
    }
    found = rows(
        client,
        f"select person_id, toFloat64({value}) as value from {table}"
        f" where {' and '.join(where)}",
        bound,
    )
    return {row["person_id"]: row["value"] for row in found}


def _agreeing(client: "Client") -> set[str]:
    """Who consents to personalisation at this moment: a message follows from a score.

    The marts say who; a denial the door has taken since they were published counts
    too. Raises NotEnoughData when no marts were published.
    """
    published = rows(
        client,
        "select 1 from system.tables where database = 'marts' and name = 'dim_people'",
    )
    if not published:
        raise NotEnoughData(
            "There is no marts.dim_people, which says who consents to personalisation."
            " Build and publish the marts first: `questlog publish marts`."
        )
    found = rows(
        client,
        """
        select person_id from marts.dim_people
        where personalisation_consent and person_id not in (
            select user_id from raw.events
            where event_name = 'consent_decided'
                and JSONExtractString(properties, 'purpose') = 'personalisation'
            group by user_id
            having argMax(
                JSONExtractBool(properties, 'granted') = 0,
                (occurred_at, JSONExtractBool(properties, 'granted') = 0)
            )
        )
        """,
    )
    return {str(row["person_id"]) for row in found}


def _last_made(client: "Client", trigger: Trigger, as_of: date) -> date | None:
    table = _SOURCES[trigger.source][0]
    found = rows(
        client,
        f"select maxOrNull(as_of) as day from {table} where as_of < {{day:Date}}"
        " and as_of >= {day:Date} - {back:UInt16}",
        {"day": as_of, "back": _LOOK_BACK_DAYS},
    )
    last: date | None = found[0]["day"]
    return last


def _quiet(client: "Client", trigger: Trigger, as_of: date) -> set[str]:
    """Whom any trigger fired on within this one's quiet days, in either arm."""
    found = rows(
        client,
        f"select distinct person_id from {TABLE} where as_of < {{day:Date}}"
        " and as_of > {day:Date} - {days:UInt16}",
        {"day": as_of, "days": trigger.quiet_days},
    )
    return {row["person_id"] for row in found}


def _write(client: "Client", decided: dict[str, list[Fired]], as_of: date) -> None:
    flat = [(name, each) for name, found in decided.items() for each in found]
    columns: dict[str, list[Any]] = {
        "trigger": [name for name, _ in flat],
        "person_id": [each.person_id for _, each in flat],
        "arm": [each.arm for _, each in flat],
        "value": [each.value for _, each in flat],
    }
    write_scores(client, table=TABLE, as_of=as_of, columns=columns)
