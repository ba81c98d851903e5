{#
  One row per session of foreign or own events: by the client's session ids
  (`session_key='tracker'`; events without one are in no session), or by silences
  longer than `timeout_minutes` of one device or user (`per`).

  `events` is staging.stg_events: it alone has the device, the client's session and the
  context. A page view is an event of `page_view_events`; copies of one page view (one
  page_view_id) are one, and a page of which only heartbeats came was viewed too.
#}
{% macro ask_sessions(
    events,
    session_key='inactivity',
    timeout_minutes=30,
    per='anonymous_id',
    page_view_events=none,
    heartbeat_events=none
) -%}
{%- set named = page_view_events or [
    'page_viewed', 'page_view', '$pageview', 'pageview', 'page', 'Page Viewed',
    'Viewed Page', 'Page View'
] -%}
{%- set heartbeats = heartbeat_events or ['page_ping'] -%}
{%- set other = 'user_id' if per == 'anonymous_id' else 'anonymous_id' -%}
with

events_read as (

    select
        event_id,
        anonymous_id,
        user_id,
        client_session_id,
        occurred_at,
        (occurred_at, sequence, event_id) as step,
        {{ 'user_id' if per == 'user_id' else 'anonymous_id' }} as wanted,
        if(wanted = '', {{ other }}, wanted) as actor,
        event_name in {{ q_texts(named) }} as is_page_view,
        event_name in {{ q_texts(heartbeats) }} as is_heartbeat,
        if(
            is_page_view or is_heartbeat,
            {{ q_first_word(
                ['page_view_id', '$pageview_id'], ['page_view_id', 'web_page_id']
            ) }},
            ''
        ) as page_view_id,
        if(
            is_page_view or is_heartbeat,
            coalesce(
                nullIf({{ q_first_word(
                    ['url', 'page_url', '$current_url'], ['page_url', 'url']
                ) }}, ''),
                JSONExtractString(context, 'page', 'url')
            ),
            ''
        ) as page_url

    from {{ events }}

),

{% if session_key == 'tracker' %}
sessions_named as (

    select
        *,
        client_session_id as session_id

    from events_read

    where client_session_id != ''

),
{% else %}
openings_found as (

    select
        *,
        -- an actor's first event has no predecessor: null opens a session
        lagInFrame(toNullable(occurred_at), 1, null) over by_actor as occurred_before,
        if(
            occurred_before is null
            or dateDiff('millisecond', occurred_before, occurred_at)
            > {{ q_whole(timeout_minutes * 60000) }},
            event_id,
            null
        ) as opened_by

    from events_read

    window by_actor as (
        partition by actor
        order by step
        rows between unbounded preceding and current row
    )

),

sessions_named as (

    select
        *,
        lower(
            hex(
                sipHash128(
                    actor,
                    -- anyLast passes over nulls: it remembers the last opening
                    assumeNotNull(
                        anyLast(opened_by) over (
                            partition by actor
                            order by step
                            rows between unbounded preceding and current row
                        )
                    )
                )
            )
        ) as session_id

    from openings_found

),
{% endif %}

sessions_summed as (

    select
        session_id,
        argMinIf(anonymous_id, step, anonymous_id != '') as anonymous_id,
        argMinIf(user_id, step, user_id != '') as user_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count() as total_events,
        uniqExactIf(
            if(page_view_id = '', toString(event_id), page_view_id),
            is_page_view or (is_heartbeat and page_view_id != '')
        ) as page_views,
        dateDiff('millisecond', started_at, ended_at) / 1000 as duration_seconds,
        argMinIf(page_url, step, page_url != '') as first_page_url,
        argMaxIf(page_url, step, is_page_view and page_url != '') as last_viewed_url,
        if(last_viewed_url = '', first_page_url, last_viewed_url) as last_page_url

    from sessions_named

    group by session_id

    order by
        started_at,
        anonymous_id,
        session_id

)

select * except (last_viewed_url) from sessions_summed
{%- endmacro %}

{#
  One row: how many sessions there are, by the same rules as ask_sessions, and how long
  they last. Nothing but ids and moments is read, one array per actor.
#}
{% macro ask_sessions_summed(
    events, session_key='inactivity', timeout_minutes=30, per='anonymous_id'
) -%}
{%- set other = 'user_id' if per == 'anonymous_id' else 'anonymous_id' -%}
with

{% if session_key == 'tracker' %}
sessions_measured as (

    select
        toUInt64(count()) as events,
        toUInt64(
            dateDiff('millisecond', min(occurred_at), max(occurred_at))
        ) as lasted_ms

    from {{ events }}

    where client_session_id != ''

    group by client_session_id

),
{% else %}
actors_gathered as (

    select
        arraySort(groupArray(toUnixTimestamp64Milli(occurred_at))) as moments

    from {{ events }}

    group by sipHash64(if({{ per }} = '', {{ other }}, {{ per }}))

),

sessions_measured as (

    select
        toUInt64(length(session)) as events,
        toUInt64(session[-1] - session[1]) as lasted_ms

    from actors_gathered
    array join
        arraySplit(
            (moment, silent_ms) -> silent_ms > {{ q_whole(timeout_minutes * 60000) }},
            moments,
            arrayDifference(moments)
        ) as session

),
{% endif %}

sessions_counted as (

    select
        count() as count,
        sum(sessions_measured.events) as events,
        countIf(sessions_measured.events = 1) as of_one_event,
        avgOrNull(lasted_ms) / 1000 as average_duration_seconds,
        quantileExactInclusiveOrNull(lasted_ms) / 1000 as median_duration_seconds

    from sessions_measured

)

select * from sessions_counted
{%- endmacro %}

{# The first of some words that is there: in the properties, else in the context. #}
{% macro q_first_word(of_properties, of_context) -%}
    coalesce(
        {% for word in of_properties %}
        nullIf(JSONExtractString(properties, {{ q_text(word) }}), ''),
        {% endfor %}
        {% for word in of_context %}
        nullIf(JSONExtractString(context, {{ q_text(word) }}), ''),
        {% endfor %}
        ''
    )
{%- endmacro %}
