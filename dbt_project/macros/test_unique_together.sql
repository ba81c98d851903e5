{# A grain of several columns: no two rows agree in all of them, none is null. #}
{% test unique_together(model, columns) %}
    select
        {{ columns | join(', ') }},
        count() as rows_found
    from {{ model }}
    group by {{ columns | join(', ') }}
    having rows_found > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
