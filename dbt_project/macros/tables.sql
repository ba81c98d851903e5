{#
  Settings of tables that builds write: quick to compress, without statistics that
  nobody asks for. dbt_project.yml gives them to every model that says nothing.
#}
{% macro written_quickly(also={}) -%}
    {{ return(dict(
        {'default_compression_codec': 'LZ4', 'auto_statistics_types': ''}, **also
    )) }}
{%- endmacro %}

{# The same for what one run writes for itself: nobody waits for parts to be merged. #}
{% macro written_for_one_run() -%}
    {{ return(written_quickly({'max_bytes_to_merge_at_max_space_in_pool': 1})) }}
{%- endmacro %}
