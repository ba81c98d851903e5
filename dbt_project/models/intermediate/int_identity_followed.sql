{# One row per id and the person its events lie under. Written when all of them do. #}
{{ config(order_by='own_id') }}
-- depends_on: {{ ref('fct_events') }}
-- depends_on: {{ ref('fct_sessions') }}
-- depends_on: {{ ref('fct_runaways') }}
-- depends_on: {{ ref('fct_payments') }}
-- depends_on: {{ ref('dim_people') }}
-- depends_on: {{ ref('fct_active_days') }}
-- depends_on: {{ ref('fct_game_sessions') }}
-- depends_on: {{ ref('fct_page_views') }}
-- depends_on: {{ ref('fct_session_sources') }}
-- depends_on: {{ ref('dim_traits') }}
-- depends_on: {{ ref('int_people_consents') }}
-- depends_on: {{ ref('int_people_days') }}
-- depends_on: {{ ref('int_people_steps') }}
-- depends_on: {{ ref('int_people_periods') }}
-- depends_on: {{ ref('int_people_features') }}
-- depends_on: {{ ref('int_people_revenue') }}
-- depends_on: {{ ref('int_channel_paths') }}
-- depends_on: {{ ref('int_session_paths') }}
with

ids as (

    select
        own_id,
        person_id

    from {{ ref('int_people_of_ids') }}

)

select * from ids
