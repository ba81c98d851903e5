{# One row per copy of an event, as often as it was received. #}
{{ config(materialized='view', settings={}) }}
with

copies as (

    select
        event_id,
        event_name,
        event_version,
        user_id,
        anonymous_id,
        session_id as client_session_id,
        occurred_at as claimed_at,
        sent_at,
        received_at,
        loaded_at,
        known_at as claimed_known_at,
        clock_offset_ms,
        clock_offset_source,
        sequence as claimed_sequence,
        source,
        imported,
        tags,
        properties,
        context,
        user_properties,
        content_hash

    from {{ source('raw', 'events') }}

    where event_id not in (select event_id from {{ ref('stg_expired_copies') }})

),

clocks_corrected as (

    select
        * except (claimed_known_at, claimed_sequence),
        -- whom the event names by itself: a user, else a device
        if(user_id != '', user_id, concat('anon:', anonymous_id)) as own_id,
        -- days are counted from 1970 to 2149: a claim outside is moved to the
        -- nearest moment whose day and week have a name
        least(
            greatest(
                claimed_at + toIntervalMillisecond(clock_offset_ms),
                toDateTime64('1970-01-05 12:00:00', 3, 'UTC')
            ),
            toDateTime64('2149-01-01 00:00:00', 3, 'UTC')
        ) as occurred_at,
        -- a file's clock may be set before 1970, whose days have no name either
        greatest(
            claimed_known_at, toDateTime64('1970-01-05 12:00:00', 3, 'UTC')
        ) as known_at,
        -- devices that do not number their events: 0 throughout
        coalesce(claimed_sequence, 0) as sequence

    from copies

),

-- all words of a text are read in one go
words_read as (

    select
        *,
        JSONExtract(
            properties,
            'Tuple(
                game_id String, feature_name String, signup_method String, plan String,
                plan_type String, country String, utm_campaign String, campaign_id String
            )'
        ) as told,
        JSONExtract(
            user_properties, 'Tuple(subscription_tier String, country String)'
        ) as traits,
        JSONExtract(
            context,
            'Tuple(
                country String, device_type LowCardinality(String),
                browser LowCardinality(String), os LowCardinality(String),
                user_agent LowCardinality(String)
            )'
        ) as surroundings

    from clocks_corrected

),

words_chosen as (

    select
        * except (told, traits, surroundings),
        tupleElement(told, 'game_id') as game_id,
        tupleElement(told, 'feature_name') as feature_name,
        tupleElement(told, 'signup_method') as signup_method,
        coalesce(
            nullIf(tupleElement(traits, 'subscription_tier'), ''),
            nullIf(tupleElement(told, 'plan'), ''),
            tupleElement(told, 'plan_type')
        ) as plan,
        coalesce(
            nullIf(tupleElement(traits, 'country'), ''),
            nullIf(tupleElement(told, 'country'), ''),
            tupleElement(surroundings, 'country')
        ) as country,
        toLowCardinality(coalesce(
            nullIf(tupleElement(told, 'utm_campaign'), ''),
            tupleElement(told, 'campaign_id')
        )) as campaign,
        tupleElement(surroundings, 'device_type') as device_type,
        tupleElement(surroundings, 'browser') as browser,
        tupleElement(surroundings, 'os') as os,
        tupleElement(surroundings, 'user_agent') as user_agent

    from words_read

)

select * from words_chosen
