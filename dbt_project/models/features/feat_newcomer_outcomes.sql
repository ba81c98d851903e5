{# One row per person of feat_newcomers: did they come again. #}
{{ config(
    materialized='table',
    order_by='(as_of_moment, person_id)',
    contract={'enforced': true}
) }}
with

newcomers as (

    select
        person_id,
        as_of_moment,
        as_of_moment
        + toIntervalDay({{ var('newcomer_horizon_days') }}) as horizon_to

    from {{ ref('feat_newcomers') }}

),

extent as (

    select toDate(last_known_at, 'UTC') + 1 as ends_on

    from {{ ref('int_extent') }}

),

events as (

    select
        person_id,
        occurred_at

    from {{ ref('int_events_identified') }}

    where is_engagement

),

came_again as (

    select
        newcomers.person_id as person_id,
        count() as active_events

    from events
    inner join newcomers on events.person_id = newcomers.person_id

    where
        events.occurred_at >= newcomers.as_of_moment
        and events.occurred_at < newcomers.horizon_to

    group by person_id

),

newcomers_judged as (

    select
        newcomers.as_of_moment as as_of_moment,
        newcomers.person_id as person_id,
        toUInt16({{ var('newcomer_horizon_days') }}) as horizon_days,
        came_again.active_events as active_events,
        toBool(
            newcomers.horizon_to <= toDateTime64(extent.ends_on, 3, 'UTC')
        ) as is_complete

    from newcomers
    cross join extent
    left join came_again on newcomers.person_id = came_again.person_id

)

select * from newcomers_judged
