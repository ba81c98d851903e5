{# One row per feature and week in which it was used. #}
{{ config(order_by='(feature, week)') }}
with

events as (

    select
        person_key,
        event_name,
        -- as days of reports, so that weeks are theirs
        toDateTime64(
            toDate(occurred_at, {{ reporting_timezone() }}), 3, 'UTC'
        ) as occurred_at,
        is_engagement,
        properties

    from {{ ref('fct_events') }}

),

adoption as (

    {{ ask_feature_adoption('events') }}

),

columns_named as (

    select
        feature,
        toDate(period_start, 'UTC') as week,
        uses,
        people,
        adopters,
        adopters_so_far,
        active_people,
        rate

    from adoption

)

select * from columns_named
