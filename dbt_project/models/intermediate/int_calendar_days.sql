{# One row per calendar day of the years that events may claim. #}
{# what the semantic layer joins days to; a view, so that no run pays for it #}
{{ config(materialized='view', settings={}) }}
select toDate('1970-01-01') + number as day from numbers(65000)
