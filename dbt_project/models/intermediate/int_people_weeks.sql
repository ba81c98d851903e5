{# One row per person who was ever active, with the weeks in which they were. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='person_id',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

events as (

    select
        person_id,
        occurred_at

    from {{ ref('int_events_sessionized') }}

    where is_engagement

),

weeks_gathered as (

    select
        person_id,
        arraySort(
            groupUniqArray(
                toStartOfWeek(occurred_at, 1, {{ reporting_timezone() }})
            )
        ) as weeks

    from events

    group by person_id

)

select * from weeks_gathered
