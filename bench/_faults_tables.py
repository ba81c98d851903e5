"""Faults that are born in the warehouse: in marts, features, scores and audiences."""

from bench._faults import Fault, Layer, Severity

_DAY = "toDate('{as_of}')"


class _Layer:
    """Makes the faults of one layer; statements have {as_of} for the day."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def __call__(
        self, name: str, magnitude: str, *statements: str, severity: Severity = "stop"
    ) -> Fault:
        return Fault(
            name=name,
            layer=self._layer,
            magnitude=magnitude,
            severity=severity,
            statements=statements,
        )


_mart, _feature = _Layer("marts"), _Layer("features")
_churn, _value = _Layer("churn"), _Layer("lifetime_value")
_audience = _Layer("audiences")


def _update(table: str, change: str, where: str) -> str:
    return f"alter table {table} update {change} where {where}"


def _delete(table: str, where: str) -> str:
    return f"alter table {table} delete where {where}"


def _twice(table: str, where: str) -> str:
    return f"insert into {table} select * from {table} where {where}"


def _some(key: str, percent: int) -> str:
    """So many of a hundred, always the same."""
    return f"sipHash64('some', {key}) % 100 < {percent}"


_PAYMENTS, _PEOPLE = "marts_build.fct_payments", "marts_build.dim_people"
_SESSIONS, _EVENTS = "marts_build.fct_sessions", "marts_build.fct_events"
MARTS = (
    _mart(
        "refund_sign_flipped",
        "5 % of refunds, one at least",
        _update(
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
        _update(
            _PAYMENTS,
            "reporting_amount_minor = reporting_amount_minor * 100",
            "currency = 'USD'",
        ),
    ),
    _mart(
        "rate_upside_down",
        "USD divided by its rate instead of multiplied",
        _update(
            _PAYMENTS,
            "reporting_amount_minor = toInt64(amount_minor * toFloat64(amount_minor)"
            " / toFloat64(reporting_amount_minor))",
            "currency = 'USD' and reporting_amount_minor != 0",
        ),
    ),
    _mart(
        "payments_missing",
        "2 % of rows",
        _delete(_PAYMENTS, _some("event_id", 2)),
    ),
    _mart("payments_doubled", "1 % of rows", _twice(_PAYMENTS, _some("event_id", 1))),
    _mart(
        "payment_of_another",
        "3 % of payments under another person",
        _update(_PAYMENTS, "person_id = 'user_10001'", _some("event_id", 3)),
    ),
    _mart(
        "consent_of_half_a_country_lost_in_a_mart",
        "advertising consent of half of DE",
        _update(
            _PEOPLE,
            "advertising_consent = false",
            f"country = 'DE' and {_some('person_id', 50)}",
        ),
    ),
    _mart(
        "consent_invented",
        "3 % of those without advertising consent have it",
        _update(
            _PEOPLE,
            "advertising_consent = true",
            f"not advertising_consent and {_some('person_id', 3)}",
        ),
    ),
    _mart(
        "country_lost_in_a_mart",
        "country of a fifth of people empty",
        _update(_PEOPLE, "country = ''", _some("person_id", 20)),
        severity="warn",
    ),
    _mart("people_missing", "1 % of people", _delete(_PEOPLE, _some("person_id", 1))),
    _mart(
        "sessions_doubled",
        "3 % of sessions under new ids",
        f"insert into {_SESSIONS} select * replace(concat(session_id, 'x') as"
        f" session_id) from {_SESSIONS} where {_some('session_id', 3)}",
    ),
    _mart(
        "session_unit_changed",
        "durations in seconds",
        _update(_SESSIONS, "duration_ms = intDiv(duration_ms, 1000)", "true"),
    ),
    _mart(
        "channels_lost",
        "channel of a third of sessions unknown, on all days",
        _update(_SESSIONS, "channel = 'unknown'", _some("session_id", 33)),
        severity="warn",
    ),
    _mart(
        "channels_lost_lately",
        "channel of half of the last week's sessions unknown",
        _update(
            _SESSIONS,
            "channel = 'unknown'",
            f"started_on >= {_DAY} - 7 and {_some('session_id', 50)}",
        ),
        severity="warn",
    ),
    _mart(
        "bots_taken_for_people",
        "no session is a bot's",
        _update(_SESSIONS, "is_bot = false", "is_bot"),
        severity="warn",
    ),
    _mart(
        "events_of_a_day_missing",
        "one day of fct_events",
        _delete(_EVENTS, f"toDate(occurred_at) = {_DAY} - 3"),
    ),
    _mart("events_doubled", "1 % of fct_events", _twice(_EVENTS, _some("event_id", 1))),
    _mart(
        "lifecycle_off",
        "three people too many are new on one day",
        _update(
            "marts_build.fct_lifecycle",
            "new_people = new_people + 3",
            f"period = 'day' and starts_on = {_DAY} - 4",
        ),
    ),
    _mart(
        "credit_lost",
        "one attribution model gives 97 %",
        _update(
            "marts_build.fct_attribution",
            "revenue_minor = revenue_minor * 0.97",
            "model = 'linear'",
        ),
    ),
    _mart(
        "day_of_revenue_lost",
        "one day in fct_daily_metrics",
        _delete(
            "marts_build.fct_daily_metrics",
            f"metric = 'revenue_minor' and day = {_DAY} - 2",
        ),
    ),
    _mart(
        "retention_inflated",
        "returns of one week 5 % higher",
        _update(
            "marts_build.fct_weekly_retention",
            "returned = least(people, returned + toUInt64(ceil(returned * 0.05)))",
            "weeks_later = 2",
        ),
    ),
    _mart(
        "funnel_halved",
        "half of the people of every later step",
        _update(
            "marts_build.fct_activation_funnel",
            "people = intDiv(people, 2)",
            "step_number > 1",
        ),
    ),
    _mart(
        "rfm_upside_down",
        "recency scored the wrong way round",
        _update("marts_build.dim_rfm", "r_score = 6 - r_score", "true"),
    ),
    _mart(
        "stickiness_cut",
        "people active on one day alone are left out",
        _delete("marts_build.fct_stickiness", "days_active = 1"),
    ),
    _mart(
        "game_sessions_endless",
        "a tenth ends a day later",
        _update(
            "marts_build.fct_game_sessions",
            "duration_ms = duration_ms + 86400000, ended_at = ended_at +"
            " toIntervalDay(1)",
            _some("event_id", 10),
        ),
        severity="warn",
    ),
)
_PEOPLE_FEATURES = "features_build.feat_people"
_TODAY = f"as_of = {_DAY}"
FEATURES = (
    _feature(
        "activity_zeroed",
        "a tenth of people was never active",
        _update(
            _PEOPLE_FEATURES,
            "active_days_7 = 0, active_days_14 = 0, active_days_28 = 0,"
            " active_days_56 = 0, events_28 = 0, is_active_56 = false",
            f"{_TODAY} and {_some('person_id', 10)}",
        ),
    ),
    _feature(
        "money_in_major_units",
        "revenue divided by 100",
        _update(
            _PEOPLE_FEATURES,
            "revenue_minor_total = intDiv(revenue_minor_total, 100),"
            " revenue_minor_56 = intDiv(revenue_minor_56, 100)",
            _TODAY,
        ),
    ),
    _feature(
        "future_leaks",
        "a tenth of people has the events of a week more",
        _update(
            _PEOPLE_FEATURES,
            "events_28 = events_28 + 9",
            f"{_TODAY} and {_some('person_id', 10)}",
        ),
    ),
    _feature(
        "plans_lost",
        "plan of everybody empty",
        _update(_PEOPLE_FEATURES, "plan = ''", _TODAY),
        severity="warn",
    ),
    _feature(
        "countries_lost",
        "country of 40 % of people empty",
        _update(
            _PEOPLE_FEATURES, "country = ''", f"{_TODAY} and {_some('person_id', 40)}"
        ),
        severity="warn",
    ),
    _feature(
        "people_left_out",
        "a tenth of people",
        _delete(_PEOPLE_FEATURES, f"{_TODAY} and {_some('person_id', 10)}"),
        _delete(
            "features_build.feat_outcomes", f"{_TODAY} and {_some('person_id', 10)}"
        ),
    ),
    _feature(
        "people_doubled",
        "1 % of people",
        _twice(_PEOPLE_FEATURES, f"{_TODAY} and {_some('person_id', 1)}"),
    ),
    _feature(
        "the_past_rewritten",
        "features of an earlier day know later events",
        _update(_PEOPLE_FEATURES, "events_28 = events_28 + 1", f"as_of < {_DAY}"),
    ),
    _feature(
        "a_feature_constant",
        "everybody logged in 3 times",
        _update(_PEOPLE_FEATURES, "logins_28 = 3", _TODAY),
        severity="warn",
    ),
)
_CHANCES, _VALUES = "ml.churn_scores", "ml.lifetime_values"
CHURN = (
    _churn(
        "scores_shuffled",
        "scores beside the wrong people",
        f"create table ml.shuffled engine = Memory as select * from {_CHANCES}"
        f" where {_TODAY}",
        _delete(_CHANCES, _TODAY),
        f"insert into {_CHANCES} select as_of, person_id, p, horizon_days,"
        " model_id, scored_at from (select *, row_number() over (order by"
        " sipHash64(person_id)) as place from ml.shuffled) as theirs inner join"
        " (select churn_probability as p, row_number() over (order by"
        " sipHash64(person_id, 'x')) as place from ml.shuffled) as scores"
        " using (place)",
        "drop table ml.shuffled",
    ),
    _churn(
        "scores_upside_down",
        "the chance of staying instead of leaving",
        _update(_CHANCES, "churn_probability = 1 - churn_probability", _TODAY),
    ),
    _churn(
        "scores_constant",
        "everybody the same",
        _update(_CHANCES, "churn_probability = 0.37", _TODAY),
    ),
    _churn(
        "scores_no_number",
        "1 % of scores",
        _update(
            _CHANCES,
            "churn_probability = nan",
            f"{_TODAY} and {_some('person_id', 1)}",
        ),
    ),
    _churn(
        "scores_missing",
        "a tenth of people unscored",
        _delete(_CHANCES, f"{_TODAY} and {_some('person_id', 10)}"),
    ),
    _churn(
        "scores_squeezed",
        "every chance a third of what it was",
        _update(_CHANCES, "churn_probability = churn_probability / 3", _TODAY),
    ),
)
LIFETIME_VALUES = (
    _value(
        "values_in_another_unit",
        "expected money times 100",
        _update(_VALUES, "expected_value_minor = expected_value_minor * 100", _TODAY),
    ),
    _value(
        "values_negative",
        "1 % of values, one at least",
        _update(
            _VALUES,
            "expected_value_minor = -1",
            f"{_TODAY} and person_id in (select person_id from {_VALUES}"
            " order by person_id limit 3)",
        ),
    ),
    _value(
        "values_in_another_currency",
        "values said to be in USD",
        _update(_VALUES, "currency = 'USD'", _TODAY),
    ),
)
_MEMBERS = "activation.audience_members"
AUDIENCES = (
    _audience(
        "members_without_consent",
        "everybody sendable",
        _update(_MEMBERS, "sendable = true, withheld_because = ''", _TODAY),
    ),
    _audience(
        "audience_shrunk",
        "three quarters of high_value missing",
        _delete(
            _MEMBERS,
            f"{_TODAY} and audience = 'high_value' and {_some('person_id', 75)}",
        ),
    ),
    _audience(
        "audience_empty",
        "high_value without members",
        _delete(_MEMBERS, f"{_TODAY} and audience = 'high_value'"),
    ),
    _audience(
        "audience_of_strangers",
        "another's members under the name high_value",
        _delete(_MEMBERS, f"{_TODAY} and audience = 'high_value'"),
        f"insert into {_MEMBERS} (as_of, audience, person_id, value, sendable) select"
        f" {_DAY}, 'high_value', person_id, churn_probability, person_id in (select"
        f" person_id from marts.dim_people where advertising_consent) from {_CHANCES}"
        f" where {_TODAY} order by churn_probability desc limit 130",
    ),
    _audience(
        "members_doubled",
        "2 % of members",
        _twice(_MEMBERS, f"{_TODAY} and {_some('person_id', 2)}"),
    ),
    _audience(
        "members_nobody_knows",
        "five members who are no people",
        f"insert into {_MEMBERS} (as_of, audience, person_id, value, sendable) select"
        f" {_DAY}, 'high_value', concat('nobody', toString(number)), 9, true"
        " from numbers(5)",
    ),
    _audience(
        "values_of_yesterday",
        "values are no scores of anybody",
        _update(_MEMBERS, "value = value + 0.125", _TODAY),
    ),
)
FAULTS: tuple[Fault, ...] = (
    *MARTS,
    *FEATURES,
    *CHURN,
    *LIFETIME_VALUES,
    *AUDIENCES,
)
