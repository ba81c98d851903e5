{#
  Attribution: which channels brought the conversions.

  `touches` is a relation of person_key, person_id, touched_at, rank_time and channel;
  `conversions` of person_key, person_id, conversion_id, converted_at and revenue.
  A conversion's path is the channels of its person's touches in the `lookback_days`
  before it, both ends included: a touch of the same millisecond came before. Channels
  of `exclude` are no touches. A conversion without a touch has no path and no credit.
  Only conversions in [from_moment, to_moment) count. Runs of one channel are one touch
  (the last of the run), unless `collapse_runs` is false.

  Who has touches and never converts before to_moment is one path too: the touches in
  the `lookback_days` before the last. Only Markov's chain looks at these.
#}

{# Touches among events, by a property of theirs. #}
{% macro q_touches(events, event, channel_property='channel') -%}
(
    select
        person_key,
        person_id,
        occurred_at as touched_at,
        rank_time,
        JSONExtractString(properties, {{ q_text(channel_property) }}) as channel

    from {{ events }}

    where event_name = {{ q_text(event) }}
)
{%- endmacro %}

{# Conversions among events; their revenue is the first of some properties. #}
{% macro q_conversions(events, event, revenue_properties) -%}
(
    select
        person_key,
        person_id,
        toString(event_id) as conversion_id,
        occurred_at as converted_at,
        {{ q_first_number_of(revenue_properties) }} as revenue

    from {{ events }}

    where event_name = {{ q_text(event) }}
)
{%- endmacro %}

{# The first of some properties that is a number, else 0; numbers in text are numbers. #}
{% macro q_first_number_of(properties_named) -%}
    coalesce(
        {% for name in properties_named %}
        toFloat64OrNull(
            trim(both '"' from JSONExtractRaw(properties, {{ q_text(name) }}))
        ),
        {% endfor %}
        0
    )
{%- endmacro %}

{# One row per conversion that has a path. #}
{% macro ask_attribution_paths(
    touches,
    conversions,
    lookback_days=30,
    from_moment=none,
    to_moment=none,
    exclude=[],
    collapse_runs=true
) -%}
with

{{ q_attribution_paths(
    touches, conversions, lookback_days, from_moment, to_moment, exclude, collapse_runs
) }}

select
    person_id,
    conversion_id,
    converted_at,
    revenue,
    path,
    transformed_path

from paths_taken

where has_converted

order by
    converted_at,
    person_id,
    conversion_id
{%- endmacro %}

{# One row per transformed path: how often it led to a conversion, how often to none. #}
{% macro ask_attribution_summary(
    touches,
    conversions,
    lookback_days=30,
    from_moment=none,
    to_moment=none,
    exclude=[],
    collapse_runs=true
) -%}
with

{{ q_attribution_paths(
    touches, conversions, lookback_days, from_moment, to_moment, exclude, collapse_runs
) }}

select
    arrayStringConcat(transformed_path, ' > ') as transformed_path,
    countIf(has_converted) as conversions,
    countIf(not has_converted) as non_conversions,
    sum(paths_taken.revenue) as revenue

from paths_taken

group by transformed_path

order by
    conversions desc,
    non_conversions desc,
    transformed_path
{%- endmacro %}

{#
  One row per model and channel: its share of conversions and revenue. The shares of a
  model sum to all conversions that have a path, and to their revenue.

  first, last, linear, position (40 % first, 40 % last, 20 % between; halves for two),
  time_decay (a touch weighs half as much each `half_life_days` before the conversion),
  markov (first order; shares by removal effect, Anderl et al. 2016), shapley (of the
  game in which a set of channels is worth the conversions whose paths need no other;
  its Shapley value is an equal split over a path's different channels, Zhao et al.
  2018, after Shao and Li 2011).
#}
{% macro ask_attribution(
    touches,
    conversions,
    lookback_days=30,
    from_moment=none,
    to_moment=none,
    exclude=[],
    collapse_runs=true,
    half_life_days=7
) -%}
with

{{ q_attribution_paths(
    touches, conversions, lookback_days, from_moment, to_moment, exclude, collapse_runs
) }},

paths_weighed as (

    select
        revenue,
        transformed_path as channels,
        length(channels) as touches,
        arrayMap(
            age -> exp2(-age / {{ q_whole(half_life_days * 86400000) }}), ages
        ) as decayed,
        arrayEnumerate(channels) as places,
        arrayDistinct(channels) as players,
        [
            ('first', arrayMap(at -> toFloat64(at = 1), places)),
            ('last', arrayMap(at -> toFloat64(at = touches), places)),
            ('linear', arrayMap(at -> 1 / touches, places)),
            (
                'position',
                arrayMap(
                    at -> multiIf(
                        touches < 3, 1 / touches,
                        at = 1 or at = touches, 0.4,
                        0.2 / (touches - 2)
                    ),
                    places
                )
            ),
            ('time_decay', arrayMap(weight -> weight / arraySum(decayed), decayed)),
            (
                'shapley',
                arrayMap(
                    (channel, at) -> if(
                        indexOf(channels, channel) = at, 1 / length(players), 0
                    ),
                    channels,
                    places
                )
            )
        ] as models

    from paths_taken

    where has_converted

),

models_listed as (

    select
        weighed.1 as model,
        arrayJoin(arrayZip(channels, weighed.2)) as credit,
        revenue

    from paths_weighed
    array join models as weighed

),

credits_summed as (

    select
        model,
        credit.1 as channel,
        sum(credit.2) as conversions,
        sum(credit.2 * models_listed.revenue) as revenue

    from models_listed

    group by
        model,
        channel

),

{{ q_markov_chain() }},

credits_joined as (

    select * from credits_summed
    union all
    select * from markov_credits

)

select * from credits_joined

order by
    model,
    channel
{%- endmacro %}

{# Common table expressions that end in paths_taken, one row per path. #}
{% macro q_attribution_paths(
    touches, conversions, lookback_days, from_moment, to_moment, exclude, collapse_runs
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

{#
  Markov's chain over paths_taken, ending in markov_credits. States are the channels, a
  start, the conversion and the end of those who never convert. A channel is removed by
  letting nobody leave it; its effect is the share of conversions lost. The chance of
  converting is exact: states are eliminated one by one (Gauss), not approached by
  powers of the matrix. Works in arrays of one row: paths are read once, as a scalar.
#}
{% macro q_markov_chain() -%}
transitions_counted as (

    -- '' is the start of a way and the conversion at its end, 0 is leaving
    select
        step.1 as from_state,
        step.2 as to_state,
        count() as times,
        sum(if(to_state = '', paths_taken.revenue, 0)) as revenue

    from paths_taken
    array join arrayZip(
        arrayConcat([''], arrayMap(one -> concat('=', one), transformed_path)),
        arrayConcat(
            arrayMap(one -> concat('=', one), transformed_path),
            [if(has_converted, '', '0')]
        )
    ) as step

    group by
        from_state,
        to_state

),

(
    select groupArray((from_state, to_state, times, revenue))
    from transitions_counted
) as transitions,

chances_arranged as (

    select
        arraySort(
            arrayDistinct(
                arrayFilter(
                    state -> state != '', arrayMap(way -> way.1, transitions)
                )
            )
        ) as channels,
        arrayPushBack(channels, '') as states,
        arrayMap(
            from_state -> arrayMap(
                to_state -> arraySum(
                    way -> if(
                        way.1 = from_state and way.2 = to_state, way.3, 0
                    ),
                    transitions
                ) / arraySum(
                    way -> if(way.1 = from_state, way.3, 0), transitions
                ),
                states
            ),
            states
        ) as matrix

),

removals_tried as (

    select
        if(removed = 0, '', channels[removed]) as removed_state,
        arrayFold(
            (chances, pivot) -> arrayMap(
                (row, at) -> if(
                    at <= pivot,
                    row,
                    -- a list of one: a name for the factor
                    arrayMap(
                        factor -> arrayMap(
                            (chance, on_pivot) -> chance + factor * on_pivot,
                            row,
                            chances[pivot]
                        ),
                        [row[pivot] / (1 - chances[pivot][pivot])]
                    )[1]
                ),
                chances,
                arrayEnumerate(chances)
            ),
            range(1, length(matrix)),
            arrayMap(
                (row, at) -> if(at = removed, arrayMap(chance -> 0., row), row),
                matrix,
                arrayEnumerate(matrix)
            )
        )[-1][-1] as chance

    from chances_arranged
    array join range(0, length(matrix)) as removed

),

losses_measured as (

    select
        removed_state,
        -- never below nothing: what rounding leaves is no loss
        greatest(maxIf(chance, removed_state = '') over () - chance, 0) as effect

    from removals_tried

),

effects_measured as (

    select
        *,
        sum(effect) over () as effects

    from losses_measured

),

markov_credits as (

    select
        'markov' as model,
        substring(removed_state, 2) as channel,
        effect / effects
        * arraySum(way -> if(way.2 = '', way.3, 0), transitions) as conversions,
        effect / effects * arraySum(way -> way.4, transitions) as revenue

    from effects_measured

    where
        effects > 0
        and removed_state != ''

)
{%- endmacro %}
