"""The gate before the models: sound features, and an outcome beside each."""

from collections.abc import Mapping, Sequence
from datetime import date

from expectations import unlike
from expectations.suites import Keyed, Rule, Suite, not_empty

# people are named by a fingerprint: their ids are pseudonyms and stay inside
_person = Keyed("concat(toString(as_of), ' ', lower(hex(sipHash64(person_id))))")
_PEOPLE = "features_build.feat_people"
_IDENTIFIED = "intermediate.int_events_identified"
_DIFFERING = 0.02


def suites(as_of: date) -> Sequence[Suite]:
    """All partitions are judged; the one of the day must be there.

    A warehouse in which nobody was known by then is young, not broken.
    """
    somebody = (
        "exists(select 1 from staging.stg_events where user_id != ''"
        f" and known_at < toDateTime64('{as_of.isoformat()}', 3, 'UTC'))"
    )
    return (
        Suite(
            database="features_build",
            table="feat_people",
            rules=(
                not_empty(
                    name="as_of_is_present",
                    meaning="There are features as of the day that was asked for.",
                    among=f"as_of = toDate('{as_of.isoformat()}')",
                    when=somebody,
                    severity="stop",
                ),
                *_FEATURES,
                *_recounted(as_of),
            ),
        ),
        Suite(database="features_build", table="feat_outcomes", rules=_OUTCOMES_RULES),
        unlike.suite("features", as_of, "past", "shape"),
    )


_COUNTED = {
    "active_days_7": "uniqExactIf(days_ago, is_engagement and days_ago <= 7)",
    "active_days_28": "uniqExactIf(days_ago, is_engagement and days_ago <= 28)",
    "active_days_56": "uniqExactIf(days_ago, is_engagement)",
    "events_28": "countIf(is_engagement and days_ago <= 28)",
    "game_sessions_28": "countIf(event_name = 'game_session_started'"
    " and days_ago <= 28)",
    "rolls_28": "countIf(event_name = 'rolled' and days_ago <= 28)",
    "logins_28": "countIf(event_name = 'user_logged_in' and days_ago <= 28)",
}
_PAID = {
    "payments_56": "countIf(kind = 'payment' and days_ago <= 56)",
    "revenue_minor_56": "sumIf(amount, days_ago <= 56)",
    "revenue_minor_total": "sum(amount)",
}


def _recounted(as_of: date) -> tuple[Rule, ...]:
    """Features counted once more, from events alone, as of the same day.

    Devices belong to people by what is known today, not then: a few may differ.
    """
    day = f"toDate('{as_of.isoformat()}')"
    known = f"known_at < toDateTime64('{as_of.isoformat()}', 3, 'UTC')"
    ago = f"dateDiff('day', toDate(occurred_at, 'UTC'), {day})"
    done = (
        f"select person_id, event_name, is_engagement, {ago} as days_ago from"
        f" {_IDENTIFIED} where {known} and days_ago between 1 and 56"
    )
    paid = (
        "select person_id, kind, amount, days_ago from (select event_id, kind,"
        " ifNull(reporting_amount_minor, 0) as amount from"
        f" intermediate.int_payments_converted where {known}) as payments inner join"
        f" (select event_id, person_id, {ago} as days_ago from {_IDENTIFIED} where"
        " event_name in ('payment_completed', 'payment_refunded') and days_ago >= 1)"
        " as events using (event_id)"
    )
    decided = (
        "select person_id, argMax(granted, (occurred_at, sequence, not granted)) as"
        " allowed from (select event_id, granted from staging.stg_consents where"
        f" purpose = 'analytics' and {known}) as consents inner join (select event_id,"
        f" person_id, occurred_at, sequence from {_IDENTIFIED} where event_name ="
        " 'consent_decided') as events using (event_id) group by person_id"
    )
    return (
        Rule(
            name="everybody_known_has_features",
            meaning="Hardly anybody who was known by then is left out.",
            query="select concat(toString(there), ' of ', toString(due)) as sample_key"
            f" from (select (select count() from {{batch}} where as_of = {day}) as"
            f" there, (select uniqExact(user_id) from staging.stg_events where"
            f" user_id != '' and {known}) as due, (select count() from ({decided})"
            " where not allowed) as refused) as counts"
            f" where there + refused < due - greatest(3, {_DIFFERING} * due)",
            columns=("person_id",),
        ),
        _agreeing("activity_agrees_with_the_events", _COUNTED, done, day),
        _agreeing("money_agrees_with_the_payments", _PAID, paid, day),
        Rule(
            name="who_refused_analytics_has_no_features",
            meaning="Nobody is analysed who had refused by then.",
            query="select lower(hex(sipHash64(person_id))) as sample_key from {batch}"
            f" where as_of = {day} and person_id in (select person_id from ({decided})"
            " where not allowed)",
            columns=("person_id",),
        ),
    )


def _agreeing(name: str, counts: Mapping[str, str], events: str, day: str) -> Rule:
    """Each feature is what its aggregate of these events comes to."""
    counted = ", ".join(f"{sql} as {column}" for column, sql in counts.items())
    pairs = ", ".join(
        f"('{column}', toInt64(ifNull(people.{column}, 0)),"
        f" toInt64(ifNull(counts.{column}, 0)))"
        for column in counts
    )
    return Rule(
        name=name,
        meaning="Features are what the events known by then come to, for all but"
        f" {_DIFFERING:.0%} of those who have any.",
        query="select concat(feature, ' ', arrayJoin(arraySlice(keys, 1, 20))) as"
        " sample_key from (select pair.1 as feature, groupArrayIf(20)("
        "lower(hex(sipHash64(person_id))), pair.2 != pair.3) as keys,"
        " countIf(pair.2 != pair.3) as differing,"
        " countIf(pair.2 != 0 or pair.3 != 0) as people"
        f" from (select people.person_id as person_id, [{pairs}] as pairs from"
        f" (select person_id, {', '.join(counts)} from {{batch}} where as_of = {day})"
        f" as people left join (select person_id, {counted} from ({events})"
        " group by person_id) as counts using (person_id)) array join pairs as pair"
        " group by feature)"
        f" where differing > greatest(3, {_DIFFERING} * people)",
        columns=tuple(counts),
    )


_FEATURES = (
    _person.one_row_per("as_of", "person_id", meaning="One row per day and person."),
    _person.never(
        "active_days_7 > active_days_14 or active_days_14 > active_days_28"
        " or active_days_28 > active_days_56",
        name="longer_windows_hold_shorter_ones",
        meaning="Who was active on so many days of a week was so within two.",
        columns=["active_days_7", "active_days_14", "active_days_28", "active_days_56"],
    ),
    _person.never(
        "active_days_7 > 7 or active_days_14 > 14 or active_days_28 > 28"
        " or active_days_56 > 56",
        name="active_days_fit_their_window",
        meaning="Nobody is active on more days than there were.",
        columns=["active_days_7", "active_days_14", "active_days_28", "active_days_56"],
    ),
    _person.never(
        "events_28 < active_days_28",
        name="an_active_day_has_an_event",
        meaning="There are at least as many events as active days.",
        columns=["events_28", "active_days_28"],
    ),
    _person.never(
        "days_since_last_active > tenure_days or purchase_age_days > tenure_days",
        name="nothing_is_older_than_the_person",
        meaning="Nobody was active, or paid, before they were first seen.",
        columns=["days_since_last_active", "purchase_age_days", "tenure_days"],
    ),
    _person.never(
        "is_active_56 != (active_days_56 > 0)",
        name="active_means_active_days",
        meaning="Who counts as active was active on some day, and nobody else.",
        columns=["is_active_56", "active_days_56"],
    ),
    _person.never(
        "purchase_frequency > purchase_recency_days"
        " or purchase_recency_days > purchase_age_days",
        name="purchases_lie_between_first_and_last",
        meaning="Repeat purchase days lie after the first and up to the last.",
        columns=["purchase_frequency", "purchase_recency_days", "purchase_age_days"],
    ),
    _person.never(
        "(purchase_mean_minor is null) != (purchase_age_days = 0)"
        " or not ifNull(purchase_mean_minor > 0 and isFinite(purchase_mean_minor), 1)",
        name="who_paid_has_a_mean_above_zero",
        meaning="Payers have a mean purchase above zero, others have none.",
        columns=["purchase_mean_minor", "purchase_age_days"],
    ),
)
_OUTCOMES_RULES = (
    _person.one_row_per("as_of", "person_id", meaning="One row per day and person."),
    Rule(
        name="everybody_has_an_outcome",
        meaning="Whoever has features has an outcome: models learn from both.",
        query="select concat(toString(as_of), ' ', lower(hex(sipHash64(person_id))))"
        f" as sample_key from {_PEOPLE}"
        " where (as_of, person_id) not in (select as_of, person_id from {batch})",
        columns=("as_of", "person_id"),
    ),
    _person.never(
        f"(as_of, person_id) not in (select as_of, person_id from {_PEOPLE})",
        name="nobody_else_has_an_outcome",
        meaning="An outcome is one of somebody who has features.",
        columns=["as_of", "person_id"],
    ),
    _person.never(
        "purchase_days > horizon_days",
        name="purchase_days_fit_the_horizon",
        meaning="Nobody pays on more days than the horizon has.",
        columns=["purchase_days", "horizon_days"],
    ),
)
