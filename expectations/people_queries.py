"""What a day's profile counts of people: who they are, what they pay and allow.

Queries like those of profile_queries.
"""

from expectations.profile_queries import ARRIVED, COUNTRIES

# an id that stands for many is one of many ids: those it stands for are counted too
IDENTITIES = f"""
with
    arrived as (
        select
            toDate(known_at, 'UTC') as day, user_id, anonymous_id, own_key,
            event_id
        from staging.stg_events where {ARRIVED}
    ),
    cells as (
        select day, 'devices of a user' as dimension, uniq(anonymous_id) as size
        from arrived where user_id != '' and anonymous_id != '' group by day, user_id
        union all
        select day, 'users of a device' as dimension, uniq(user_id) as size
        from arrived where user_id != '' and anonymous_id != ''
        group by day, anonymous_id
        union all
        select day, 'events of a person' as dimension, count() as size
        from arrived group by day, own_key
    )
select
    day, counted.1 as subject, dimension,
    multiIf(size <= 3, toString(size), 'from ' || toString(
        toUInt64(exp2(floor(log2(size)))))) as category,
    sum(counted.2) as events, events as people
from cells
array join [('identity', toUInt64(1)), ('sharing', toUInt64(size))] as counted
where subject = 'identity' or dimension != 'events of a person'
group by day, subject, dimension, category
"""

# a device hardly ever changes hands, and a newcomer is nobody who was there before
ACQUAINTANCES = f"""
with
    arrayReduce('min', [{{days}}]) as first_day,
    arrayReduce('max', [{{days}}]) as last_day,
    devices as (
        select
            groupUniqArray((toDate(known_at, 'UTC'), user_id)) as told,
            arrayDistinct(arrayFilter(day -> day in ({{days}}), told.1)) as shown
        from staging.stg_events
        where user_id != '' and anonymous_id != ''
            and toDate(known_at, 'UTC') >= first_day - 28
            and toDate(known_at, 'UTC') <= last_day
        group by anonymous_id
    ),
    devices_again as (
        select
            day,
            arrayFilter(one -> one.1 = day, told).2 as now,
            arrayFilter(one -> one.1 < day and one.1 >= day - 28, told).2 as before
        from devices array join shown as day
        where notEmpty(before)
    ),
    newcomers as (
        select distinct toDate(known_at, 'UTC') as day, user_id
        from staging.stg_events
        where event_name = 'user_signed_up' and user_id != '' and {ARRIVED}
    ),
    beginnings as (
        select user_id, toDate(min(known_at), 'UTC') as began
        from staging.stg_events
        where user_id in (select user_id from newcomers)
        group by user_id
    )
select
    day, 'identity' as subject, dimension, category, count() as events,
    events as people
from (
    select
        day, 'user of a known device' as dimension,
        if(hasAny(now, before), 'the same', 'another') as category
    from devices_again
    union all
    select
        day, 'newcomers' as dimension,
        if(began < day - 1, 'known before', 'new') as category
    from newcomers inner join beginnings using (user_id)
)
group by day, dimension, category
"""

# an id that everything shares, or that comes again, tells nothing apart any more
REPEATS = f"""
with
    planned as (
        select pair.1 as event_name, groupArray(pair.2) as names
        from (select arrayJoin([{{ids}}]) as pair) group by event_name
    ),
    ids as (
        select
            toDate(known_at, 'UTC') as day,
            event_name as subject,
            name,
            sipHash64(JSONExtractRaw(properties, name)) as id,
            count() as told,
            uniqState(own_key) as tellers,
            finalizeAggregation(tellers) as people_here
        from staging.stg_events
        inner join planned using (event_name)
        array join names as name
        where {ARRIVED} and event_name in (select event_name from planned)
            and JSONHas(properties, name)
        group by day, subject, name, id
    )
select
    day, subject, 'repeats of ' || name as dimension,
    multiIf(told = 1, 'once', people_here = 1, 'again', 'by several') as category,
    sum(told) as events, uniqMerge(tellers) as people
from ids
group by day, subject, dimension, category
"""

PAYMENTS = f"""
with
    {COUNTRIES},
    arrived as (
        select
            toDate(known_at, 'UTC') as day, event_id, own_key, kind, currency, plan,
            product, payment_id, refund_id, amount_minor
        from staging.stg_payments where {ARRIVED}
    ),
    firsts as (
        select
            kind, payment_id, refund_id, argMin(event_id, (known_at, event_id)) as first
        from staging.stg_payments
        where payment_id in (select payment_id from arrived where payment_id != '')
        group by kind, payment_id, refund_id
    ),
    money as (
        select
            day, own_key, kind, currency, plan, product,
            if(home = '', 'unknown', home) as place,
            multiIf(
                payment_id = '', 'unnamed', event_id = first, 'first', 'again'
            ) as told,
            multiIf(
                amount_minor is null, 'unreadable',
                amount_minor % 100 = 0, 'round', 'not round'
            ) as ending,
            'on ' || ifNull(toString(abs(amount_minor) % 10), 'nothing') as digit,
            multiIf(
                amount_minor is null, 'unreadable', amount_minor = 0, 'nothing',
                if(amount_minor < 0, 'minus ', '') || 'about ' || toString(round(
                    exp10(round(log10(abs(amount_minor)) * 5) / 5)))
            ) as size
        from arrived
        left any join countries using (own_key)
        left any join firsts using (kind, payment_id, refund_id)
    )
select
    day, 'payments' as subject, cell.1 as dimension, cell.2 as category,
    count() as events, uniq(own_key) as people
from money
array join [
    ('kind', kind), ('currency', currency), ('plan', plan), ('product', product),
    ('amount of a ' || kind, size),
    ('amount in ' || currency, size),
    ('amount from ' || place, size),
    ('ending of a ' || kind, ending),
    ('ending of an amount in ' || currency, digit),
    ('ids of a ' || kind, told),
    ('currency in ' || place, currency)
] as cell
group by day, dimension, category
"""

CONSENTS = f"""
with
    {COUNTRIES},
    senders as (
        select event_id, if(os = '', 'unknown', os) as system
        from staging.stg_events where event_name = 'consent_decided' and {ARRIVED}
    ),
    decisions as (
        select
            toDate(known_at, 'UTC') as day, own_key, purpose, granted, via,
            if(home = '', 'unknown', home) as place,
            if(system = '', 'unknown', system) as sender
        from staging.stg_consents
        left any join countries using (own_key)
        left any join senders using (event_id)
        where {ARRIVED}
    )
select
    day, 'consents' as subject, dimension,
    if(granted, 'granted', 'denied') as category,
    count() as events, uniq(own_key) as people
from decisions
array join [
    purpose, purpose || ' in ' || place, purpose || ' via ' || via,
    purpose || ' of ' || sender, 'decisions of ' || sender, 'decisions in ' || place
] as dimension
group by day, dimension, category
union all
select
    day, 'consents' as subject, dimension,
    if(allows, 'all granted', 'some denied') as category,
    sum(decided) as events, count() as people
from (
    select day, own_key, place, sender, min(granted) as allows, count() as decided
    from decisions group by day, own_key, place, sender
)
array join [
    'choices', 'choices in ' || place, 'choices of ' || sender
] as dimension
group by day, dimension, category
"""

# of few newcomers a country has, half may be missing by chance: whether those who came
# were asked is not left to chance
NEWCOMERS = f"""
with
    {COUNTRIES},
    newcomers as (
        select toDate(known_at, 'UTC') as day, own_key
        from staging.stg_events
        where event_name = 'user_signed_up' and {ARRIVED}
        group by day, own_key
    ),
    asked as (
        select distinct toDate(known_at, 'UTC') as asked_on, own_key as asked_key
        from staging.stg_consents where {ARRIVED}
    )
select
    day, 'consents' as subject, dimension,
    if((day, own_key) in (select asked_on, asked_key from asked), 'asked', 'not asked')
        as category,
    count() as events, events as people
from newcomers
left any join countries using (own_key)
array join [
    'newcomers', 'newcomers in ' || if(home = '', 'unknown', home)
] as dimension
group by day, dimension, category
"""

QUERIES = (
    *(IDENTITIES, ACQUAINTANCES, REPEATS),
    *(PAYMENTS, CONSENTS, NEWCOMERS),
)
