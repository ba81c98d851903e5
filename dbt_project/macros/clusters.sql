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

{#
  Before a delete in place: every replica deletes by itself, and asks its own copies of
  the tables in the condition, so these must have arrived. Nothing without a cluster.
#}
{% macro everywhere_the_same(condition) -%}
    {%- set cluster = env_var('CLICKHOUSE_CLUSTER', '') -%}
    {%- if cluster -%}
        {%- for table in modules.re.findall('from (\\w+[.]\\w+)', condition) -%}
            {%- do run_query(
                'system sync replica on cluster "' ~ cluster ~ '" ' ~ table
                ~ ' lightweight'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
