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

{#
  One row per model and channel: its share of conversions and revenue. The shares of a
  model sum to all conversions that have a path, and to their revenue. And with `model`
  '' one row per transformed path (in `channel`): how often it led to a conversion, how
  often to none, and its revenue: both rest on the same paths, worked out once.

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

{{ q_credits(half_life_days) }},

answers_listed as (

    select
        model,
        channel,
        conversions,
        toUInt64(0) as non_conversions,
        revenue

    from credits_joined

    union all

    select
        '' as model,
        arrayStringConcat(channels, ' > ') as channel,
        toFloat64(conversions) as conversions,
        non_conversions,
        revenue

    from ways_listed

)

select * from answers_listed

order by
    model,
    -- of paths, the most taken first
    if(model = '', -conversions, 0),
    if(model = '', -toInt64(non_conversions), 0),
    channel
{%- endmacro %}
