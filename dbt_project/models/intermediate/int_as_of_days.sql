{# One row per day that features are built for, with the extent of the data. #}
{{ config(materialized='ephemeral') }}
with

extent as (

    select
        first_known_at,
        last_known_at

    from {{ ref('int_extent') }}

),

extent_dated as (

    select
        toDate(first_known_at, 'UTC') as starts_on,
        -- the last day counts as whole: data end where the next one begins
        toDate(last_known_at, 'UTC') + 1 as ends_on,
        toDate(last_known_at, {{ reporting_timezone() }}) + 1 as reporting_ends_on

    from extent

),

latest_chosen as (

    select
        *,
        if(
            '{{ var("as_of") }}' = '', ends_on, toDateOrZero('{{ var("as_of") }}')
        ) as latest,
        -- a day of reports begins when it begins in their time zone
        if(
            '{{ var("as_of") }}' = '', reporting_ends_on, latest
        ) as reports_on

    from extent_dated

),

-- back in equal steps, while the data before a day are at least one step long
days_listed as (

    select
        arrayJoin(
            range(
                toUInt32(least(
                    greatest(
                        intDiv(
                            dateDiff('day', starts_on, latest),
                            {{ var('as_of_step_days') }}
                        ),
                        1
                    ),
                    {{ var('as_of_days_at_most') }}
                ))
            )
        ) as steps_back,
        toDate(latest - steps_back * {{ var('as_of_step_days') }}) as as_of,
        toBool(steps_back = 0) as is_latest,
        starts_on,
        ends_on,
        reporting_ends_on,
        reports_on

    from latest_chosen

)

select * except (steps_back) from days_listed
