{#
  Settings of tables that builds write: quick to compress, without statistics that
  nobody asks for, merged only where a hundred parts have gathered (merging takes a
  third of a whole build), and not waited for on the disk: after a power cut they are
  built anew (warehouse/embedded/power.py). dbt_project.yml gives them to every model
  that says nothing; `let_tables_merge` ends the late merging where rows stay.
#}
{% macro written_quickly(also={}) -%}
    {{ return(dict(
        {
            'default_compression_codec': 'LZ4',
            'auto_statistics_types': '',
            'min_parts_to_merge_at_once': 100,
            'fsync_after_insert': 0,
            'fsync_part_directory': 0
        },
        **also
    )) }}
{%- endmacro %}

{# The same for what one run writes for itself: nobody waits for parts to be merged. #}
{% macro written_for_one_run() -%}
    {{ return(written_quickly({'max_bytes_to_merge_at_max_space_in_pool': 1})) }}
{%- endmacro %}

{#
  After the marts are made: what later runs add to is merged as the engine sees fit, also
  where the run that built it whole was killed before it came to this.
#}
{% macro let_tables_merge() -%}
    {%- set made = results | selectattr('node.name', 'eq', 'int_build')
        | selectattr('status', 'eq', 'success') | list if execute else [] -%}
    {%- if made -%}
        {%- set waiting -%}
            select concat(database, '.', name)
            from system.tables
            where engine_full like '%min_parts_to_merge_at_once = 100%'
        {%- endset -%}
        {%- set waiting = run_query(waiting).columns[0].values() -%}
        {%- for node in graph.nodes.values()
            if node.config.materialized == 'incremental'
            and node.schema ~ '.' ~ node.alias in waiting -%}
            {%- set relation = adapter.get_relation(none, node.schema, node.alias) -%}
            {%- do run_query(
                'alter table ' ~ relation ~ on_cluster_clause(relation)
                ~ ' reset setting min_parts_to_merge_at_once'
            ) -%}
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

{#
  Settings of a statement that groups rows into millions of groups of a few rows each.
  An adaptive grouping keeps rows of groups until they are merged: that takes more than a
  group in each thread, and spills in twice as many pieces. From a fifth of the engine's
  memory on it spills.
#}
{% macro grouping_of_millions() %}
    {{ return({
        'enable_adaptive_aggregator': 0,
        'max_bytes_ratio_before_external_group_by': 0.2,
    }) }}
{% endmacro %}
