"""The gate before publication: marts agree with themselves and with each other."""

from collections.abc import Sequence
from datetime import date

from expectations.suites import Keyed, Rule, Suite, not_empty

_session = Keyed("toString(session_id)")
_payment = Keyed("toString(event_id)")
_cohort = Keyed("concat(toString(cohort_week), ' + ', toString(weeks_later), ' weeks')")
_step = Keyed("toString(step_name)")
# people are named by a fingerprint: their ids are pseudonyms and stay inside
_person = Keyed("lower(hex(sipHash64(person_id)))")
_STAGED = "exists(select 1 from staging.stg_events)"


def suites(as_of: date) -> Sequence[Suite]:
    """Everything built is judged, whatever the day."""
    del as_of
    return (_SESSIONS, _RETENTION, _FUNNEL, _PAYMENTS, _PEOPLE)


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
            "dateDiff('millisecond', started_at, ended_at) > 86400000",
            name="session_is_at_most_a_day",
            meaning="No session is longer than the cap of 24 hours.",
            columns=["started_at", "ended_at"],
        ),
        not_empty(
            name="sessions_are_present",
            meaning="Where there are events there are sessions.",
            when=_STAGED,
            severity="stop",
        ),
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
            "weeks_later = 0 and returned != people",
            name="everybody_is_there_in_their_first_week",
            meaning="In its own week the whole cohort is active.",
            columns=["weeks_later", "returned", "people"],
        ),
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
            query="select step_name as sample_key from (select toString(step_name) as"
            " step_name, people, lagInFrame(people, 1, people) over (order by"
            " step_number rows between unbounded preceding and current row) as before"
            " from {batch}) as steps where people > before",
            columns=("step_number", "people"),
        ),
    ),
)
_PAYMENTS = Suite(
    database="marts_build",
    table="fct_payments",
    rules=(
        _payment.one_row_per("event_id", meaning="One row per payment or refund."),
        _payment.never(
            "not match(currency, '^[A-Z]{{3}}$')",
            name="currency_is_a_code",
            meaning="Money has a currency, written as in ISO 4217.",
            columns=["currency"],
        ),
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
        not_empty(
            name="people_are_present",
            meaning="Where there are events there are people.",
            when=_STAGED,
            severity="stop",
        ),
    ),
)
