{# One row per device, user and stretch of time in which the device named the user. #}
{{ config(order_by='(anonymous_id, user_id, valid_from)') }}
with

edges_found as (

    select
        anonymous_id,
        user_id,
        known_at

    from {{ ref('int_device_users') }}

),

-- of two words of one moment, the cut counts
words as (

    select
        substring(id, length('anon:') + 1) as anonymous_id,
        person_id as user_id,
        known_at,
        cast(min(linked), 'Bool') as is_declared

    from {{ source('raw', 'identity_links') }}

    where startsWith(id, 'anon:')

    group by anonymous_id, user_id, known_at

),

first_words as (

    select
        anonymous_id,
        user_id,
        min(known_at) as known_at

    from words

    group by anonymous_id, user_id

),

-- what events tell after a word does not undo it
found_before_words as (

    select edges_found.*

    from edges_found
    inner join first_words using (anonymous_id, user_id)

    where edges_found.known_at < first_words.known_at

),

edges_told as (

    select
        *,
        not is_declared as is_cut

    from words

    union all

    select
        *,
        false as is_declared,
        false as is_cut

    from found_before_words

),

stretches as (

    select
        * except (known_at),
        known_at as valid_from,
        leadInFrame(toNullable(known_at)) over (
            partition by anonymous_id, user_id
            order by known_at
            rows between unbounded preceding and unbounded following
        ) as valid_to

    from edges_told

),

edges_kept as (

    select
        anonymous_id,
        user_id,
        is_declared,
        valid_from,
        valid_to

    from stretches

    where not is_cut

    union all

    select
        anonymous_id,
        user_id,
        cast(false, 'Bool') as is_declared,
        known_at as valid_from,
        null as valid_to

    from edges_found

    where (anonymous_id, user_id) not in (select (anonymous_id, user_id) from words)

)

select * from edges_kept
