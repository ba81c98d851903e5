"""Faults of marts: what a model, a join or a rate can do to them."""

from bench._faults_sql import DAY, Faulty, deleted, doubled, some, updated

_mart = Faulty("marts")
_PAYMENTS, _PEOPLE = "marts_build.fct_payments", "marts_build.dim_people"
_SESSIONS, _EVENTS = "marts_build.fct_sessions", "marts_build.fct_events"
MARTS = (
    _mart(
        "refund_sign_flipped",
        "5 % of refunds, one at least",
        updated(
            _PAYMENTS,
            "amount_minor = -amount_minor,"
            " reporting_amount_minor = -reporting_amount_minor",
            "kind = 'refund' and event_id in (select event_id from"
            " marts_build.fct_payments where kind = 'refund' order by event_id"
            " limit 2)",
        ),
    ),
    _mart(
        "currency_off_by_100",
        "reported amounts of USD times 100",
        updated(
            _PAYMENTS,
            "reporting_amount_minor = reporting_amount_minor * 100",
            "currency = 'USD'",
        ),
    ),
    _mart(
        "rate_upside_down",
        "USD divided by its rate instead of multiplied",
        updated(
            _PAYMENTS,
            "reporting_amount_minor = toInt64(amount_minor * toFloat64(amount_minor)"
            " / toFloat64(reporting_amount_minor))",
            "currency = 'USD' and reporting_amount_minor != 0",
        ),
    ),
    _mart(
        "payments_missing",
        "2 % of rows",
        deleted(_PAYMENTS, some("event_id", 2)),
    ),
    _mart("payments_doubled", "1 % of rows", doubled(_PAYMENTS, some("event_id", 1))),
    _mart(
        "payment_of_another",
        "3 % of payments under another person",
        updated(_PAYMENTS, "person_id = 'user_10001'", some("event_id", 3)),
    ),
    _mart(
        "consent_of_half_a_country_lost_in_a_mart",
        "advertising consent of half of DE",
        updated(
            _PEOPLE,
            "advertising_consent = false",
            f"country = 'DE' and {some('person_id', 50)}",
        ),
    ),
    _mart(
        "consent_invented",
        "3 % of those without advertising consent have it",
        updated(
            _PEOPLE,
            "advertising_consent = true",
            f"not advertising_consent and {some('person_id', 3)}",
        ),
    ),
    _mart(
        "country_lost_in_a_mart",
        "country of a fifth of people empty",
        updated(_PEOPLE, "country = ''", some("person_id", 20)),
        severity="warn",
    ),
    _mart("people_missing", "1 % of people", deleted(_PEOPLE, some("person_id", 1))),
    _mart(
        "sessions_doubled",
        "3 % of sessions under new ids",
        f"insert into {_SESSIONS} select * replace(concat(session_id, 'x') as"
        f" session_id) from {_SESSIONS} where {some('session_id', 3)}",
    ),
    _mart(
        "session_unit_changed",
        "durations in seconds",
        updated(_SESSIONS, "duration_ms = intDiv(duration_ms, 1000)", "true"),
    ),
    _mart(
        "channels_lost",
        "channel of a third of sessions unknown, on all days",
        updated(_SESSIONS, "channel = 'unknown'", some("session_id", 33)),
    ),
    _mart(
        "channels_lost_lately",
        "channel of half of the last week's sessions unknown",
        updated(
            _SESSIONS,
            "channel = 'unknown'",
            f"started_on >= {DAY} - 7 and {some('session_id', 50)}",
        ),
        severity="warn",
    ),
    _mart(
        "bots_taken_for_people",
        "no session is a bot's",
        updated(_SESSIONS, "is_bot = false", "is_bot"),
    ),
    _mart(
        "events_of_a_day_missing",
        "one day of fct_events",
        deleted(_EVENTS, f"toDate(occurred_at) = {DAY} - 3"),
    ),
    _mart("events_doubled", "1 % of fct_events", doubled(_EVENTS, some("event_id", 1))),
    _mart(
        "lifecycle_off",
        "three people too many are new on one day",
        updated(
            "marts_build.fct_lifecycle",
            "new_people = new_people + 3",
            f"period = 'day' and starts_on = {DAY} - 4",
        ),
    ),
    _mart(
        "credit_lost",
        "one attribution model gives 97 %",
        updated(
            "marts_build.fct_attribution",
            "revenue_minor = revenue_minor * 0.97",
            "model = 'linear'",
        ),
    ),
    _mart(
        "day_of_revenue_lost",
        "one day in fct_daily_metrics",
        deleted(
            "marts_build.fct_daily_metrics",
            f"metric = 'revenue_minor' and day = {DAY} - 2",
        ),
    ),
    _mart(
        "retention_inflated",
        "returns of one week 5 % higher",
        updated(
            "marts_build.fct_weekly_retention",
            "returned = least(people, returned + toUInt64(ceil(returned * 0.05)))",
            "weeks_later = 2",
        ),
    ),
    _mart(
        "funnel_halved",
        "half of the people of every later step",
        updated(
            "marts_build.fct_activation_funnel",
            "people = intDiv(people, 2)",
            "step_number > 1",
        ),
    ),
    _mart(
        "rfm_upside_down",
        "recency scored the wrong way round",
        updated("marts_build.dim_rfm", "r_score = 6 - r_score", "true"),
    ),
    _mart(
        "stickiness_cut",
        "people active on one day alone are left out",
        deleted("marts_build.fct_stickiness", "days_active = 1"),
    ),
    _mart(
        "game_sessions_endless",
        "a tenth ends a day later",
        updated(
            "marts_build.fct_game_sessions",
            "duration_ms = duration_ms + 86400000, ended_at = ended_at +"
            " toIntervalDay(1)",
            some("event_id", 10),
        ),
        severity="warn",
    ),
    _mart(
        "times_shifted_in_a_mart",
        "ios events an hour later",
        updated(
            _EVENTS,
            "occurred_at = occurred_at + toIntervalHour(1)",
            "source = 'ios'",
        ),
    ),
    _mart(
        "payments_on_another_day",
        "payments in GBP a day later",
        updated(_PAYMENTS, "occurred_at = occurred_at + 86400", "currency = 'GBP'"),
    ),
    _mart(
        "first_seen_forgotten",
        "5 % of people first seen when last seen",
        updated(_PEOPLE, "first_seen_at = last_seen_at", some("person_id", 5)),
    ),
    _mart(
        "countries_swapped_in_a_mart",
        "people of DE and US",
        updated(
            _PEOPLE,
            "country = if(country = 'DE', 'US', 'DE')",
            "country in ('DE', 'US')",
        ),
    ),
    _mart(
        "paths_lost_lately",
        "path of a third of the last week's page views empty",
        updated(
            "marts_build.fct_page_views",
            "path = ''",
            f"viewed_on >= {DAY} - 7 and {some('event_id', 33)}",
        ),
        severity="warn",
    ),
    _mart(
        "campaigns_lost_lately",
        "no utm_campaign in sessions of the last week",
        updated(_SESSIONS, "utm_campaign = ''", f"started_on >= {DAY} - 7"),
        severity="warn",
    ),
    _mart(
        "credits_swapped",
        "direct has the credit of paid search in one model, and the other way round",
        "create table ml.swapped engine = Memory as select * replace("
        "transform(channel, ['direct', 'paid_search'], ['paid_search', 'direct'])"
        " as channel) from marts_build.fct_attribution where model = 'linear'",
        deleted("marts_build.fct_attribution", "model = 'linear'"),
        "insert into marts_build.fct_attribution select * from ml.swapped",
        "drop table ml.swapped",
    ),
    _mart(
        "metric_inflated",
        "active people of one week 8 % higher",
        updated(
            "marts_build.fct_daily_metrics",
            "amount = amount * 1.08",
            f"metric = 'active_people' and day >= {DAY} - 7",
        ),
    ),
)
