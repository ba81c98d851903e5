{#
  What paths are worth, over paths_taken, one row per path, ending in credits_joined.
  Paths of equal channels are counted once and then weighed together: what comes after
  depends on how many different paths there are, not on how many people.

  Parts are added in whole steps of 2^-60, so that the order of rows changes no digit of
  a sum.
#}
{% macro q_credits(half_life_days) -%}
{{ q_paths_summed(half_life_days) }},

-- worked out once: all that follows works on it
(
    select
        groupArray(
            (
                channels,
                conversions,
                non_conversions,
                toFloat64(paths_summed.revenue),
                decayed_conversions,
                decayed_revenue
            )
        )

    from paths_summed
) as ways,

ways_listed as (

    select
        way.1 as channels,
        way.2 as conversions,
        way.3 as non_conversions,
        way.4 as revenue,
        way.5 as decayed_conversions,
        way.6 as decayed_revenue

    from (select arrayJoin(ways) as way)

),

paths_weighed as (

    select
        channels,
        length(channels) as touches,
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
        ] as weights,
        arrayPushBack(
            arrayMap(
                weighed -> (
                    weighed.1,
                    arrayMap(weight -> weight * conversions, weighed.2),
                    arrayMap(weight -> weight * revenue, weighed.2)
                ),
                weights
            ),
            ('time_decay', decayed_conversions, decayed_revenue)
        ) as models

    from ways_listed

    where conversions > 0

),

models_listed as (

    select
        weighed.1 as model,
        arrayJoin(arrayZip(channels, weighed.2, weighed.3)) as credit

    from paths_weighed
    array join models as weighed

),

credits_summed as (

    select
        model,
        cast(credit.1 as String) as channel,
        sum({{ q_in_steps('credit.2') }}) / exp2(60) as conversions,
        sum({{ q_in_steps('credit.3') }}) / exp2(60) as revenue

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
{%- endmacro %}

{#
  Common table expression paths_summed over paths_taken: one row per sequence of
  channels, with how often it led to a conversion, how often to none, the revenue, and
  with `half_life_days` what each place of it is worth as time decays.
#}
{% macro q_paths_summed(half_life_days=none) -%}
paths_summed as (

    select
        transformed_path as channels,
        countIf(has_converted) as conversions,
        countIf(not has_converted) as non_conversions,
        sum(paths_taken.revenue) as revenue
        {%- if half_life_days is not none %},
        arrayMap(
            steps -> steps / exp2(60),
            sumForEachIf(
                arrayMap(share -> {{ q_in_steps('share') }}, shares), has_converted
            )
        ) as decayed_conversions,
        arrayMap(
            steps -> steps / exp2(60),
            sumForEachIf(
                arrayMap(
                    share -> {{ q_in_steps('share * paths_taken.revenue') }}, shares
                ),
                has_converted
            )
        ) as decayed_revenue
        {%- endif %}

    {% if half_life_days is none -%}
    from paths_taken
    {%- else -%}
    from (
        select
            *,
            arrayMap(
                age -> exp2(-age / {{ q_whole(half_life_days * 86400000) }}), ages
            ) as decayed,
            arrayMap(weight -> weight / arraySum(decayed), decayed) as shares

        from paths_taken
    ) as paths_taken
    {%- endif %}

    group by channels

)
{%- endmacro %}

{# A number in whole steps of 2^-60. #}
{% macro q_in_steps(number) -%}
    toInt128(round({{ number }} * exp2(60)))
{%- endmacro %}
