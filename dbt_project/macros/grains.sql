{#
  Every data test of a layer, asked before the layer's last row is written: a run in
  which one fails is as a run that was killed, and what it computed is computed again.

  One question for all of them, because a node for each takes dbt as long as all models.
  `dbt test` has them as nodes; where a build has them too, they are not asked twice.
#}
{% macro tests_pass() -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set layers = {
            'staging': ['staging', 'seeds'], 'intermediate': ['intermediate', 'marts']
        }[model.fqn[1]] -%}
        {%- set questions = [] -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'test' and node.unique_id not in selected_resources -%}
            {%- set tested = graph.nodes[node.attached_node] -%}
            {%- set kind = 'seeds' if tested.resource_type == 'seed' else tested.fqn[1] -%}
            {%- if kind in layers and tested.unique_id in selected_resources -%}
                {%- do questions.append(test_question(node, tested)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set failures = [] -%}
        {#- everything at once takes memory: of few rows little, of all rows too much -#}
        {%- for some in questions | batch(1 if builds_whole() else 100) -%}
            {%- for found in run_query(some | join(' union all ')).rows if found[1] -%}
                {%- do failures.append(found[0] ~ ': ' ~ found[1]) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if failures -%}
            {{ exceptions.raise_compiler_error(
                'Data tests found rows that should not be. ' ~ failures | join(', ')
                ~ '. `questlog dbt test` shows the SQL of each.'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# How many rows a data test finds: one row, the test's name and their count. #}
{% macro test_question(test, tested) -%}
    {%- set relation = adapter.get_relation(none, tested.schema, tested.alias) -%}
    {%- set arguments = dict(test.test_metadata.kwargs) -%}
    {%- do arguments.update({'model': get_where_subquery(relation)}) -%}
    select '{{ test.name }}' as test, count() as failures
    from ({{ context['test_' ~ test.test_metadata.name](**arguments) }})
{%- endmacro %}
