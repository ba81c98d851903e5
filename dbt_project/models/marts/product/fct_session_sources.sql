{# One row per session with a page view: where its person came from. #}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    order_by='(started_on, session_id)',
    pre_hook='{{ forget_touched_people() }}'
) }}
with

page_views as (

    select
        session_id,
        person_id,
        viewed_on,
        occurred_at,
        place_in_session,
        path,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign

    from {{ ref('fct_page_views') }}
    {{ of_touched_people('where', written=ref('fct_page_views')) }}

),

rules as (

    select
        rule,
        medium_like,
        source_like,
        referrer_like,
        channel

    from {{ ref('channel_rules') }}

),

sessions_summed as (

    select
        session_id,
        argMin(person_id, place_in_session) as person_id,
        min(viewed_on) as started_on,
        min(occurred_at) as first_viewed_at,
        argMin(path, place_in_session) as entry_path,
        argMax(path, place_in_session) as exit_path,
        argMin(referrer_host, place_in_session) as entry_referrer_host,
        argMin(utm_source, place_in_session) as entry_source,
        argMin(utm_medium, place_in_session) as entry_medium,
        argMin(utm_campaign, place_in_session) as campaign

    from page_views

    group by session_id

),

-- each combination is judged once, however many sessions have it
origins_found as (

    select distinct
        entry_source,
        entry_medium,
        entry_referrer_host

    from sessions_summed

),

origins_judged as (

    select
        origins_found.entry_source as entry_source,
        origins_found.entry_medium as entry_medium,
        origins_found.entry_referrer_host as entry_referrer_host,
        argMin(rules.channel, rules.rule) as channel

    from origins_found
    cross join rules

    where
        match(lower(origins_found.entry_medium), rules.medium_like)
        and match(lower(origins_found.entry_source), rules.source_like)
        and match(lower(origins_found.entry_referrer_host), rules.referrer_like)

    group by
        entry_source,
        entry_medium,
        entry_referrer_host

),

channels_joined as (

    select
        sessions_summed.session_id as session_id,
        sessions_summed.person_id as person_id,
        sessions_summed.started_on as started_on,
        sessions_summed.first_viewed_at as first_viewed_at,
        sessions_summed.entry_path as entry_path,
        sessions_summed.exit_path as exit_path,
        entry_referrer_host as referrer_host,
        entry_source as utm_source,
        entry_medium as utm_medium,
        sessions_summed.campaign as campaign,
        origins_judged.channel as channel

    from sessions_summed
    left join origins_judged
        using (entry_source, entry_medium, entry_referrer_host)

)

select * from channels_joined
