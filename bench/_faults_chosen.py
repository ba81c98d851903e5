"""Faults of what is made of marts: features, scores and audiences."""

from bench._faults import Fault
from bench._faults_sql import DAY, Faulty, deleted, doubled, some, updated

_feature, _audience = Faulty("features"), Faulty("audiences")
_churn, _value = Faulty("churn"), Faulty("lifetime_value")
_PEOPLE_FEATURES = "features_build.feat_people"
_TODAY, _BEFORE = f"as_of = {DAY}", f"as_of = {DAY} - 14"
FEATURES = (
    _feature(
        "activity_zeroed",
        "a tenth of people was never active",
        updated(
            _PEOPLE_FEATURES,
            "active_days_7 = 0, active_days_14 = 0, active_days_28 = 0,"
            " active_days_56 = 0, events_28 = 0, is_active_56 = false",
            f"{_TODAY} and {some('person_id', 10)}",
        ),
    ),
    _feature(
        "money_in_major_units",
        "revenue divided by 100",
        updated(
            _PEOPLE_FEATURES,
            "revenue_minor_total = intDiv(revenue_minor_total, 100),"
            " revenue_minor_56 = intDiv(revenue_minor_56, 100)",
            _TODAY,
        ),
    ),
    _feature(
        "future_leaks",
        "a tenth of people has the events of a week more",
        updated(
            _PEOPLE_FEATURES,
            "events_28 = events_28 + 9",
            f"{_TODAY} and {some('person_id', 10)}",
        ),
    ),
    _feature(
        "plans_lost",
        "plan of everybody empty",
        updated(_PEOPLE_FEATURES, "plan = ''", _TODAY),
    ),
    _feature(
        "countries_lost",
        "country of 40 % of people empty",
        updated(
            _PEOPLE_FEATURES, "country = ''", f"{_TODAY} and {some('person_id', 40)}"
        ),
        severity="warn",
    ),
    _feature(
        "people_left_out",
        "a tenth of people",
        deleted(_PEOPLE_FEATURES, f"{_TODAY} and {some('person_id', 10)}"),
        deleted(
            "features_build.feat_outcomes", f"{_TODAY} and {some('person_id', 10)}"
        ),
    ),
    _feature(
        "people_doubled",
        "1 % of people",
        doubled(_PEOPLE_FEATURES, f"{_TODAY} and {some('person_id', 1)}"),
    ),
    _feature(
        "the_past_rewritten",
        "features of an earlier day know later events",
        updated(_PEOPLE_FEATURES, "events_28 = events_28 + 1", f"as_of < {DAY}"),
    ),
    _feature(
        "a_feature_constant",
        "everybody logged in 3 times",
        updated(_PEOPLE_FEATURES, "logins_28 = 3", _TODAY),
    ),
    _feature(
        "a_feature_frozen",
        "logins_28 of two weeks before",
        f"create table ml.earlier engine = Memory as select person_id,"
        f" logins_28 as logins from {_PEOPLE_FEATURES} where {_BEFORE}",
        f"create table ml.frozen_features engine = Memory as select people.*"
        f" replace(ifNull(logins, 0) as logins_28) from (select * from"
        f" {_PEOPLE_FEATURES} where {_TODAY}) as people left join"
        " ml.earlier as earlier using (person_id)",
        deleted(_PEOPLE_FEATURES, _TODAY),
        f"insert into {_PEOPLE_FEATURES} select * from ml.frozen_features",
        "drop table ml.frozen_features",
        "drop table ml.earlier",
    ),
    _feature(
        "a_feature_shifted",
        "a tenth of people has one payment less",
        updated(
            _PEOPLE_FEATURES,
            "payments_56 = payments_56 - 1",
            f"{_TODAY} and payments_56 > 0 and {some('person_id', 50)}",
        ),
    ),
)
_CHANCES, _VALUES = "ml.churn_scores", "ml.lifetime_values"
CHURN = (
    _churn(
        "scores_shuffled",
        "scores beside the wrong people",
        f"create table ml.shuffled engine = Memory as select * from {_CHANCES}"
        f" where {_TODAY}",
        deleted(_CHANCES, _TODAY),
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
        updated(_CHANCES, "churn_probability = 1 - churn_probability", _TODAY),
    ),
    _churn(
        "scores_constant",
        "everybody the same",
        updated(_CHANCES, "churn_probability = 0.37", _TODAY),
    ),
    _churn(
        "scores_no_number",
        "1 % of scores",
        updated(
            _CHANCES,
            "churn_probability = nan",
            f"{_TODAY} and {some('person_id', 1)}",
        ),
    ),
    _churn(
        "scores_missing",
        "a tenth of people unscored",
        deleted(_CHANCES, f"{_TODAY} and {some('person_id', 10)}"),
    ),
    _churn(
        "scores_squeezed",
        "every chance a third of what it was",
        updated(_CHANCES, "churn_probability = churn_probability / 3", _TODAY),
    ),
    _churn(
        "scores_of_last_time",
        "the scores of two weeks before, once more",
        f"create table ml.frozen engine = Memory as select * replace({DAY} as as_of)"
        f" from (select * from {_CHANCES} where {_BEFORE}) where person_id in (select"
        f" person_id from {_CHANCES} where {_TODAY})",
        f"insert into ml.frozen select * from {_CHANCES} where {_TODAY} and person_id"
        " not in (select person_id from ml.frozen)",
        deleted(_CHANCES, _TODAY),
        f"insert into {_CHANCES} select * from ml.frozen",
        "drop table ml.frozen",
    ),
)
LIFETIME_VALUES = (
    _value(
        "values_in_another_unit",
        "expected money times 100",
        updated(_VALUES, "expected_value_minor = expected_value_minor * 100", _TODAY),
    ),
    _value(
        "values_negative",
        "1 % of values, one at least",
        updated(
            _VALUES,
            "expected_value_minor = -1",
            f"{_TODAY} and person_id in (select person_id from {_VALUES}"
            " order by person_id limit 3)",
        ),
    ),
    _value(
        "values_in_another_currency",
        "values said to be in USD",
        updated(_VALUES, "currency = 'USD'", _TODAY),
    ),
)
_MEMBERS = "activation.audience_members"
AUDIENCES = (
    _audience(
        "members_without_consent",
        "everybody sendable",
        updated(_MEMBERS, "sendable = true, withheld_because = ''", _TODAY),
    ),
    _audience(
        "audience_shrunk",
        "three quarters of high_value missing",
        deleted(
            _MEMBERS,
            f"{_TODAY} and audience = 'high_value' and {some('person_id', 75)}",
        ),
    ),
    _audience(
        "audience_empty",
        "high_value without members",
        deleted(_MEMBERS, f"{_TODAY} and audience = 'high_value'"),
    ),
    _audience(
        "audience_of_strangers",
        "another's members under the name high_value",
        deleted(_MEMBERS, f"{_TODAY} and audience = 'high_value'"),
        f"insert into {_MEMBERS} (as_of, audience, person_id, value, sendable) select"
        f" {DAY}, 'high_value', person_id, churn_probability, person_id in (select"
        f" person_id from marts.dim_people where advertising_consent) from {_CHANCES}"
        f" where {_TODAY} order by churn_probability desc limit 130",
    ),
    _audience(
        "members_doubled",
        "2 % of members",
        doubled(_MEMBERS, f"{_TODAY} and {some('person_id', 2)}"),
    ),
    _audience(
        "members_nobody_knows",
        "five members who are no people",
        f"insert into {_MEMBERS} (as_of, audience, person_id, value, sendable) select"
        f" {DAY}, 'high_value', concat('nobody', toString(number)), 9, true"
        " from numbers(5)",
    ),
    _audience(
        "values_of_yesterday",
        "values are no scores of anybody",
        updated(_MEMBERS, "value = value + 0.125", _TODAY),
    ),
    _audience(
        "audience_a_third_smaller",
        "35 % of high_value missing",
        deleted(
            _MEMBERS,
            f"{_TODAY} and audience = 'high_value' and {some('person_id', 35)}",
        ),
        severity="warn",
    ),
)
FAULTS: tuple[Fault, ...] = (
    *FEATURES,
    *CHURN,
    *LIFETIME_VALUES,
    *AUDIENCES,
)
