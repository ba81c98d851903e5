"""The gate before the ad platforms: who is about to be sent, and how many.

A gate may judge one audience alone, so that a faulty one keeps no other back.
"""

from collections.abc import Sequence
from datetime import date

from expectations import unlike
from expectations.suites import SEVERITIES, Keyed, Rule, Severity, Suite

# people are named by a fingerprint: their ids are pseudonyms and stay inside
_member = Keyed("concat(audience, ' ', lower(hex(sipHash64(person_id))))")
_TABLE = "activation.audience_members"
_LEAST_PEOPLE = 20
_COMPARED_DAYS = 15
_SHRUNK, _GROWN = {"stop": 0.5, "warn": 0.75}, {"stop": 3.0, "warn": 1.5}
_KEPT = {"stop": 0.15, "warn": 0.4}
_WITHHELD = {"stop": 0.25, "warn": 0.12}


def suites(as_of: date, audience: str = "") -> Sequence[Suite]:
    """The members of the day; `audience` names the only one to be judged."""
    today = f"as_of = toDate('{as_of.isoformat()}')"
    if audience:
        today += f" and audience = '{audience}'"
    return (
        Suite(
            database="activation",
            table="audience_members",
            rules=(
                *_members(today),
                *(
                    rule
                    for severity in SEVERITIES
                    for rule in _compared(today, as_of, severity)
                ),
            ),
        ),
        unlike.suite("audiences", as_of, "shape"),
    )


def _members(today: str) -> tuple[Rule, ...]:
    return (
        _member.never(
            f"{today} and (as_of, audience, person_id) in (select as_of, audience,"
            f" person_id from {_TABLE} group by as_of, audience, person_id"
            " having count() > 1)",
            name="one_row_per_member",
            meaning="Nobody is twice in an audience.",
            columns=["audience", "person_id"],
        ),
        _member.never(
            f"{today} and person_id not in (select person_id from marts.dim_people)",
            name="members_are_known_people",
            meaning="Every member is somebody in dim_people.",
            columns=["person_id"],
        ),
        _member.never(
            f"{today} and sendable and person_id not in (select person_id from"
            " marts.dim_people where advertising_consent)",
            name="whoever_is_sent_consents",
            meaning="Nobody without consent to advertising is sent to a platform.",
            columns=["person_id", "sendable"],
        ),
        _member.never(
            f"{today} and sendable != (withheld_because = '')",
            name="who_is_withheld_is_not_sent",
            meaning="A member is sendable, or there is a reason why not.",
            columns=["sendable", "withheld_because"],
        ),
        _member.never(
            f"{today} and withheld_because = 'no_consent' and person_id in (select"
            " person_id from marts.dim_people where advertising_consent)",
            name="who_consents_is_not_withheld_for_consent",
            meaning="Whoever consents is not kept back for want of consent.",
            columns=["withheld_because"],
        ),
        _member.never(
            f"{today} and not isFinite(value)",
            name="value_is_a_number",
            meaning="Members are ordered by a number.",
            columns=["value"],
        ),
        _value_is_a_score(today),
    )


def _value_is_a_score(today: str) -> Rule:
    return _member.never(
        f"{today} and (person_id, value) not in (select person_id, expected_value_minor"
        " from ml.lifetime_values union all select person_id, churn_probability from"
        " ml.churn_scores union all select person_id, score from ml.lookalike_scores)",
        name="value_is_a_score",
        meaning="What members are ordered by is a score of theirs.",
        columns=["person_id", "value"],
    )


def _compared(today: str, as_of: date, severity: Severity) -> tuple[Rule, ...]:
    """An audience beside itself on the last day before that it was chosen for."""
    day = f"toDate('{as_of.isoformat()}')"
    before = (
        f"(select audience, max(as_of) as last_on from {_TABLE} where as_of < {day}"
        f" and as_of >= {day} - {_COMPARED_DAYS} group by audience)"
    )
    then = (
        f"(select audience, count() as people, countIf(sendable) as sent,"
        " countIf(withheld_because = 'no_consent') as unconsenting,"
        f" groupUniqArray(person_id) as members from {_TABLE} where (audience, as_of)"
        f" in {before} group by audience)"
    )
    now = (
        "(select audience, count() as people, countIf(sendable) as sent,"
        " countIf(withheld_because = 'no_consent') as unconsenting,"
        f" groupUniqArray(person_id) as members from {{batch}} where {today}"
        " group by audience)"
    )
    joined = f"from {then} as old left join {now} as new using (audience)"
    large = f"old.sent >= {_LEAST_PEOPLE}"
    grave = "gravely_" if severity == "stop" else ""
    counts = "concat(audience, ' ', toString(old.sent), ' then, ',"
    counts += " toString(new.sent), ' now')"
    only = today.partition(" and ")[2]
    chosen = f"old.{only}" if only else "true"
    return (
        Rule(
            name=f"audience_has_not_{grave}shrunk",
            meaning=f"At least {_SHRUNK[severity]:.0%} of as many can be sent as last"
            " time.",
            query=f"select {counts} as sample_key {joined} where {large} and {chosen}"
            f" and new.sent < {_SHRUNK[severity]} * old.sent",
            columns=("audience", "sendable"),
            severity=severity,
        ),
        Rule(
            name=f"audience_has_not_{grave}grown",
            meaning=f"At most {_GROWN[severity]:g} times as many can be sent as last"
            " time.",
            query=f"select {counts} as sample_key {joined} where {large} and {chosen}"
            f" and new.sent > {_GROWN[severity]} * old.sent",
            columns=("audience", "sendable"),
            severity=severity,
        ),
        Rule(
            name=f"audience_has_not_{grave}changed",
            meaning=f"At least {_KEPT[severity]:.0%} of last time's members stay.",
            query="select concat(audience, ' ', toString(length(arrayIntersect("
            "old.members, new.members))), ' of ', toString(old.people), ' stayed') as"
            f" sample_key {joined} where {large} and {chosen} and new.people > 0 and"
            " length(arrayIntersect(old.members, new.members)) <"
            f" {_KEPT[severity]} * old.people",
            columns=("audience", "person_id"),
            severity=severity,
        ),
        Rule(
            name=f"consent_has_not_{grave}moved",
            meaning="About as large a part consents as last time.",
            query="select concat(audience, ' ', toString(round(old.unconsenting /"
            " old.people, 2)), ' then, ', toString(round(new.unconsenting /"
            f" new.people, 2)), ' now') as sample_key {joined} where {large} and"
            f" {chosen} and new.people >= {_LEAST_PEOPLE} and abs(old.unconsenting /"
            f" old.people - new.unconsenting / new.people) > {_WITHHELD[severity]}",
            columns=("audience", "withheld_because"),
            severity=severity,
        ),
    )
