"""What is unlike before, written to ops.anomalies, where the suites read it.

A gate judges every day that no gate judged before it, so that a month that is
imported at once is judged day by day, as it would have been.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from expectations import mart_cells, past, profiles, shapes, summaries
from expectations.detecting import Finding
from expectations.severities import of_change, of_finding
from warehouse.clickhouse import frame, replace_partition, rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from expectations.series import Name, Series

JUDGED_DAYS = 30
"""How many days before a gate's day are judged, where nobody has judged them yet."""

_ANOMALIES = "ops.anomalies"
_JUDGED = "ops.judged_days"
_COLUMNS = (
    *("gate", "as_of", "day", "judge", "subject", "dimension", "category", "days"),
    *("observed", "expected", "low", "high", "surprise", "severity"),
)
_ROWS_LOOKED_AT = 2_000_000
# of these the events count, not the people behind them; and one person's come together:
# above all what somebody goes on sending who denied consent, for days
_BY_EVENTS = ("copies", "arrivals", "completeness", "sharing")
_EVENTS_TOGETHER, _EVENTS_DENIED = 5, 60
_DENIED = ("arrivals", "consent")


def judge_arrivals(client: "Client", as_of: date) -> None:
    """Judge the days that came before `as_of` by their profiles."""
    import numpy as np

    from expectations import series

    there = profiles.keep(client, as_of)
    judged = _unjudged(client, "staging", as_of, there)
    days = _days(as_of)
    cells = frame(
        client,
        "select day, subject, dimension, category, events,"
        " people / multiIf((subject, category) = {denied:Tuple(String, String)},"
        " {at_denials:UInt8}, subject in {by_events:Array(String)},"
        " {together:UInt8}, 1) as people from ops.profiles"
        " where day >= {first:Date} and day < {as_of:Date}",
        {
            "first": days[0],
            "as_of": as_of,
            "denied": _DENIED,
            "at_denials": _EVENTS_DENIED,
            "by_events": list(_BY_EVENTS),
            "together": _EVENTS_TOGETHER,
        },
    )
    found: list[list[Any]] = []
    if len(cells):
        named = cells[
            (cells["subject"] == "events") & (cells["dimension"] == "event_name")
        ]
        is_hour = cells["subject"] == series.HOURS
        every = series.of_cells(cells[~is_hour], days, "people")
        hours = series.of_cells(cells[is_hour], days, "people")
        volumes = _with_sum(series.of_cells(named, days, "events"), "all events")
        found = [
            _row("staging", as_of, day, name, finding)
            for day, name, finding in (
                *series.unlike(
                    every, volumes, judged, units=np.ones(len(volumes.names))
                ),
                *series.unlike_by_hour(hours, judged),
            )
        ]
    _replace(client, "staging", as_of, found)
    _note_judged(client, "staging", as_of, judged, there)


def judge_marts(client: "Client", as_of: date) -> None:
    """Judge built marts by the weeks before, and by what is published."""
    import numpy as np
    import pandas as pd

    from expectations import series

    days = _days(as_of)
    built = rows(
        client,
        "select max(total_rows) as n from system.tables where database ="
        " 'marts_build' and name in ('fct_sessions', 'fct_page_views')",
    )
    part = max(1, (built[0]["n"] or 0) // _ROWS_LOOKED_AT)
    cells = pd.concat(
        [
            frame(
                client,
                query.replace("{part}", str(part))
                .replace("{first}", str(days[0]))
                .replace("{as_of}", str(as_of)),
            )
            for query in mart_cells.CELLS
        ]
    )
    found: list[list[Any]] = []
    if len(cells):
        sums = frame(client, mart_cells.VOLUMES).assign(
            subject="marts", dimension=series.VOLUME
        )
        every = series.of_cells(cells, days, "people_seen")
        volumes = series.of_cells(sums, days, "amount")
        there = {
            day: int(count)
            for day, count in zip(days, volumes.counts.sum(axis=0), strict=True)
            if count
        }
        judged = _unjudged(client, "marts", as_of, there)
        unit = sums.groupby("category")["unit"].max()
        units = np.array([unit[name] for _, _, name in volumes.names], float)
        found = [
            _row("marts", as_of, day, name, finding)
            for day, name, finding in series.unlike(every, volumes, judged, units=units)
        ]
        _note_judged(client, "marts", as_of, judged, there)
    changed = past.changes(client, past.MARTS, as_of, settled=past.SETTLED_DAYS)
    found += [_of_change("marts", as_of, one) for one in changed]
    found += [shapes.row("marts", as_of, one) for one in summaries.reshaped(client)]
    _replace(client, "marts", as_of, found)


def judge_features(client: "Client", as_of: date) -> None:
    """Judge built features by what is published, and by the last day before."""
    changed = past.changes(client, past.FEATURES, as_of, settled=0)
    found = [_of_change("features", as_of, one) for one in changed]
    found += [
        shapes.row("features", as_of, one)
        for one in shapes.moved(client, shapes.FEATURES, as_of)
    ]
    _replace(client, "features", as_of, found)


def judge_churn(client: "Client", as_of: date) -> None:
    """Judge scores of leaving by those of the last day before."""
    _judge_shape(client, "churn", shapes.CHURN, as_of)


def judge_early_churn(client: "Client", as_of: date) -> None:
    """Judge scores of newcomers by those of the last day before."""
    _judge_shape(client, "early_churn", shapes.EARLY_CHURN, as_of)


def judge_lifetime_value(client: "Client", as_of: date) -> None:
    """Judge lifetime values by those of the last day before."""
    _judge_shape(client, "lifetime_value", shapes.LIFETIME_VALUES, as_of)


def judge_audiences(client: "Client", as_of: date) -> None:
    """Judge the members of audiences by those of the last day before."""
    _judge_shape(client, "audiences", shapes.AUDIENCES, as_of)


def _judge_shape(
    client: "Client", gate: str, sliced: "shapes.Sliced", as_of: date
) -> None:
    found = [
        shapes.row(gate, as_of, one) for one in shapes.moved(client, sliced, as_of)
    ]
    _replace(client, gate, as_of, found)


def _days(as_of: date) -> list[date]:
    return [as_of - timedelta(days=back) for back in range(profiles.KEPT_DAYS, 0, -1)]


def _with_sum(each: "Series", name: str) -> "Series":
    """The same volumes, and one of them all."""
    import numpy as np

    from expectations.series import VOLUME, Series

    counts = np.vstack([each.counts, each.counts.sum(axis=0)])
    names = [("events", VOLUME, one[2]) for one in each.names]
    return Series(
        each.days,
        [*names, ("events", VOLUME, name)],
        counts,
        counts,
        np.arange(len(names) + 1),
    )


def _unjudged(
    client: "Client", gate: str, as_of: date, there: dict[date, int]
) -> list[date]:
    """Days before `as_of` with something on them that no earlier gate judged so."""
    first = as_of - timedelta(days=JUDGED_DAYS)
    known = rows(
        client,
        f"select distinct day, events from {_JUDGED} where gate = {{gate:String}}"
        " and as_of < {as_of:Date} and day >= {first:Date}",
        {"gate": gate, "as_of": as_of, "first": first},
    )
    seen = {(row["day"], row["events"]) for row in known}
    # marts of a day go on growing by what comes late: judged once is enough there
    days = {row["day"] for row in known}
    yesterday = as_of - timedelta(days=1)
    return [
        day
        for day, events in sorted(there.items())
        if first <= day < as_of
        and (
            (day, events) not in seen
            if gate == "staging"
            else day not in days or day == yesterday
        )
    ]


def _note_judged(
    client: "Client",
    gate: str,
    as_of: date,
    judged: Sequence[date],
    there: dict[date, int],
) -> None:
    replace_partition(
        client,
        table=_JUDGED,
        partition=f"('{gate}', '{as_of}')",
        columns=("gate", "as_of", "day", "events"),
        values=[(gate, as_of, day, there[day]) for day in judged],
    )


def _replace(
    client: "Client", gate: str, as_of: date, found: Iterable[Sequence[Any]]
) -> None:
    replace_partition(
        client,
        table=_ANOMALIES,
        partition=f"('{gate}', '{as_of}')",
        columns=_COLUMNS,
        values=list(found),
    )


def _row(
    gate: str, as_of: date, day: date, name: "Name", finding: Finding
) -> list[Any]:
    each = 1 if finding.judge == "level" else _together(name)
    told = (finding.observed, finding.expected, finding.low, finding.high)
    return [
        *(gate, as_of, day, finding.judge, *name, finding.days),
        *(each * number for number in told),
        *(finding.surprise, of_finding(name, finding)),
    ]


def _together(name: "Name") -> int:
    """How many events are taken for one person's."""
    subject, _, category = name
    if (subject, category) == _DENIED:
        return _EVENTS_DENIED
    return _EVENTS_TOGETHER if subject in _BY_EVENTS else 1


def _of_change(gate: str, as_of: date, one: past.Changed) -> list[Any]:
    return [
        *(gate, as_of, as_of, "past", one.table, one.column, "changed", 0),
        *(float(one.changed), 0.0, 0.0, 0.0, 0.0, of_change(one)),
    ]
