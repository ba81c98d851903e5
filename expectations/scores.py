"""The gates behind the models: scores that an audience may be chosen by.

A gate judges the scores of its day. Where models had too little to learn from there are
none, and nothing to stop. Audiences are chosen by the latest scores that passed.
"""

from collections.abc import Sequence
from datetime import date

from expectations import unlike
from expectations.suites import Keyed, Rule, Suite

# people are named by a fingerprint: their ids are pseudonyms and stay inside
_person = Keyed("lower(hex(sipHash64(person_id)))")
_FEATURES = "features.feat_people"
_NEWCOMERS = "features.feat_newcomers"
_WEEK_DAYS = 7
_LEAST_PEOPLE, _LEAST_SCORES = 40, 20


def _day(as_of: date) -> str:
    return f"toDate('{as_of.isoformat()}')"


def _scored(table: str, kind: str, as_of: date) -> tuple[Rule, ...]:
    """What holds for the scores of any model."""
    day = _day(as_of)
    last = f"as_of = {day}"
    return (
        _person.never(
            f"{last} and (as_of, person_id) in (select as_of, person_id from {table}"
            " group by as_of, person_id having count() > 1)",
            name="one_row_per_person",
            meaning="Nobody has two scores for one day.",
            columns=["as_of", "person_id"],
        ),
        _person.never(
            f"{last} and (as_of, model_id) not in (select as_of, model_id from"
            f" ml.models where kind = '{kind}' and refused_because = '')"
            f" and model_id not in (select model_id from ml.models where"
            f" kind = '{kind}' and refused_because = '')",
            name="model_is_known",
            meaning="Scores come from a model that was judged.",
            columns=["model_id"],
        ),
        Rule(
            name="a_chosen_model_has_scored",
            meaning="Where a model was chosen for the day, there are its scores.",
            query=f"select '{kind}' as sample_key from (select count() as chosen from"
            f" ml.models where kind = '{kind}' and as_of = {day} and is_chosen and"
            f" refused_because = '') as models where chosen > 0 and (select count()"
            f" from {{batch}} where as_of = {day}) = 0",
            columns=("as_of",),
        ),
    )


def _of_the_judged(last: str, *, by: str, features: str) -> Rule:
    return _person.never(
        f"{last} and {by} not in (select {by.strip('()')} from {features})",
        name="whoever_is_scored_has_features",
        meaning="Scores are of people whose features were judged.",
        columns=["as_of", "person_id"],
    )


def _is_a_chance(last: str) -> Rule:
    return _person.never(
        f"{last} and not (churn_probability >= 0 and churn_probability <= 1)",
        name="chance_is_a_chance",
        meaning="A chance lies between none and certainty.",
        columns=["churn_probability"],
    )


def _not_all_alike(column: str, last: str) -> Rule:
    return Rule(
        name="people_are_told_apart",
        meaning="A model that says the same of everybody says nothing.",
        query=f"select 'one {column}' as sample_key from (select count() as people,"
        f" uniqExact({column}) as different from {{batch}} where {last}) as scores"
        f" where people >= {_LEAST_PEOPLE} and different = 1",
        columns=(column,),
    )


def _not_those_of_last_time(table: str, column: str, as_of: date) -> Rule:
    last = f"as_of = {_day(as_of)}"
    return Rule(
        name="scores_are_of_the_day",
        meaning="Hardly anybody's score is, to the last digit, that of the last time.",
        query="select concat(toString(same), ' of ', toString(people), ' as before')"
        " as sample_key from (select count() as people, countIf(now.score = then.score)"
        " as same, uniqExact(now.score) as different from (select person_id,"
        f" {column} as score from {{batch}} where {last}) as now inner join (select"
        f" person_id, {column} as score from {table} where as_of = (select max(as_of)"
        f" from {table} where as_of < {_day(as_of)})) as then using (person_id))"
        f" where people >= {_LEAST_PEOPLE} and different >= {_LEAST_SCORES}"
        " and same >= 0.99 * people",
        columns=(column,),
    )


def _in_step(name: str, meaning: str, column: str, other: str, last: str) -> Rule:
    """A score must rise with a feature: else scores stand beside the wrong people."""
    return Rule(
        name=name,
        meaning=meaning,
        query="select concat('rank correlation ', toString(round(agreement, 3))) as"
        f" sample_key from (select rankCorr({column}, toFloat64({other})) as agreement,"
        f" count() as people, uniqExact({column}) as different, uniqExact({other}) as"
        f" values from (select as_of, person_id, {column} from {{batch}} where {last})"
        f" as scores inner join {_FEATURES} as features using (as_of, person_id)) as"
        f" joined where people >= {_LEAST_PEOPLE} and different > 2 and values > 2"
        " and agreement < 0.15",
        columns=(column,),
    )


def churn_suites(as_of: date) -> Sequence[Suite]:
    """The chances of leaving."""
    table = "ml.churn_scores"
    last = f"as_of = {_day(as_of)}"
    return (
        Suite(
            database="ml",
            table="churn_scores",
            rules=(
                *_scored(table, "churn", as_of),
                _of_the_judged(last, by="(as_of, person_id)", features=_FEATURES),
                _is_a_chance(last),
                _not_all_alike("churn_probability", last),
                _not_those_of_last_time(table, "churn_probability", as_of),
                _in_step(
                    "the_silent_are_likelier_to_leave",
                    "Who was active longer ago is likelier to leave.",
                    "churn_probability",
                    "days_since_last_active",
                    last,
                ),
                Rule(
                    name="everybody_active_is_scored",
                    meaning="Nobody who was active is left without a chance.",
                    query="select lower(hex(sipHash64(person_id))) as sample_key from"
                    f" (select person_id from {_FEATURES} where is_active_56 and as_of"
                    f" in (select as_of from {table} where {last})) as active where"
                    f" person_id not in (select person_id from {{batch}} where {last})",
                    columns=("person_id",),
                ),
            ),
        ),
        unlike.suite("churn", as_of, "shape"),
    )


def early_churn_suites(as_of: date) -> Sequence[Suite]:
    """The chances that newcomers stay away."""
    table = "ml.early_churn_scores"
    day = _day(as_of)
    last = f"as_of = {day}"
    return (
        Suite(
            database="ml",
            table="early_churn_scores",
            rules=(
                *_scored(table, "early_churn", as_of),
                _of_the_judged(last, by="(person_id)", features=_NEWCOMERS),
                _is_a_chance(last),
                _not_all_alike("churn_probability", last),
                Rule(
                    name="every_newcomer_of_the_week_is_scored",
                    meaning="No newcomer of the week is left without a chance.",
                    query="select lower(hex(sipHash64(person_id))) as sample_key from"
                    f" (select person_id from {_NEWCOMERS} where"
                    f" as_of_moment > toDateTime64({day} - {_WEEK_DAYS}, 3, 'UTC')"
                    f" and as_of_moment <= toDateTime64({day}, 3, 'UTC')"
                    f" and {day} in (select as_of from {table})) as newcomers where"
                    f" person_id not in (select person_id from {{batch}} where {last})",
                    columns=("person_id",),
                ),
            ),
        ),
        unlike.suite("early_churn", as_of, "shape"),
    )


def lifetime_value_suites(as_of: date) -> Sequence[Suite]:
    """What people will spend."""
    table = "ml.lifetime_values"
    last = f"as_of = {_day(as_of)}"
    return (
        Suite(
            database="ml",
            table="lifetime_values",
            rules=(
                *_scored(table, "lifetime_value", as_of),
                _of_the_judged(last, by="(as_of, person_id)", features=_FEATURES),
                _person.never(
                    f"{last} and not (probability_alive >= 0 and probability_alive <= 1"
                    " and isFinite(expected_purchases) and expected_purchases >= 0"
                    " and isFinite(expected_value_minor)"
                    " and expected_value_minor >= 0)",
                    name="values_are_amounts",
                    meaning="Expected money is finite, and no less than none.",
                    columns=["expected_value_minor", "expected_purchases"],
                ),
                _person.never(
                    f"{last} and not (coalesce(subscription_value_minor, 0) >= 0"
                    " and coalesce(single_value_minor, 0) >= 0"
                    " and (isNull(subscription_value_minor) or"
                    " abs(subscription_value_minor + single_value_minor"
                    " - expected_value_minor) <= 0.001 + 1e-9 *"
                    " expected_value_minor))",
                    name="two_sums_make_the_value",
                    meaning="What is for subscriptions and what is not add up.",
                    columns=["subscription_value_minor", "single_value_minor"],
                ),
                _person.never(
                    f"{last} and currency not in (select distinct reporting_currency"
                    " from marts.fct_payments)",
                    name="values_are_in_the_reporting_currency",
                    meaning="Expected money is in the currency of the reports.",
                    columns=["currency"],
                ),
                _not_all_alike("expected_value_minor", last),
                _not_those_of_last_time(table, "expected_value_minor", as_of),
                _in_step(
                    "who_paid_more_is_worth_more",
                    "Who paid more in all is expected to pay more.",
                    "expected_value_minor",
                    "revenue_minor_total",
                    last,
                ),
                _in_proportion(last),
            ),
        ),
        unlike.suite("lifetime_value", as_of, "shape"),
    )


def _in_proportion(last: str) -> Rule:
    return Rule(
        name="expected_money_is_in_proportion_to_money",
        meaning="All that is expected is within a tenth and ten times of what came in"
        " as many days before.",
        query="select concat(toString(round(expected)), ' expected, ',"
        " toString(came), ' came') as sample_key from (select"
        " sum(expected_value_minor) as expected, count() as people, max(as_of) as day,"
        f" max(horizon_days) as horizon from {{batch}} where {last}) as values cross"
        " join (select sum(reporting_amount_minor) as came from marts.fct_payments"
        f" where paid_on < (select max(as_of) from ml.lifetime_values where {last})"
        " and paid_on >= (select max(as_of) - max(horizon_days) from"
        f" ml.lifetime_values where {last})) as money"
        f" where people >= {_LEAST_PEOPLE} and came > 0"
        " and (expected > 10 * came or expected < came / 10)",
        columns=("expected_value_minor",),
    )
