{#
  Settings of tables that builds write: quick to compress, without statistics that
  nobody asks for, and merged only where a hundred parts have gathered: merging takes a
  third of a whole build. dbt_project.yml gives them to every model that says nothing;
  `let_tables_merge` ends the last of them where rows stay.
#}
{% macro written_quickly(also={}) -%}
    {{ return(dict(
        {
            'default_compression_codec': 'LZ4',
            'auto_statistics_types': '',
            'min_parts_to_merge_at_once': 100
        },
        **also
    )) }}
{%- endmacro %}

{# The same for what one run writes for itself: nobody waits for parts to be merged. #}
{% macro written_for_one_run() -%}
    {{ return(written_quickly({'max_bytes_to_merge_at_max_space_in_pool': 1})) }}
{%- endmacro %}

{# After a whole build: what later runs add to is merged as the engine sees fit. #}
{% macro let_tables_merge() -%}
    {%- if execute and graph.get('questlog_builds_whole', {}).get('marts') -%}
        {%- for node in graph.nodes.values()
            if node.config.materialized == 'incremental' -%}
            {%- set relation = adapter.get_relation(none, node.schema, node.alias) -%}
            {%- if relation is not none -%}
                {%- do run_query(
                    'alter table ' ~ relation ~ on_cluster_clause(relation)
                    ~ ' reset setting min_parts_to_merge_at_once'
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#
  dbt's comparison of a contract with the columns of a model: made when the model is
  built whole. Both are part of its layer's meaning, and neither changes without that.
#}
{% macro get_assert_columns_equivalent(sql) -%}
    {%- if model.fqn[1] not in ['intermediate', 'marts'] or builds_whole() -%}
        {{ return(adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql)) }}
    {%- endif -%}
{%- endmacro %}
