{#
  After a build: how it went, in ops.dbt_runs, for metrics and `questlog doctor`. Here
  and not in Python, because Airflow's tasks run dbt by Cosmos.
#}
{% macro note_the_run() -%}
    {%- if execute and flags.WHICH == 'build'
        and adapter.get_relation(none, 'ops', 'dbt_runs') -%}
        {%- set failed = results
            | rejectattr('status', 'in', ['success', 'pass', 'warn', 'skipped'])
            | map(attribute='node.name') | list -%}
        {%- set layers = results | map(attribute='node')
            | selectattr('resource_type', 'eq', 'model')
            | map(attribute='fqn') | map(attribute=1) | unique | sort -%}
        insert into ops.dbt_runs
            (run_id, started_at, finished_at, layers, nodes, failed)
        values (
            '{{ invocation_id }}',
            '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] }}',
            now64(3),
            ['{{ layers | join("', '") }}'],
            {{ results | length }},
            [{% for name in failed %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}]
        )
    {%- endif -%}
{%- endmacro %}
