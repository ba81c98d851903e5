{# Common table expressions that end in paths_taken, one row per path. #}
{% macro q_attribution_paths(
    touches,
    conversions,
    lookback_days,
    from_moment=none,
    to_moment=none,
    exclude=[],
    collapse_runs=true
) -%}
{%- set lookback_ms = q_whole(lookback_days * 86400000) -%}
conversions_known as (

    select
        person_key,
        person_id,
        conversion_id,
        converted_at,
        revenue

    from {{ conversions }}

    {% if to_moment is not none %}
    where converted_at < {{ q_moment(to_moment) }}
    {% endif %}

),

touches_gathered as (

    select
        person_key,
        any(person_id) as person_id,
        -- two arrays in one order: cheaper than one of pairs
        arraySort(
            (one, at) -> (at, one),
            groupArray(toString(channel)),
            groupArray(rank_time)
        ) as channels,
        arraySort(groupArray(toUnixTimestamp64Milli(touched_at))) as times

    from {{ touches }}

    where
        channel != ''
        {% if exclude %}
        and channel not in {{ q_texts(exclude) }}
        {% endif %}
        {% if to_moment is not none %}
        and touched_at < {{ q_moment(to_moment) }}
        {% endif %}

    group by person_key

),

conversions_joined as (

    select
        true as has_converted,
        conversions_known.person_id as person_id,
        conversions_known.conversion_id as conversion_id,
        conversions_known.converted_at as converted_at,
        toUnixTimestamp64Milli(conversions_known.converted_at) as ends_at,
        toFloat64(conversions_known.revenue) as revenue,
        touches_gathered.channels as channels,
        touches_gathered.times as times

    from conversions_known
    inner join touches_gathered using (person_key)

    {% if from_moment is not none %}
    where conversions_known.converted_at >= {{ q_moment(from_moment) }}
    {% endif %}

),

others_listed as (

    select
        false as has_converted,
        person_id,
        '' as conversion_id,
        fromUnixTimestamp64Milli(ends_at, 'UTC') as converted_at,
        times[-1] as ends_at,
        toFloat64(0) as revenue,
        channels,
        times

    from touches_gathered

    where
        person_key not in (select person_key from conversions_known)
        {% if from_moment is not none %}
        and ends_at >= {{ q_whole(from_moment) }}
        {% endif %}

),

touches_chosen as (

    select
        * except (channels, times),
        arrayFirstIndex(at -> at >= ends_at - {{ lookback_ms }}, times) as first_place,
        arrayLastIndex(at -> at <= ends_at, times) as last_place,
        if(
            first_place = 0, 0, greatest(toInt64(last_place) - first_place + 1, 0)
        ) as touches,
        arraySlice(channels, greatest(first_place, 1), touches) as path,
        arraySlice(times, greatest(first_place, 1), touches) as touched_at

    from (
        select * from conversions_joined
        union all
        select * from others_listed
    )

),

paths_taken as (

    select
        has_converted,
        person_id,
        conversion_id,
        converted_at,
        revenue,
        path,
        {% if collapse_runs %}
        -- of a run the last: the one that nothing equal follows
        arrayShiftLeft(path, 1, '') as followers,
        arrayFilter((one, next) -> one != next, path, followers) as transformed_path,
        arrayMap(
            at -> ends_at - at,
            arrayFilter(
                (at, one, next) -> one != next, touched_at, path, followers
            )
        ) as ages
        {% else %}
        path as transformed_path,
        arrayMap(at -> ends_at - at, touched_at) as ages
        {% endif %}

    from touches_chosen

    where notEmpty(path)

)
{%- endmacro %}
