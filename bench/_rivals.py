"""The questions as DuckDB answers them, on the same rows; see bench/questions.py.

Each is written for DuckDB as its users would: window functions and joins in SQL. What
a query gives is put into the shape that `TOLD` has of our own answer.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Rows = list[tuple[Any, ...]]

DAY_MS: Final = 86_400_000
FUNNEL: Final = (
    "user_signed_up",
    "character_created",
    "game_session_started",
    "payment_completed",
)

# when the latest try that came so far began, carried from step to step
_LEVELS: Final = f"""
with
steps as (
    select person_key, rank_time, event_name, epoch_ms(occurred_at) as happened
    from events
    where event_name in {FUNNEL}
),
one as (
    select *, max(case when event_name = '{FUNNEL[0]}' then happened end)
        over before as s1
    from steps window before as (
        partition by person_key order by rank_time
        rows between unbounded preceding and 1 preceding)
),
two as (
    select *, max(case when event_name = '{FUNNEL[1]}' and happened - s1 <= 2592000000
        then s1 end) over before as s2
    from one window before as (
        partition by person_key order by rank_time
        rows between unbounded preceding and 1 preceding)
),
three as (
    select *, max(case when event_name = '{FUNNEL[2]}' and happened - s2 <= 2592000000
        then s2 end) over before as s3
    from two window before as (
        partition by person_key order by rank_time
        rows between unbounded preceding and 1 preceding)
),
people as (
    select person_key, max(case
        when event_name = '{FUNNEL[3]}' and happened - s3 <= 2592000000 then 4
        when event_name = '{FUNNEL[2]}' and happened - s2 <= 2592000000 then 3
        when event_name = '{FUNNEL[1]}' and happened - s1 <= 2592000000 then 2
        when event_name = '{FUNNEL[0]}' then 1 else 0 end) as level
    from three group by person_key
)
"""

_PATHS: Final = """
with
anchors as (
    select person_key, min(rank_time) as anchored_at
    from events where event_name = 'user_signed_up' group by person_key
),
placed as (
    select person_key, event_name, rank_time, row_number() over (
        partition by person_key order by rank_time {order}) as place
    from events join anchors using (person_key)
    where rank_time {sign} anchored_at
),
taken as (
    select string_agg(event_name, ' > ' order by rank_time) as path
    from placed where place <= 5 group by person_key
)
select path, count(*) as users from taken
group by path order by users desc, path limit 20
"""

QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "funnel": (
        f"""
        {_LEVELS} select count(*) filter (level >= 1), count(*) filter (level >= 2),
            count(*) filter (level >= 3), count(*) filter (level >= 4)
        from people
        """,
    ),
    "window_funnel": (
        f"{_LEVELS} select level, count(*) from people group by level order by level",
        "select count(distinct person_key) from events",
    ),
    "retention": (
        """
        with firsts as (
            select person_key, date_trunc('week', min(occurred_at)) as cohort
            from events where event_name = 'user_signed_up' group by person_key
        ),
        weeks as (
            select distinct person_key, date_trunc('week', occurred_at) as week
            from events
        ),
        cells as (
            select cohort, date_diff('day', cohort, week) // 7 as later, person_key
            from firsts join weeks using (person_key)
        )
        select date_diff('day', date '2026-01-05', cohort) // 7 as number, later,
            count(distinct person_key)
        from cells
        where later >= 0 and number >= 0 and number + later < 12
        group by all order by all
        """,
    ),
    "cohort_retention": (
        """
        with weeks as (
            select distinct person_key, date_trunc('week', occurred_at) as week
            from events
        ),
        firsts as (
            select person_key, min(week) as cohort from weeks group by person_key
        )
        select
            date_diff('day', (select min(cohort) from firsts), cohort) // 7 as number,
            date_diff('day', cohort, week) // 7 as later, count(*)
        from firsts join weeks using (person_key) group by all order by all
        """,
    ),
    "unbounded_retention": (
        f"""
        with people as (
            select person_key,
                min(epoch_ms(occurred_at)) filter (event_name = 'user_signed_up') as a,
                max(epoch_ms(occurred_at)) as b
            from events group by person_key having a is not null
        )
        select count(*), count(*) filter (b >= a),
            count(*) filter (b >= a + {DAY_MS}::bigint),
            count(*) filter (b >= a + 7 * {DAY_MS}::bigint),
            count(*) filter (b >= a + 14 * {DAY_MS}::bigint),
            count(*) filter (b >= a + 28 * {DAY_MS}::bigint)
        from people
        """,
    ),
    "retention_flags": (
        """
        with days as (
            select distinct person_key, occurred_at::date as day
            from events where event_name = 'rolled'
        ),
        cohort as (select person_key from days where day = date '2026-03-02')
        select count(*) filter (day = date '2026-03-02'),
            count(*) filter (day = date '2026-03-03'),
            count(*) filter (day = date '2026-03-09'),
            count(*) filter (day = date '2026-04-01')
        from days semi join cohort using (person_key)
        """,
    ),
    "lifecycle": (
        """
        with weeks as (
            select distinct person_key,
                date_diff('day', date '2026-01-05', date_trunc('week', occurred_at))
                // 7 as number
            from events
        ),
        placed as (
            select number, lag(number) over by_person as before_it,
                lead(number) over by_person as after_it
            from weeks window by_person as (partition by person_key order by number)
        ),
        left_it as (
            select number + 1 as number, count(*) as dormant from placed
            where after_it is null or after_it > number + 1 group by all
        ),
        there as (
            select number, count(*) filter (before_it is null) as fresh,
                count(*) filter (before_it = number - 1) as came_again,
                count(*) filter (before_it < number - 1) as resurrecting
            from placed group by number
        )
        select fresh, came_again, resurrecting, -coalesce(dormant, 0)
        from there left join left_it using (number)
        where number between 0 and 23 order by number
        """,
    ),
    "stickiness": (
        """
        with people as (
            select count(distinct occurred_at::date) as days from events
            where occurred_at >= date '2026-05-01' and occurred_at < date '2026-05-29'
            group by person_key
        )
        select days, count(*) from people group by days order by days
        """,
    ),
    "paths": (
        _PATHS.format(order="", sign=">="),
        _PATHS.format(order="desc", sign="<="),
    ),
    "attribution": (
        f"""
        with touches as (
            select person_key, rank_time, epoch_ms(occurred_at) as happened,
                json_extract_string(properties, '$.platform') as channel
            from events where event_name = 'ad_touched'
        ),
        conversions as (
            select person_key, event_id, epoch_ms(occurred_at) as happened
            from events where event_name = 'payment_completed'
        ),
        met as (
            select event_id, channel, lead(channel) over (
                partition by event_id order by rank_time) as next_channel, rank_time
            from conversions join touches using (person_key)
            where touches.happened <= conversions.happened
                and touches.happened >= conversions.happened - 30 * {DAY_MS}::bigint
        ),
        path as (
            select channel, row_number() over by_conversion as place,
                count(*) over (partition by event_id) as touches
            from met where next_channel is distinct from channel
            window by_conversion as (partition by event_id order by rank_time)
        )
        select channel, count(*) filter (place = 1), count(*) filter (place = touches),
            sum(1 / touches)
        from path group by channel order by channel
        """,
    ),
    "rfm": (
        """
        with people as (
            select person_key,
                date_diff('day', max(occurred_at)::date, date '2026-06-30') as recency,
                count(*) as frequency,
                sum(json_extract(properties, '$.amount_cents')::bigint) as money
            from events where event_name = 'payment_completed' group by person_key
        ),
        ranked as (
            select money, frequency, count(*) over () as people,
                rank() over (order by recency desc) as r,
                rank() over (order by frequency) as f,
                rank() over (order by money) as m
            from people
        )
        select 5 * (r - 1) // people + 1, 5 * (f - 1) // people + 1,
            5 * (m - 1) // people + 1, count(*), sum(frequency), sum(money)
        from ranked group by 1, 2, 3 order by 1, 2, 3
        """,
    ),
    "sessions": (
        """
        with silences as (
            select epoch_ms(occurred_at) as happened, person_key,
                lag(epoch_ms(occurred_at)) over (
                    partition by person_key order by occurred_at) as before_it
            from events
        )
        select count(*) filter (before_it is null or happened - before_it > 1800000),
            count(*), sum(happened - before_it)
                filter (happened - before_it <= 1800000)
        from silences
        """,
    ),
}


def _cells(found: Rows, periods: int) -> list[list[int]]:
    table = [[0] * (periods - cohort) for cohort in range(periods)]
    for cohort, later, people in found:
        table[cohort][later] = people
    return table


def _levels(results: list[Rows]) -> list[int]:
    counted: dict[int, int] = dict(results[0])
    reached = [counted.get(level, 0) for level in range(1, len(FUNNEL) + 1)]
    return [results[1][0][0] - sum(reached), *reached]


def _histogram(results: list[Rows]) -> list[int]:
    counted: dict[int, int] = dict(results[0])
    return [counted.get(days, 0) for days in range(1, 29)]


def _cohorts(results: list[Rows]) -> list[list[int]]:
    return _cells(results[0], max(row[0] + row[1] for row in results[0]) + 1)


RIVAL_TOLD: Final[Mapping[str, Callable[[list[Rows]], Any]]] = {
    "funnel": lambda results: list(results[0][0]),
    "window_funnel": _levels,
    "retention": lambda results: _cells(results[0], 12),
    "cohort_retention": _cohorts,
    "unbounded_retention": lambda results: list(results[0][0]),
    "retention_flags": lambda results: list(results[0][0]),
    "lifecycle": lambda results: [
        list(column) for column in zip(*results[0], strict=True)
    ],
    "stickiness": _histogram,
    "paths": lambda results: [list(map(list, found)) for found in results],
    "attribution": lambda results: [
        [row[0], row[1], row[2], round(float(row[3]), 4)] for row in results[0]
    ],
    "rfm": lambda results: [[float(cell) for cell in row] for row in results[0]],
    "sessions": lambda results: [
        results[0][0][0],
        results[0][0][1],
        round(float(results[0][0][2]) / results[0][0][0] / 1000, 3),
    ],
}


def _channels(answer: Mapping[str, Any]) -> list[list[Any]]:
    shared = answer["credits"]
    return [
        [
            channel,
            round(shared["first"][channel]["conversions"]),
            round(shared["last"][channel]["conversions"]),
            round(shared["linear"][channel]["conversions"], 4),
        ]
        for channel in sorted(shared["linear"])
    ]


TOLD: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "funnel": lambda answer: answer["counts"],
    "window_funnel": lambda answer: answer["tests"][0]["people_by_level"],
    "retention": lambda answer: answer["counts"],
    "cohort_retention": lambda answer: answer["full_table"],
    "unbounded_retention": lambda answer: [
        answer["total_users"],
        *answer["unique_users"],
    ],
    "retention_flags": lambda answer: answer["three_day_vector"],
    "lifecycle": lambda answer: [
        answer[name] for name in ("new", "returning", "resurrecting", "dormant")
    ],
    "stickiness": lambda answer: answer["histogram"],
    "paths": lambda answer: [
        [[" > ".join(row["path"]), row["users"]] for row in answer[direction]]
        for direction in ("after", "before")
    ],
    "attribution": _channels,
    "rfm": lambda answer: [
        [float(value) for value in cell.values()] for cell in answer["cells"]
    ],
    "sessions": lambda answer: [
        answer["count"],
        answer["events"],
        round(answer["average_duration_seconds"], 3),
    ],
}
"""What of our answer the rival's is compared with."""
