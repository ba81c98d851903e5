"""What a day's profile counts: one query for each way of looking at what came.

Each query gives day, subject, dimension, category, events and people. `{days}` is
replaced by the days that are profiled, as a list of SQL dates; `{words}` by the
properties whose values are few and known, `{values}` by others whose values may be
shown, `{ids}` by those that are ids, `{planned}` by all of them, `{names}` by the names
of events, `{part}` by how many people there are for each that is looked at: what is
said of properties is a matter of shares, and of a large day some people tell enough.
"""

# shared by the events' own query and the one about clocks
_BUCKET_OF_SECONDS = """multiIf(
    seconds < -3600, 'over 1 h ahead', seconds < -300, '5 min to 1 h ahead',
    seconds < -5, '5 s to 5 min ahead', seconds < 5, 'at once',
    seconds < 60, '5 s to 1 min', seconds < 600, '1 to 10 min',
    seconds < 3000, '10 to 50 min', seconds < 5400, '50 to 90 min',
    seconds < 21600, '90 min to 6 h', seconds < 86400, '6 to 24 h',
    seconds < 604800, '1 to 7 days', 'over 7 days'
)"""
COUNTRIES = """
    countries as (
        select own_key, argMax(country, known_at) as home
        from staging.stg_events where country != '' group by own_key
    )
"""
ARRIVED = "toDate(known_at, 'UTC') in ({days})"
_LOOKED_AT = f"{ARRIVED} and own_key % {{part}} = 0"
# letters and digits that stand mixed are one x: an id of any spelling has few shapes
_SHAPE = (
    "substring(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll({word},"
    " '[A-Za-z]+', 'a'), '[0-9]+', '9'), '(a9|9a)[a9]*', 'x'), 1, 24)"
)

# words are put together for what is alike, not for each event
EVENTS = f"""
with
    {COUNTRIES},
    seen as (
        select
            toDate(known_at, 'UTC') as day,
            own_key,
            event_name,
            event_version,
            source,
            device_type,
            browser,
            clock_offset_source,
            dateDiff('second', occurred_at, known_at) as seconds,
            {_BUCKET_OF_SECONDS} as delay,
            toHour(known_at) as hour,
            leftPad(toString(hour), 2, '0') as clock,
            toString(intDiv(hour, 4) * 4) as hours,
            if(os = '', 'unknown', os) as system,
            if(home = '', 'unknown', home) as place,
            if(empty(tags), 'none', tags[1]) as tag,
            if(user_id = '', 'a device', 'a user') as named,
            if(sequence = 0, 'not', 'numbered') as numbered,
            if(client_session_id = '', 'none', 'claimed') as claimed,
            {_SHAPE.format(word="user_id")} as user_shape,
            {_SHAPE.format(word="anonymous_id")} as device_shape
        from staging.stg_events
        left any join countries using (own_key)
        where {ARRIVED}
    ),
    alike as (
        select
            day, event_name, event_version, source, device_type, browser,
            clock_offset_source, delay, clock, hours, system, place, tag, named,
            numbered, claimed, user_shape, device_shape,
            count() as told, uniqCombinedState(14)(own_key) as tellers
        from seen
        group by
            day, event_name, event_version, source, device_type, browser,
            clock_offset_source, delay, clock, hours, system, place, tag, named,
            numbered, claimed, user_shape, device_shape
    ),
    described as (
        select
            day,
            told,
            tellers,
            [
                ('events', 'event_name', event_name),
                ('events', 'source', source),
                ('events', 'os', system),
                ('events', 'device_type', device_type),
                ('events', 'browser', browser),
                ('events', 'country', place),
                ('events', 'event_version', event_name || ' ' || event_version),
                ('events', 'tags', tag),
                ('events', 'named', named),
                ('events', 'numbered', numbered),
                ('events', 'session', claimed),
                ('events', 'user_id', user_shape),
                ('events', 'anonymous_id', device_shape),
                ('events', 'event_name of source ' || source, event_name),
                ('events', 'event_name of os ' || system, event_name),
                ('events', 'event_name in ' || place, event_name),
                ('events', 'named of source ' || source, named),
                ('events', 'hours of source ' || source, hours),
                ('events', 'hours of os ' || system, hours),
                ('hours', 'all', clock),
                ('hours', 'event ' || event_name, clock),
                ('hours', 'source ' || source, clock),
                ('hours', 'os ' || system, clock),
                ('clocks', 'delay of source ' || source, delay),
                ('clocks', 'delay of os ' || system, delay),
                ('clocks', 'delay in ' || place, delay),
                ('clocks', 'offset of source ' || source, clock_offset_source),
                (event_name, 'source', source),
                (event_name, 'os', system),
                (event_name, 'country', place),
                (event_name, 'hours', hours),
                (event_name, 'delay', delay)
            ] as cells
        from alike
    )
select
    day, cell.1 as subject, cell.2 as dimension, cell.3 as category,
    sum(told) as events, uniqCombinedMerge(14)(tellers) as people
from described array join cells as cell
group by day, subject, dimension, category
"""

PROPERTIES = f"""
with
    pairs as (
        select
            toDate(known_at, 'UTC') as day,
            own_key,
            event_name as subject,
            pair.1 as name,
            pair.2 as written,
            substring(written, 1, 1) as head,
            toFloat64OrNull(written) as number,
            JSONExtractString(written) as word,
            multiIf(
                written = '""', 'empty',
                head = '"' and (subject, name) in ({{words}}), word,
                head = '"' and (subject, name) in ({{values}}),
                '=' || substring(word, 1, 40),
                head = '"', 'text of ' || toString(toUInt32(exp2(floor(log2(
                    greatest(length(written) - 2, 1)))))) || ' letters',
                head = '[', 'list', head = '{{{{', 'object',
                number is null, written,
                number = floor(number) and abs(number) <= 20, toString(number),
                if(number < 0, 'minus ', '') || 'about ' || toString(
                    round(exp10(round(log10(abs(number)) * 5) / 5), 2))
            ) as category
        from staging.stg_events
        array join JSONExtractKeysAndValuesRaw(properties) as pair
        where {_LOOKED_AT} and length(pair.1) <= 64
    ),
    counted as (
        select
            day, subject, name, category, count() as told,
            uniqCombinedState(14)(own_key) as tellers,
            finalizeAggregation(tellers) as people_here
        from pairs group by day, subject, name, category
        union all
        select
            toDate(known_at, 'UTC') as day, event_name as subject,
            'none' as name, '' as category, count() as told,
            uniqCombinedState(14)(own_key) as tellers,
            finalizeAggregation(tellers) as people_here
        from staging.stg_events
        where {_LOOKED_AT} and properties in ('', '{{{{}}}}')
        group by day, subject
    )
select
    day, subject, cell.1 as dimension, cell.2 as shown, sum(told) as events,
    if(
        dimension = 'properties', uniqCombinedMerge(14)(tellers), sum(people_here)
    ) as people
from counted
array join arrayFilter(one -> one.2 != '', [
    ('property ' || name,
        if(startsWith(category, '=') and people_here < 3, 'rare', category)),
    ('properties', name)
]) as cell
group by day, subject, dimension, shown
"""

# whoever says a property at all is counted above, however often it is missing
GIVEN = f"""
with
    planned as (
        select pair.1 as event_name, groupArray(pair.2) as names
        from (select arrayJoin([{{planned}}]) as pair) group by event_name
    ),
    told as (
        select
            toDate(known_at, 'UTC') as day, event_name, own_key,
            any(names) as named,
            count() as said,
            sumForEach(arrayMap(
                name -> has(JSONExtractKeys(properties), name), names
            )) as given
        from staging.stg_events inner join planned using (event_name)
        where {_LOOKED_AT}
        group by day, event_name, own_key
    )
select
    day, event_name as subject, 'given ' || pair.1 as dimension,
    multiIf(pair.2 = said, 'always', pair.2 = 0, 'never', 'sometimes') as category,
    sum(said) as events, count() as people
from told array join arrayZip(named, given) as pair
group by day, subject, dimension, category
"""

COPIES = """
with
    told as (
        select
            toDate(known_at, 'UTC') as day, source,
            uniqExact(event_id) as ids, toUInt64(count() - ids) as again
        from raw.events where toDate(known_at, 'UTC') in ({days})
        group by day, source
    )
select
    day, 'copies' as subject, dimension, category,
    sum(counted) as events, sum(counted) as people
from told
array join
    ['source ' || source, 'source ' || source, 'all', 'all'] as dimension,
    ['first', 'again', 'first', 'again'] as category,
    [ids, again, ids, again] as counted
group by day, dimension, category
"""

# a sender that sends again under new ids is not seen by its ids: the same is said by
# the same person a moment later
TWINS = f"""
with
    alike as (
        select
            toDate(known_at, 'UTC') as day, own_key, event_name,
            sipHash64(properties) as said,
            any(source) as sender,
            arraySort(groupArray(toUnixTimestamp64Milli(occurred_at))) as moments,
            toUInt64(arrayCount(
                passed -> passed <= 2000, arrayPopFront(arrayDifference(moments))
            )) as again,
            toUInt64(length(moments) - again) as first
        from staging.stg_events where {_LOOKED_AT}
        group by day, own_key, event_name, said
    )
select
    day, 'twins' as subject, dimension, cell.1 as category,
    sum(cell.2) as events, uniqCombined(14)(own_key) as people
from alike
array join ['all', 'source ' || sender, 'event ' || event_name] as dimension
array join [('told once', first), ('told more than once', again)] as cell
where cell.2 > 0
group by day, dimension, category
"""

REFUSALS = """
with
    arrivals as (
        select
            toDate(received_at, 'UTC') as day, source, event_name,
            'accepted' as verdict, count() as counted
        from raw.events where toDate(received_at, 'UTC') in ({days})
        group by day, source, event_name
        union all
        select
            toDate(received_at, 'UTC') as day, source,
            if(bare in ({names}), bare, 'unplanned') as event_name,
            toString(reason) as verdict, count() as counted
        from (
            select source, reason, received_at,
                splitByChar('.', event_name)[-1] as bare
            from raw.refused_events
        )
        where toDate(received_at, 'UTC') in ({days})
        group by day, source, event_name, verdict
    )
select
    day, one.1 as subject, one.2 as dimension, verdict as category,
    sum(counted) as events, events as people
from arrivals
array join arrayConcat(
    [
        ('arrivals', 'all'), ('arrivals', 'source ' || source),
        ('arrivals', 'event ' || event_name)
    ],
    if(startsWith(event_name, 'payment_'), [('money', 'at the door')], [])
) as one
group by day, subject, dimension, category
"""

# devices number their events: what is missing between two numbers was lost, and a
# number that comes again counts nothing
COMPLETENESS = f"""
with
    runs as (
        select
            toDate(known_at, 'UTC') as day, anonymous_id, any(source) as sender,
            if(any(os) = '', 'unknown', any(os)) as system,
            uniqExact(sequence) as there,
            toUInt64(count() - there) as again,
            toUInt64(max(sequence) - min(sequence) + 1 - there) as missing
        from staging.stg_events
        where {ARRIVED} and sequence > 0 and anonymous_id != ''
        group by day, anonymous_id
        having missing < 10 * there + 100
    )
select
    day, 'completeness' as subject, dimension, category,
    sum(counted) as events, events as people
from (
    select
        day,
        ['all', 'source ' || sender, 'os ' || system] as dimensions,
        [('there', there), ('missing', missing), ('again', again)] as cells
    from runs
)
array join dimensions as dimension
array join cells as cell
array join [cell.1] as category, [cell.2] as counted
group by day, dimension, category
"""

QUERIES = (
    *(EVENTS, PROPERTIES, GIVEN, COPIES),
    *(TWINS, REFUSALS, COMPLETENESS),
)
