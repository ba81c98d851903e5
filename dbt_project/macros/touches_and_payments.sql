{#
  What attribution is about here, as common table expressions: a touch is the start of a
  session with a channel, a conversion a payment whose worth is known in the reporting
  currency. Of the people that the run computes.
#}
{% macro touches_and_payments() -%}
touches as (

    select
        sipHash64(person_id) as person_key,
        person_id,
        first_viewed_at as touched_at,
        toUInt64(toUnixTimestamp64Milli(first_viewed_at)) as rank_time,
        channel

    from {{ ref('fct_session_sources') }}
    {{ of_touched_people('where', written=ref('fct_session_sources')) }}

),

conversions as (

    select
        sipHash64(person_id) as person_key,
        person_id,
        toString(event_id) as conversion_id,
        occurred_at as converted_at,
        assumeNotNull(reporting_amount_minor) as revenue

    from {{ ref('fct_payments') }}

    where
        kind = 'payment'
        and reporting_amount_minor is not null
        {{ of_touched_people('and', written=ref('fct_payments')) }}

)
{%- endmacro %}
