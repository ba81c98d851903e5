"""What built marts count by day: cells like those of a profile, made anew at each run.

Days are those on which things happened, in the reporting time zone. Of large marts a
part of the people is looked at, always the same: shares need no more.
"""

_LOOKED_AT = "sipHash64(person_id) % {part} = 0"
_SPAN = "{day} >= toDate('{first}') and {day} < toDate('{as_of}')"


def _spanning(day: str) -> str:
    return f"{_SPAN.replace('{day}', day)} and {_LOOKED_AT}"


def _sized(number: str) -> str:
    """A number's place on a scale that doubles."""
    return (
        f"multiIf({number} < 0, 'minus', {number} = 0, 'none', 'about ' ||"
        f" toString(toUInt64(exp2(floor(log2({number}))))))"
    )


def _rounded(number: str) -> str:
    """A number's place on a scale of five steps to each power of ten."""
    size = f"exp10(round(log10(abs(assumeNotNull({number}))) * 5) / 5)"
    return (
        f"multiIf({number} is null, 'unknown', {number} = 0, 'nothing',"
        f" if({number} < 0, 'minus ', '') || 'about ' || toString(round({size}, 4)))"
    )


def _given(*columns: str) -> str:
    """Whether words are there at all, whatever they are."""
    return ", ".join(
        f"('{column}', if(ifNull({column}, '') = '', 'none', 'given'))"
        for column in columns
    )


SESSIONS = f"""
select
    started_on as day, 'sessions' as subject, cell.1 as dimension,
    cell.2 as category, uniqCombined(14)(person_id) as people_seen
from marts_build.fct_sessions
array join [
    ('channel', channel), ('device_type', device_type), ('os', os),
    ('browser', browser), ('is_bot', toString(is_bot)),
    ('is_bounce', toString(is_bounce)), ('is_converted', toString(is_converted)),
    ('is_runaway', toString(is_runaway)), ('entry_event', entry_event),
    ('exit_event', exit_event), ('place', if(session_number = 1, 'first', 'later')),
    ('hour', leftPad(toString(toHour(started_at)), 2, '0')),
    ('minutes', {_sized("intDiv(duration_ms, 60000)")}), ('events', {_sized("events")}),
    ('page_views', {_sized("page_views")}), ('revenue', {_sized("revenue_minor")}),
    ('is_converted by ' || channel, toString(is_converted)),
    {_given("entry_path", "exit_path", "referrer_host", "utm_source", "utm_campaign")}
] as cell
where {_spanning("started_on")}
group by day, dimension, category
"""
PAGE_VIEWS = f"""
select
    viewed_on as day, 'page views' as subject, cell.1 as dimension,
    cell.2 as category, uniqCombined(14)(person_id) as people_seen
from marts_build.fct_page_views
array join [
    {_given("path", "host", "referrer_host", "utm_source", "utm_campaign")},
    ('is_entry', toString(is_entry)), ('is_exit', toString(is_exit))
] as cell
where {_spanning("viewed_on")}
group by day, dimension, category
"""
PAYMENTS = f"""
select
    paid_on as day, 'payments' as subject, cell.1 as dimension,
    cell.2 as category, uniqCombined(14)(person_id) as people_seen
from marts_build.fct_payments
array join [
    ('kind', toString(kind)), ('currency', currency), ('product', product),
    ('plan', plan),
    ('amount of a ' || kind, {_rounded("amount_minor")}),
    ('reported of a ' || kind, {_rounded("reporting_amount_minor")}),
    ('reported for one ' || currency, {
    _rounded("reporting_amount_minor / nullIf(amount_minor, 0)")
})
] as cell
where {_spanning("paid_on")}
group by day, dimension, category
"""
PEOPLE = f"""
with
    toDate(first_seen_at) as seen_on,
    if(ifNull(country, '') = '', 'unknown', country) as place
select
    seen_on as day, 'people' as subject, cell.1 as dimension,
    cell.2 as category, count() as people_seen
from marts_build.dim_people
array join [
    ('country', place), ('is_known', toString(is_known)),
    ('signup_method', ifNull(signup_method, '')),
    ('analytics', if(analytics_consent, 'granted', 'not')),
    ('personalisation', if(personalisation_consent, 'granted', 'not')),
    ('advertising', if(advertising_consent, 'granted', 'not')),
    ('personalisation in ' || place, if(personalisation_consent, 'granted', 'not')),
    ('advertising in ' || place, if(advertising_consent, 'granted', 'not'))
] as cell
where {_spanning("seen_on")}
group by day, dimension, category
"""
GAMES = f"""
select
    started_on as day, 'game sessions' as subject, cell.1 as dimension,
    cell.2 as category, uniqCombined(14)(person_id) as people_seen
from marts_build.fct_game_sessions
array join [
    ('role', role), ('has_end', toString(has_end)),
    ('minutes', {_sized("intDiv(duration_ms, 60000)")})
] as cell
where {_spanning("started_on")}
group by day, dimension, category
"""
EVENTS = """
select
    day, 'events' as subject, cell.1 as dimension, cell.2 as category,
    sum(people) as people_seen
from marts_build.fct_daily_events
array join [('event_name', event_name), ('source', source)] as cell
where day >= toDate('{first}') and day < toDate('{as_of}')
group by day, dimension, category
"""
LIFECYCLE = """
select
    starts_on as day, 'active people' as subject, 'standing' as dimension,
    cell.1 as category, toUInt64(cell.2) as people_seen
from marts_build.fct_lifecycle
array join [
    ('new', new_people), ('returning', returning_people),
    ('resurrecting', resurrecting_people)
] as cell
where period = 'day'
    and starts_on >= toDate('{first}') and starts_on < toDate('{as_of}')
"""
# how far people come on the day they sign up
FUNNEL = """
with
    steps as (
        select
            person_key,
            toDate(minIf(occurred_at, event_name = 'user_signed_up')) as day,
            countIf(event_name = 'character_created') > 0 as created,
            countIf(event_name = 'game_session_started') > 0 as played,
            countIf(event_name = 'payment_completed') > 0 as paid,
            toDate(min(occurred_at)) as began_on
        from marts_build.fct_events
        where event_name in ('user_signed_up', 'character_created',
            'game_session_started', 'payment_completed')
            and occurred_at >= toDate('{first}') and occurred_at < toDate('{as_of}')
        group by person_key, toDate(occurred_at)
        having countIf(event_name = 'user_signed_up') > 0
    )
select
    day, 'funnel' as subject, cell.1 as dimension, cell.2 as category,
    count() as people_seen
from steps
array join [
    ('created a character', if(created, 'yes', 'no')),
    ('played', if(played, 'yes', 'no')), ('paid', if(paid, 'yes', 'no'))
] as cell
group by day, dimension, category
"""
CELLS = (
    *(SESSIONS, PAGE_VIEWS, PAYMENTS, PEOPLE, GAMES),
    *(EVENTS, LIFECYCLE, FUNNEL),
)

# what varies is how many pay and how much: revenue is as sure as the number of payments
# twice the usual one, of which it may be made
VOLUMES = """
select started_on as day, 'sessions' as category, count() as amount, 1 as unit
from marts_build.fct_sessions group by day
union all
select starts_on as day, 'active people' as category, active_people as amount, 1 as unit
from marts_build.fct_lifecycle where period = 'day'
union all
select starts_on as day, 'new people' as category, new_people as amount, 1 as unit
from marts_build.fct_lifecycle where period = 'day'
union all
select paid_on as day, kind || 's' as category, count() as amount, 1 as unit
from marts_build.fct_payments group by day, kind
union all
select
    paid_on as day, 'revenue' as category,
    toUInt64(sum(greatest(ifNull(reporting_amount_minor, 0), 0))) as amount,
    (
        select greatest(ifNotFinite(ifNull(2 * quantile(0.5)(paid), 1), 1), 1)
        from (
            select assumeNotNull(reporting_amount_minor) as paid
            from marts_build.fct_payments where reporting_amount_minor > 0
        )
    ) as unit
from marts_build.fct_payments group by day
"""
