{#
  One row per feature and period: how many people used it, for how many it was the first
  time, how many ever had by then, and of how many active people in the period.

  `events` has person_key, event_name, occurred_at, is_engagement and properties.
  Periods are those of the data; one without a use of the feature has no row.
#}
{% macro ask_feature_adoption(
    events,
    event='feature_used',
    feature_property='feature_name',
    period='week',
    timezone='UTC',
    week_start='monday'
) -%}
with

{{ q_feature_uses(events, event, feature_property, period, timezone, week_start) }},

people_counted as (

    select
        {{ q_nth_period('occurred_at', period, timezone, week_start) }} as period_number,
        uniqExact(person_key) as active_people

    from {{ events }}

    where is_engagement

    group by period_number

),

{{ q_adoption(period, week_start) }}

select * from adoption_measured

order by
    feature,
    period_start
{%- endmacro %}

{# Common table expressions that end in firsts_marked: a person's uses by period. #}
{% macro q_feature_uses(
    events, event, feature_property, period, timezone='UTC', week_start='monday'
) -%}
{%- set number = q_nth_period('occurred_at', period, timezone, week_start) -%}
uses_found as (

    select
        person_key,
        JSONExtractString(properties, {{ q_text(feature_property) }}) as feature,
        {{ number }} as period_number,
        count() as uses

    from {{ events }}

    where event_name = {{ q_text(event) }}

    group by
        person_key,
        feature,
        period_number

    having feature != ''

),

firsts_marked as (

    select
        *,
        period_number = min(period_number) over (partition by person_key, feature)
            as is_first

    from uses_found

)
{%- endmacro %}

{#
  Common table expressions over firsts_marked and people_counted (period_number and
  active_people) that end in adoption_measured.
#}
{% macro q_adoption(period, week_start='monday') -%}
uses_counted as (

    select
        feature,
        period_number,
        sum(uses) as uses,
        count() as people,
        countIf(is_first) as adopters

    from firsts_marked

    group by
        feature,
        period_number

),

adoption_measured as (

    select
        uses_counted.feature as feature,
        {{ q_period_start('uses_counted.period_number', period, week_start) }}
            as period_start,
        uses_counted.uses as uses,
        uses_counted.people as people,
        uses_counted.adopters as adopters,
        sum(uses_counted.adopters) over (
            partition by feature
            order by period_start
            rows between unbounded preceding and current row
        ) as adopters_so_far,
        people_counted.active_people as active_people,
        -- of nobody there is no rate: null
        people / nullIf(active_people, 0) as rate

    from uses_counted
    left join people_counted
        on uses_counted.period_number = people_counted.period_number

)
{%- endmacro %}
