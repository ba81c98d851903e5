"""Marts add up: to their events, to the money that was staged, and to each other."""

from expectations.suites import Keyed, Rule, Suite

_event = Keyed("toString(event_id)")
_person = Keyed("lower(hex(sipHash64(person_id)))")
_IDENTIFIED = "intermediate.int_events_identified"
_RATES = "(select rate_on, currency, minor_units_per_trillion_eur from"
_RATES += " staging.stg_exchange_rates)"
# of amounts of fewer than 100 minor units the rounding is a greater part than this
_ODDS = "1.01 + 0.005 * abs(due)"


def sums_to(
    name: str, *, meaning: str, column: str, other: str, among: str = "true"
) -> Rule:
    """A column of the table, summed, must be what another query gives."""
    return Rule(
        name=name,
        meaning=meaning,
        query="select concat(toString(found), ' where ', toString(due), ' was due')"
        f" as sample_key from (select toFloat64(sum({column})) as found,"
        f" toFloat64(({other})) as due from {{batch}} where {among})"
        " where abs(found - due) > 0.5",
        columns=(column,),
    )


def _summed(table: str) -> str:
    """SQL of a number by the name of events that any other moment or person changes."""
    return (
        "select toString(event_name) as event_name, sum(xxHash64(event_id, event_name,"
        " occurred_at, person_id)) as total"
        f" from {table} group by event_name"
    )


EVENTS = Suite(
    database="marts_build",
    table="fct_events",
    rules=(
        sums_to(
            "every_event_is_there",
            meaning="Questions see as many events as were staged.",
            column="1",
            other=f"select count() from {_IDENTIFIED}",
        ),
        _event.one_row_per("event_id", meaning="One row per event."),
        Rule(
            name="events_are_those_that_were_identified",
            meaning="Questions see each event under its name, person and moment.",
            query="select event_name as sample_key from"
            f" ({_summed('{batch}')} union all {_summed(_IDENTIFIED)})"
            " group by event_name having count() != 2 or min(total) != max(total)",
            columns=("event_name", "person_id", "occurred_at"),
        ),
    ),
)
SESSION_RULES = (
    sums_to(
        "events_of_sessions_are_all_events",
        meaning="Every event belongs to exactly one session.",
        column="events",
        other=f"select count() from {_IDENTIFIED}",
    ),
    sums_to(
        "revenue_of_sessions_is_all_revenue",
        meaning="Every payment belongs to exactly one session.",
        column="revenue_minor",
        other="select sum(ifNull(reporting_amount_minor, 0))"
        " from marts_build.fct_payments",
    ),
)
PAYMENT_RULES = (
    _event.never(
        "(event_id, kind, currency, ifNull(amount_minor, 0), amount_minor is null)"
        " not in (select event_id, kind, currency, ifNull(amount_minor, 0),"
        " amount_minor is null from staging.stg_payments)",
        name="money_is_what_was_staged",
        meaning="Nobody's payment changes its amount or currency on the way.",
        columns=["kind", "currency", "amount_minor"],
    ),
    _event.never(
        "(event_id, occurred_at) not in (select event_id, occurred_at from"
        " staging.stg_payments) or abs(dateDiff('day', toDate(occurred_at), paid_on))"
        " > 1",
        name="payments_are_of_their_day",
        meaning="Money is counted when it was paid, by the clock of the reports.",
        columns=["occurred_at", "paid_on"],
    ),
    Rule(
        name="money_is_converted_at_the_rate_of_its_day",
        meaning="The reported amount is the amount at the latest rate by then.",
        query="select toString(event_id) as sample_key from (select paid.event_id as"
        " event_id, paid.reporting_amount_minor as told, toFloat64(paid.amount_minor) *"
        " toFloat64(theirs.minor_units_per_trillion_eur) / toFloat64("
        "ours.minor_units_per_trillion_eur) as due from (select event_id, currency,"
        " amount_minor, reporting_currency, reporting_amount_minor,"
        " toDate(occurred_at, 'UTC') as paid_day from {batch}"
        " where currency != reporting_currency and amount_minor is not null"
        " and reporting_amount_minor is not null) as paid"
        f" asof inner join {_RATES} as ours on paid.currency = ours.currency"
        " and paid.paid_day >= ours.rate_on"
        f" asof inner join {_RATES} as theirs on paid.reporting_currency ="
        " theirs.currency and paid.paid_day >= theirs.rate_on)"
        f" where abs(toFloat64(told) - due) > {_ODDS}",
        columns=("currency", "reporting_amount_minor"),
    ),
    _event.never(
        "kind = 'payment' and amount_minor < 0",
        name="payments_are_not_negative",
        meaning="Money that goes back is a refund, not a payment below nothing.",
        columns=["kind", "amount_minor"],
        severity="warn",
    ),
)


def _consent(purpose: str, default: str) -> Rule:
    decided = (
        "select person_id, argMax(granted, (occurred_at, sequence, not granted)) as"
        " decided from (select event_id, granted from staging.stg_consents where"
        f" purpose = '{purpose}') as consents inner join (select event_id, person_id,"
        f" occurred_at, sequence from {_IDENTIFIED} where event_name ="
        " 'consent_decided') as events using (event_id) group by person_id"
    )
    return Rule(
        name=f"{purpose}_consent_is_the_last_decision",
        meaning=f"Consent to {purpose} is what the person decided last.",
        query="select lower(hex(sipHash64(person_id))) as sample_key from (select"
        f" person_id, {purpose}_consent as told from {{batch}}) as people left join"
        f" ({decided}) as decisions using (person_id)"
        f" where told != if(decisions.person_id = '', {default}, decided)",
        columns=(f"{purpose}_consent",),
    )


PEOPLE_RULES = (
    # who never decided about analytics has the default of a setting: either may be
    _consent("analytics", "told"),
    _consent("personalisation", "false"),
    _consent("advertising", "false"),
    _person.never(
        "(person_id, toInt64(revenue_minor)) not in (select person_id,"
        " toInt64(sum(ifNull(reporting_amount_minor, 0)))"
        " from marts_build.fct_payments group by person_id) and revenue_minor != 0",
        name="revenue_agrees_with_fct_payments",
        meaning="Everybody's revenue is the sum of their payments and refunds.",
        columns=["revenue_minor"],
    ),
    _person.never(
        "(person_id, first_seen_at, last_seen_at) not in (select person_id,"
        " min(started_at), max(ended_at) from marts_build.fct_sessions"
        " group by person_id)",
        name="people_are_seen_from_first_to_last_session",
        meaning="Everybody is seen from their first session to their last.",
        columns=["first_seen_at", "last_seen_at"],
    ),
    _person.never(
        "ifNull(country, '') != '' and (person_id, assumeNotNull(country)) not in"
        f" (select person_id, country from {_IDENTIFIED} where country != '')",
        name="country_is_one_they_named",
        meaning="Nobody lives in a country that they never named.",
        columns=["country"],
    ),
    sums_to(
        "revenue_of_people_is_all_revenue",
        meaning="No payment is without its person.",
        column="revenue_minor",
        other="select sum(ifNull(reporting_amount_minor, 0))"
        " from marts_build.fct_payments",
    ),
)
_period = Keyed("concat(period, ' ', toString(starts_on))")
LIFECYCLE = Suite(
    database="marts_build",
    table="fct_lifecycle",
    rules=(
        _period.one_row_per("period", "starts_on", meaning="One row per period."),
        _period.never(
            "new_people + returning_people + resurrecting_people != active_people",
            name="standings_sum_to_active_people",
            meaning="Who is active is new, returning or resurrecting, and only one.",
            columns=["new_people", "returning_people", "resurrecting_people"],
        ),
        Rule(
            name="active_people_are_those_with_active_days",
            meaning="As many people are active on a day as have an active day.",
            query="select toString(starts_on) as sample_key from (select starts_on,"
            " toUInt64(active_people) as told from {batch} where period = 'day') as"
            " days left join (select active_on, count() as counted from"
            " marts_build.fct_active_days group by active_on) as active"
            " on days.starts_on = active.active_on where told != counted",
            columns=("active_people",),
        ),
    ),
)
_model = Keyed("toString(model)")
ATTRIBUTION = Suite(
    database="marts_build",
    table="fct_attribution",
    rules=(
        Rule(
            name="credits_sum_to_the_revenue",
            meaning="Each model shares out exactly the revenue that was made.",
            query="select toString(model) as sample_key from {batch} group by model"
            " having abs(sum(revenue_minor) - toFloat64((select sum(revenue_minor) from"
            " intermediate.int_channel_paths where has_converted))) > 1",
            columns=("model", "revenue_minor"),
        ),
        _model.never(
            "not isFinite(revenue_minor) or not isFinite(conversions)"
            " or conversions < -0.000001",
            name="credits_are_numbers",
            meaning="A channel has a finite credit, and no less than none.",
            columns=["revenue_minor", "conversions"],
        ),
    ),
)
COHORTS = Suite(
    database="marts_build",
    table="fct_cohort_revenue",
    rules=(
        Rule(
            name="cohorts_have_the_same_revenue_by_any_property",
            meaning="However people are told apart, they paid the same in all.",
            query="select property as sample_key from (select property,"
            " toFloat64(sum(revenue_minor)) as told from {batch} group by property)"
            " as summed where abs(told - (select toFloat64(sum(revenue_minor)) from"
            " marts_build.fct_cohort_revenue where property = 'everyone')) > 0.5",
            columns=("property", "revenue_minor"),
        ),
    ),
)
METRICS = Suite(
    database="marts_build",
    table="fct_daily_metrics",
    rules=(
        sums_to(
            "daily_revenue_is_all_revenue",
            meaning="Days add up to the revenue of all payments.",
            column="amount",
            among="metric = 'revenue_minor'",
            other="select sum(ifNull(reporting_amount_minor, 0))"
            " from marts_build.fct_payments",
        ),
        sums_to(
            "daily_events_are_all_events",
            meaning="Days add up to all events.",
            column="amount",
            among="metric = 'events'",
            other="select sum(events) from marts_build.fct_daily_events",
        ),
        Rule(
            name="daily_people_are_those_of_the_lifecycle",
            meaning="As many people are active on a day here as in fct_lifecycle.",
            query="select toString(day) as sample_key from {batch} where"
            " metric = 'active_people' and property = 'everyone' and (day, amount)"
            " not in (select starts_on, toFloat64(active_people)"
            " from marts_build.fct_lifecycle where period = 'day')",
            columns=("metric", "amount"),
        ),
        sums_to(
            "daily_sessions_are_all_sessions",
            meaning="Days add up to all sessions.",
            column="amount",
            among="metric = 'sessions' and property = 'everyone'",
            other="select count() from marts_build.fct_sessions",
        ),
        sums_to(
            "daily_human_sessions_are_all_of_them",
            meaning="Days add up to all sessions but those of machines and runaways.",
            column="amount",
            among="metric = 'human_sessions'",
            other="select countIf(not (is_bot or is_runaway))"
            " from marts_build.fct_sessions",
        ),
    ),
)
GAMES = Suite(
    database="marts_build",
    table="fct_game_sessions",
    rules=(
        _event.one_row_per("event_id", meaning="One row per seat taken at a table."),
        _event.never(
            "ended_at < started_at",
            name="start_is_not_after_end",
            meaning="Nobody leaves a table before they sat down.",
            columns=["started_at", "ended_at"],
        ),
        sums_to(
            "every_start_is_there",
            meaning="Each game session that was started is told of.",
            column="1",
            other=f"select count() from {_IDENTIFIED}"
            " where event_name = 'game_session_started'",
        ),
    ),
)
PAGES = Suite(
    database="marts_build",
    table="fct_page_views",
    rules=(
        _event.one_row_per("event_id", meaning="One row per page view."),
        sums_to(
            "every_page_view_is_there",
            meaning="Each page that was viewed is told of.",
            column="1",
            other=f"select count() from {_IDENTIFIED} where event_name = 'page_viewed'",
        ),
    ),
)
RETENTION_RULES = (
    sums_to(
        "returns_are_active_weeks",
        meaning="People return in as many weeks as they have active days in.",
        column="returned",
        other="select uniqExact(person_id, toMonday(active_on))"
        " from marts_build.fct_active_days",
    ),
)
FUNNEL_RULES = (
    Rule(
        name="steps_are_reached_by_those_who_took_them",
        meaning="As many people reach a step as took it in their journeys.",
        query="select toString(step_name) as sample_key from (select step_name, people,"
        " toUInt8(step_number) as step from {batch}) as steps left join (select step,"
        " count() as took from intermediate.int_people_steps array join"
        " arrayMap(place -> toUInt8(place), range(1, toUInt64(steps_reached) + 1)) as"
        " step group by step) as journeys using (step) where people != took",
        columns=("step_number", "people"),
    ),
)
RFM_RULES = tuple(
    Rule(
        name=f"{score}_rises_with_what_it_scores",
        meaning="A better score is given for more: lately, often, or much.",
        query=f"select '{score}' as sample_key from (select rankCorr({score},"
        f" {sign}toFloat64({column})) as agreement, count() as people,"
        f" uniqExact({column}) as different, uniqExact({score}) as scores"
        " from {batch}) as scored"
        " where people >= 20 and different > 4 and scores > 2 and agreement < 0.5",
        columns=(score, column),
    )
    for score, column, sign in (
        ("r_score", "recency_days", "-"),
        ("f_score", "frequency", ""),
        ("m_score", "monetary_minor", ""),
    )
)
STICKINESS = Suite(
    database="marts_build",
    table="fct_stickiness",
    rules=(
        sums_to(
            "everybody_active_lately_is_counted",
            meaning="Whoever was active in the last 28 days is counted once.",
            column="people",
            other="select uniqExact(person_id) from marts_build.fct_active_days where"
            " active_on > (select max(last_day) from marts_build.fct_stickiness) - 28",
        ),
    ),
)
SUITES = (
    *(EVENTS, LIFECYCLE, ATTRIBUTION, COHORTS, METRICS, GAMES, PAGES),
    STICKINESS,
)
