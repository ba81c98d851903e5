{# A column whose every value is above zero. #}
{% test above_zero(model, column_name) %}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} <= 0
{% endtest %}
