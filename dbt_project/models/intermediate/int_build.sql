{# One row: which run last made the marts whole or followed the changes, from what. #}
-- depends_on: {{ ref('int_changes_followed') }}
select
    '{{ invocation_id }}' as run_id,
    (select built_by from {{ ref('stg_build') }}) as staged_by,
    '{{ meaning(["staging", "intermediate", "marts"]) if execute }}' as meaning
