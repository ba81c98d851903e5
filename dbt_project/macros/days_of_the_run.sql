{#
  Drops the partitions of the days that a run builds, before it builds them.
  `insert_overwrite` replaces only days that have rows: without this, a day on which
  nobody is left would keep the people it had. The days are those of int_as_of_days,
  whatever its data; a hook may not `ref` what its model doesn't.
#}
{% macro drop_days_of_the_run() -%}
    {%- if execute and is_incremental() -%}
        {%- if var('as_of') -%}
            {%- set latest = "toDateOrZero('" ~ var('as_of') ~ "')" -%}
        {%- else -%}
            {%- set latest -%}
                (select toDate(max(known_at), 'UTC') + 1 from staging.stg_events)
            {%- endset -%}
        {%- endif -%}
        {%- set days_found -%}
            select distinct toString(as_of) as day
            from {{ this }}
            where
                as_of <= {{ latest }}
                and ({{ latest }} - as_of) % {{ var('as_of_step_days') }} = 0
                and {{ latest }} - as_of
                < {{ var('as_of_step_days') * var('as_of_days_at_most') }}
        {%- endset -%}
        {%- set days = run_query(days_found).rows -%}
        {%- if days -%}
            alter table {{ this }}
            {% for day in days -%}
                drop partition '{{ day[0] }}'{{ ', ' if not loop.last }}
            {% endfor %}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
