{#
  What a run that was killed leaves behind in ClickHouse: its last statements. Where a
  client dies, what reads is stopped and what writes goes on, on a server as at the
  embedded endpoint, and would land in the middle of the next run.

  So a run begins by waiting for the statements of dbt that write when it comes. It
  kills none: they may be those of a run that is well. It waits for none that begin
  later, so that of two runs neither waits for the other's whole length.
#}

{# dbt lists schemas before it looks at any table; hooks come when it knows them all. #}
{% macro clickhouse__list_schemas(database) -%}
    {%- do wait_for_earlier_statements() -%}
    {{ return(dbt.clickhouse__list_schemas(database)) }}
{%- endmacro %}

{% macro wait_for_earlier_statements() -%}
    {%- set seconds = var('earlier_statements_wait_s') | int -%}
    {%- set cluster = adapter.get_clickhouse_cluster_name() -%}
    {%- set earlier = namespace(statements=statements_that_write()) -%}
    {%- if earlier.statements -%}
        {{ log(
            'Waiting for what an earlier run still writes: '
            ~ told_statements(earlier.statements), true
        ) }}
        {%- set ids = earlier.statements | map(attribute=0) | list -%}
        {%- for _ in range(seconds * 5) if earlier.statements -%}
            {%- do run_query('select sleep(0.2)') -%}
            {%- set earlier.statements = statements_that_write(ids) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if earlier.statements -%}
        {{ exceptions.raise_compiler_error(
            'After ' ~ seconds ~ ' seconds an earlier run of dbt still writes: '
            ~ told_statements(earlier.statements)
            ~ '. Wait for it if that run is well. If it was killed, end its statement by'
            ~ ' `KILL QUERY' ~ (' ON CLUSTER ' ~ cluster if cluster else '')
            ~ " WHERE query_id = '" ~ earlier.statements[0][1]
            ~ "'`, and run again: what it left half done is done again."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#
  Statements of dbt under way that write; of some ids, or all: the engine's id, the id to
  kill it by (the endpoint knows the client's), its kind, node and age.
#}
{% macro statements_that_write(ids=none) -%}
    {%- set cluster = adapter.get_clickhouse_cluster_name() -%}
    {%- set asked -%}
        select
            query_id,
            if(
                Settings['log_comment'] = '', query_id, Settings['log_comment']
            ) as known_as,
            lower(query_kind) as kind,
            extract(query, '"node_id": "([^"]*)"') as node,
            toUInt32(elapsed) as seconds
        from {{
            'clusterAllReplicas(' ~ cluster ~ ', system.processes)' if cluster
            else 'system.processes'
        }}
        where
            query_kind != 'Select'
            and query like '/* {"app": "dbt"%"profile_name": "{{ target.profile_name }}"%'
            {% if ids is not none -%}
                and query_id in ('{{ ids | join("', '") }}')
            {%- endif %}
        order by elapsed desc
    {%- endset -%}
    {{ return(run_query(asked).rows | list) }}
{%- endmacro %}

{% macro told_statements(statements) -%}
    {%- for statement in statements -%}
        {{ statement[2] }} of {{ statement[3] or 'a hook' }} (query {{ statement[1] }},
        {{- ' ' ~ statement[4] }} s){{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#
  Before a run: what earlier ones gathered aside and never put in. dbt names these tables
  of features by their run, so no other drops them; after a day no run is at work on one.
#}
{% macro drop_what_was_left_aside() -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {%- set left -%}
            select name
            from system.tables
            where
                database = 'features_build'
                and position(name, '__dbt_new_data_') > 0
                and metadata_modification_time
                < now() - toIntervalHour({{ var('left_aside_after_hours') }})
        {%- endset -%}
        {%- for row in run_query(left).rows -%}
            {%- set table = adapter.get_relation(none, 'features_build', row[0]) -%}
            {%- if table is not none -%}
                {%- do adapter.drop_relation(table) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
