"""The gate before publication: marts agree with themselves and with each other."""

from collections.abc import Sequence
from datetime import date

from expectations import mart_sums, unlike
from expectations.suites import Keyed, Rule, Suite, not_empty

_session = Keyed("toString(session_id)")
_event = Keyed("toString(event_id)")
_cohort = Keyed("concat(toString(cohort_week), ' + ', toString(weeks_later), ' weeks')")
_step = Keyed("toString(step_name)")
# people are named by a fingerprint: their ids are pseudonyms and stay inside
_person = Keyed("lower(hex(sipHash64(person_id)))")
_day = Keyed("concat(toString(day), ' ', event_name, ' ', source)")
_IDENTIFIED = "intermediate.int_events_identified"
_STAGED = "exists(select 1 from staging.stg_events)"
_CURRENCY = "match(currency, '^[A-Z]{{3}}$')"

RATE_DAYS = 31
"""Days after which a rate is called old: banks publish one a working day."""


def suites(as_of: date) -> Sequence[Suite]:
    """Everything built is judged, and compared with the weeks before the day."""
    return (
        *(_EVENTS, _DAYS, _SESSIONS, _RETENTION),
        *(_FUNNEL, _PAYMENTS, _PEOPLE, _RFM),
        *mart_sums.SUITES,
        unlike.suite(
            "marts", as_of, "volume", "share", "novelty", "level", "past", "shape"
        ),
    )


def _by_currency(
    condition: str, *, name: str, meaning: str, columns: Sequence[str]
) -> Rule:
    """Warn of payments that meet a condition, counted by their currency.

    An open source may send anything as a currency: only codes are shown.
    """
    return Rule(
        name=name,
        meaning=meaning,
        query=f"select concat(toString(count()), ' in ', if({_CURRENCY}, currency,"
        " 'no currency')) as sample_key from {batch}"
        f" where {condition} group by if({_CURRENCY}, currency, 'no currency')",
        columns=tuple(columns),
        severity="warn",
    )


_EVENTS = Suite(
    database="intermediate",
    table="int_events_identified",
    rules=(
        _event.one_row_per("event_id", meaning="One row per event, here too."),
        Rule(
            name="every_event_has_its_person",
            meaning="As many events are identified as were staged.",
            query="select concat(toString(identified), ' identified') as sample_key"
            " from (select count() as identified from {batch}) as events"
            " where identified != (select count() from staging.stg_events)",
            columns=("event_id",),
        ),
    ),
)
_DAYS = Suite(
    database="marts_build",
    table="fct_daily_events",
    rules=(
        _day.one_row_per(
            *("day", "event_name", "source"), meaning="One row per day, event, source."
        ),
        Rule(
            name="days_sum_to_all_events",
            meaning="Every event is counted on exactly one day.",
            query="select concat(toString(counted), ' counted') as sample_key from"
            " (select sum(events) as counted from {batch}) as days"
            f" where counted != (select count() from {_IDENTIFIED})",
            columns=("events",),
        ),
    ),
)
_SESSIONS = Suite(
    database="marts_build",
    table="fct_sessions",
    rules=(
        _session.one_row_per("session_id", meaning="One row per session."),
        _session.never(
            "started_at > ended_at",
            name="start_is_not_after_end",
            meaning="No session ends before it starts.",
            columns=["started_at", "ended_at"],
        ),
        _session.never(
            "started_at <= ended_at"
            " and duration_ms != dateDiff('millisecond', started_at, ended_at)",
            name="duration_is_from_start_to_end",
            meaning="A session lasts from its start to its end.",
            columns=["duration_ms", "started_at", "ended_at"],
        ),
        _session.never(
            "is_bot != notEmpty(bot_reasons)",
            name="a_bot_is_told_with_reasons",
            meaning="A machine's session says why it is one, and no other does.",
            columns=["is_bot", "bot_reasons"],
        ),
        _session.never(
            "dateDiff('millisecond', started_at, ended_at) > 86400000",
            name="session_is_at_most_a_day",
            meaning="Who is active for over 24 hours without a pause may be a machine.",
            columns=["started_at", "ended_at"],
            severity="warn",
        ),
        _session.never(
            "person_id not in (select person_id from marts_build.dim_people)",
            name="person_is_known",
            meaning="Every session belongs to somebody in dim_people.",
            columns=["person_id"],
        ),
        not_empty(
            name="sessions_are_present",
            meaning="Where there are events there are sessions.",
            when=_STAGED,
            severity="stop",
        ),
        *mart_sums.SESSION_RULES,
    ),
)
_RETENTION = Suite(
    database="marts_build",
    table="fct_weekly_retention",
    rules=(
        _cohort.one_row_per(
            "cohort_week", "weeks_later", meaning="One row per cohort and week."
        ),
        _cohort.never(
            "returned > people",
            name="no_more_return_than_there_are",
            meaning="No more people return than the cohort has.",
            columns=["returned", "people"],
        ),
        _cohort.never(
            "weeks_later = 0 and returned < people",
            name="everybody_is_there_in_the_first_week",
            meaning="In its own week the whole cohort is active.",
            columns=["weeks_later", "returned", "people"],
        ),
        Rule(
            name="cohorts_sum_to_the_people",
            meaning="Everybody who was ever active belongs to exactly one cohort.",
            query="select concat(toString(in_cohorts), ' in cohorts') as sample_key"
            " from (select sum(people) as in_cohorts from {batch}"
            " where weeks_later = 0) as cohorts where in_cohorts != (select"
            f" uniqExact(person_id) from {_IDENTIFIED} where is_engagement)",
            columns=("people",),
        ),
        *mart_sums.RETENTION_RULES,
    ),
)
_FUNNEL = Suite(
    database="marts_build",
    table="fct_activation_funnel",
    rules=(
        _step.one_row_per("step_number", meaning="One row per step."),
        Rule(
            name="later_steps_are_not_larger",
            meaning="No step is reached by more people than the one before.",
            query="select name as sample_key from (select toString(step_name) as name,"
            " people, lagInFrame(people, 1, people) over (order by step_number"
            " rows between unbounded preceding and current row) as before"
            " from {batch}) as steps where people > before",
            columns=("step_number", "people"),
        ),
        *mart_sums.FUNNEL_RULES,
    ),
)
_PAYMENTS = Suite(
    database="marts_build",
    table="fct_payments",
    rules=(
        _event.one_row_per("event_id", meaning="One row per payment or refund."),
        Rule(
            name="every_payment_is_kept",
            meaning="As many payments and refunds are told of as were staged.",
            query="select concat(toString(kept), ' kept') as sample_key"
            " from (select count() as kept from {batch}) as payments"
            " where kept != (select count() from staging.stg_payments)",
            columns=("event_id",),
        ),
        _event.never(
            "reporting_currency != (select min(reporting_currency) from {batch})",
            name="one_currency_is_counted",
            meaning="Nothing adds two currencies: all reported amounts are in one.",
            columns=["reporting_currency"],
        ),
        _event.never(
            "currency = reporting_currency"
            " and not (reporting_amount_minor <=> amount_minor)",
            name="money_of_the_reporting_currency_is_kept",
            meaning="What needs no rate is reported exactly as it was paid.",
            columns=["amount_minor", "reporting_amount_minor"],
        ),
        _event.never(
            f"reporting_amount_minor is not null and not {_CURRENCY}",
            name="counted_money_has_a_currency",
            meaning="Money in reports has a currency, written as in ISO 4217.",
            columns=["currency"],
        ),
        _event.never(
            f"reporting_amount_minor is null and not {_CURRENCY}",
            name="currency_is_a_code",
            meaning="Money out of reports should have a currency, too.",
            columns=["currency"],
            severity="warn",
        ),
        _event.never(
            "kind = 'refund' and (amount_minor > 0 or reporting_amount_minor > 0)",
            name="refunds_are_negative",
            meaning="Money that went back is counted as less than nothing.",
            columns=["kind", "amount_minor", "reporting_amount_minor"],
        ),
        _by_currency(
            "amount_minor is not null and reporting_amount_minor is null",
            name="money_has_a_rate",
            meaning="No rate or digits are known for a currency by then; reports miss"
            " these payments: see docs/money.md.",
            columns=["currency", "reporting_amount_minor"],
        ),
        _by_currency(
            f"dateDiff('day', rate_on, toDate(occurred_at, 'UTC')) > {RATE_DAYS}",
            name="rates_are_recent",
            meaning=f"Payments are counted by rates over {RATE_DAYS} days older than"
            " they: import rates, see docs/money.md.",
            columns=["currency", "rate_on"],
        ),
        *mart_sums.PAYMENT_RULES,
    ),
)
_PEOPLE = Suite(
    database="marts_build",
    table="dim_people",
    rules=(
        _person.one_row_per("person_id", meaning="One row per person."),
        _person.never(
            "first_seen_at > last_seen_at",
            name="first_seen_is_not_after_last_seen",
            meaning="Nobody is last seen before they are first seen.",
            columns=["first_seen_at", "last_seen_at"],
        ),
        _person.never(
            "(person_id, toUInt64(sessions)) not in (select person_id,"
            " count() from marts_build.fct_sessions group by person_id)",
            name="sessions_agree_with_fct_sessions",
            meaning="Everybody has as many sessions as fct_sessions has for them.",
            columns=["sessions"],
        ),
        _person.never(
            "payments > 0 and (person_id, toUInt64(payments)) not in (select"
            " person_id, countIf(kind = 'payment') from marts_build.fct_payments"
            " group by person_id)",
            name="payments_agree_with_fct_payments",
            meaning="Everybody has as many payments as fct_payments has for them.",
            columns=["payments"],
        ),
        Rule(
            name="events_sum_to_all_events",
            meaning="Every event is counted for exactly one person.",
            query="select concat(toString(counted), ' counted') as sample_key from"
            " (select sum(events) as counted from {batch}) as people"
            f" where counted != (select count() from {_IDENTIFIED})",
            columns=("events",),
        ),
        not_empty(
            name="people_are_present",
            meaning="Where there are events there are people.",
            when=_STAGED,
            severity="stop",
        ),
        *mart_sums.PEOPLE_RULES,
    ),
)
_RFM = Suite(
    database="marts_build",
    table="dim_rfm",
    rules=(
        _person.one_row_per("person_id", meaning="One row per payer."),
        _person.never(
            "not (r_score between 1 and 5 and f_score between 1 and 5"
            " and m_score between 1 and 5) or segment = ''",
            name="scores_are_fifths_with_a_name",
            meaning="Every payer is in a fifth by each score, and in a segment.",
            columns=["r_score", "f_score", "m_score", "segment"],
        ),
        Rule(
            name="whoever_paid_before_the_day_is_scored",
            meaning="Nobody who paid before the day of the report is left out.",
            query="select lower(hex(sipHash64(person_id))) as sample_key from"
            " (select distinct person_id from marts_build.fct_payments where"
            " kind = 'payment' and reporting_amount_minor is not null"
            " and paid_on < (select max(as_of) from {batch})) as payers"
            " where person_id not in (select person_id from {batch})",
            columns=("person_id",),
        ),
        *mart_sums.RFM_RULES,
    ),
)
