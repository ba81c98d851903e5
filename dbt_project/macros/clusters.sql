{#
  On a cluster (CLICKHOUSE_CLUSTER) every table that dbt makes is replicated; the place
  in Keeper is that of warehouse/clusters.py. dbt-clickhouse asks this macro for the
  engine of every model and seed, and says ON CLUSTER itself where the profile names one.
  What our own macros send (deletes in place, dropped partitions, truncation) changes
  rows, so it is said to one server, and replication carries it to the others.
#}
{% macro engine_clause() %}
  engine = {{ replicated(config.get('engine', default='MergeTree()')) }}
{%- endmacro -%}

{# An engine, replicated where there is a cluster. #}
{% macro replicated(engine) -%}
    {%- if env_var('CLICKHOUSE_CLUSTER', '') -%}
        {%- set name, _, rest = engine.partition('(') -%}
        {%- set own = rest.rpartition(')')[0] | trim -%}
        Replicated{{ name }}(
            '/clickhouse/tables/{uuid}/{shard}', '{replica}'{{ ', ' ~ own if own }}
        )
    {%- else -%}
        {{ engine }}
    {%- endif -%}
{%- endmacro %}
