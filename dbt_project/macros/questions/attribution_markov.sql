{#
  Markov's chain over ways_listed, ending in markov_credits. States are the channels, a
  start, the conversion and the end of those who never convert. A channel is removed by
  letting nobody leave it; its effect is the share of conversions lost. The chance of
  converting is exact: states are eliminated one by one (Gauss), not approached by
  powers of the matrix. Works in arrays of one row: paths are read once, as a scalar.
#}
{% macro q_markov_chain() -%}
paths_walked as (

    select
        conversions,
        non_conversions,
        revenue,
        arrayMap(one -> concat('=', one), channels) as visited,
        arrayZip(arrayPopBack(arrayPushFront(visited, '')), visited) as moves

    from ways_listed

),

transitions_counted as (

    -- '' is the start of a way and the conversion at its end, 0 is leaving
    select
        step.1 as from_state,
        step.2 as to_state,
        sum(step.3) as times,
        sum(step.4) as revenue

    from (
        select
            arrayJoin(
                arrayConcat(
                    arrayMap(
                        move -> (
                            move.1, move.2, conversions + non_conversions, toFloat64(0)
                        ),
                        moves
                    ),
                    [
                        (visited[-1], '', conversions, revenue),
                        (visited[-1], '0', non_conversions, toFloat64(0))
                    ]
                )
            ) as step

        from paths_walked
    )

    where step.3 > 0

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
