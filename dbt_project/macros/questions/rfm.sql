{#
  One row per person who paid before the day `as_of`: recency, frequency and money, each
  with its fifth (5 is best). Equals share a rank and so a fifth, whatever the order of
  rows.

  `purchases` is a relation of person_id, bought_on, is_purchase (false for a refund)
  and amount (negative for a refund). `as_of` is a day as SQL: q_day('2026-03-01'), or a
  scalar subquery; `with_the_day` counts purchases of that day too.
#}
{% macro ask_rfm(purchases, as_of, with_the_day=false) -%}
with

people_summed as (

    select
        person_id,
        toUInt32(dateDiff('day', maxIf(bought_on, is_purchase), {{ as_of }}))
            as recency_days,
        countIf(is_purchase) as frequency,
        sum(amount) as monetary

    from {{ purchases }}

    where bought_on {{ '<=' if with_the_day else '<' }} {{ as_of }}

    group by person_id

    having frequency > 0

),

people_ranked as (

    select
        *,
        count() over () as people,
        rank() over (order by recency_days desc) as r_rank,
        rank() over (order by frequency) as f_rank,
        rank() over (order by monetary) as m_rank

    from people_summed

),

people_scored as (

    select
        person_id,
        recency_days,
        frequency,
        monetary,
        toUInt8(intDiv(5 * (r_rank - 1), people) + 1) as r_score,
        toUInt8(intDiv(5 * (f_rank - 1), people) + 1) as f_score,
        toUInt8(intDiv(5 * (m_rank - 1), people) + 1) as m_score

    from people_ranked

)

select * from people_scored
{%- endmacro %}

{# One row per cell of scores that has people: how many, their purchases and money. #}
{% macro ask_rfm_cells(purchases, as_of, with_the_day=false) -%}
select
    r_score,
    f_score,
    m_score,
    count() as customers,
    sum(scored.frequency) as purchases,
    sum(scored.monetary) as money

from ({{ ask_rfm(purchases, as_of, with_the_day) }}) as scored

group by
    r_score,
    f_score,
    m_score
order by
    r_score,
    f_score,
    m_score
{%- endmacro %}

{# A day, such as 2026-03-01, as a SQL literal. #}
{% macro q_day(day) -%}
    toDate({{ q_text(day) }})
{%- endmacro %}

{# Purchases among events, by a property of theirs; what holds no number is no money. #}
{% macro q_purchases(events, event, amount_property, timezone='UTC') -%}
(
    select
        person_id,
        toDate(occurred_at, {{ q_text(timezone) }}) as bought_on,
        true as is_purchase,
        coalesce(
            toDecimal128OrNull(
                trim(
                    both '"'
                    from JSONExtractRaw(properties, {{ q_text(amount_property) }})
                ),
                6
            ),
            0
        ) as amount

    from {{ events }}

    where event_name = {{ q_text(event) }}
)
{%- endmacro %}
