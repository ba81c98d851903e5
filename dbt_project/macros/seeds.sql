{#
  Seeds are loaded when staging is built whole. Their text is part of its meaning: while
  that stays, their tables hold it already.
#}
{% materialization seed, adapter='clickhouse' %}
    {%- set present = adapter.get_relation(database, schema, model['alias']) -%}
    {%- if present is none or builds_whole() -%}
        {{ return(dbt.materialization_seed_default()) }}
    {%- endif -%}
    {%- do store_raw_result('main', 'KEPT', 'KEPT', 0) -%}
    {%- do store_result('agate_table', 'KEPT') -%}
    {{ return({'relations': [present]}) }}
{% endmaterialization %}
