"""The gate before the ad platforms: who is about to be sent, and how many."""

from collections.abc import Sequence
from datetime import date

from expectations import unlike
from expectations.suites import SEVERITIES, Keyed, Rule, Severity, Suite

# people are named by a fingerprint: their ids are pseudonyms and stay inside
_member = Keyed(
    "concat(audience, ' ', lower(hex(sipHash64(person_id))))", part="audience"
)
_TABLE = "activation.audience_members"
_LEAST_PEOPLE = 20
_COMPARED_DAYS = 15
_SHRUNK, _GROWN = {"stop": 0.5, "warn": 0.75}, {"stop": 3.0, "warn": 1.5}
_KEPT = {"stop": 0.15, "warn": 0.4}
_WITHHELD = {"stop": 0.25, "warn": 0.12}
_CLOSED = (
    "(select as_of, arrayJoin(if(empty(parts), [''], parts)) as part"
    " from ops.gate_results where gate = 'audiences' and severity = 'stop'"
    " and not success and (as_of, run_id) in (select as_of, argMax(run_id, checked_at)"
    " from ops.gate_results where gate = 'audiences' group by as_of))"
)
# what was kept back yesterday is nothing to be alike today
_WAS_GOOD = (
    f"(as_of, toString(audience)) not in {_CLOSED} and (as_of, '') not in {_CLOSED}"
)


def suites(as_of: date) -> Sequence[Suite]:
    """The members of the day, and those of the last time."""
    today = f"as_of = toDate('{as_of.isoformat()}')"
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
        # an anomaly's category is the audience whose figures moved
        unlike.suite("audiences", as_of, "shape", part="category"),
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
        f"{today} and ordered_by = 'score' and (person_id, value) not in (select"
        " person_id, arrayJoin([expected_value_minor,"
        " coalesce(subscription_value_minor, nan), coalesce(single_value_minor, nan)])"
        " from ml.lifetime_values union all select"
        " person_id, churn_probability from ml.churn_scores union all select"
        " person_id, churn_probability from ml.early_churn_scores union all select"
        " person_id, score from ml.lookalike_scores union all select person_id,"
        " health from ml.health_scores)",
        name="value_is_a_score",
        meaning="Where members are ordered by a score, it is one of theirs.",
        columns=["person_id", "value"],
    )


def _compared(today: str, as_of: date, severity: Severity) -> tuple[Rule, ...]:
    """An audience beside itself on the last good day before that it was chosen for."""
    then_and_now = _then_and_now(today, as_of)
    grave = "gravely_" if severity == "stop" else ""

    def rule(
        name: str, meaning: str, condition: str, *, shown: str, columns: tuple[str, ...]
    ) -> Rule:
        return Rule(
            name=f"{name.replace('…', grave)}",
            meaning=meaning,
            query=f"select concat(audience, ' ', {shown}) as sample_key,"
            f" toString(audience) as part {then_and_now} and {condition}",
            columns=("audience", *columns),
            severity=severity,
            parted=True,
            compares=True,
        )

    numbers = "toString(old.sent), ' then, ', toString(new.sent), ' now'"
    stayed = "length(arrayIntersect(old.members, new.members))"
    shares = ("old.unconsenting / old.people", "new.unconsenting / new.people")
    then, now = (f"toString(round({share}, 2))" for share in shares)
    return (
        rule(
            "audience_has_not_…shrunk",
            f"At least {_SHRUNK[severity]:.0%} of as many can be sent as last time.",
            f"new.sent < {_SHRUNK[severity]} * old.sent",
            shown=numbers,
            columns=("sendable",),
        ),
        rule(
            "audience_has_not_…grown",
            f"At most {_GROWN[severity]:g} times as many can be sent as last time.",
            f"new.sent > {_GROWN[severity]} * old.sent",
            shown=numbers,
            columns=("sendable",),
        ),
        rule(
            "audience_has_not_…changed",
            f"At least {_KEPT[severity]:.0%} of last time's members stay.",
            f"new.people > 0 and {stayed} < {_KEPT[severity]} * old.people",
            shown=f"toString({stayed}), ' of ', toString(old.people), ' stayed'",
            columns=("person_id",),
        ),
        rule(
            "consent_has_not_…moved",
            "About as large a part consents as last time.",
            f"new.people >= {_LEAST_PEOPLE}"
            f" and abs({shares[0]} - {shares[1]}) > {_WITHHELD[severity]}",
            shown=f"{then}, ' then, ', {now}, ' now'",
            columns=("withheld_because",),
        ),
    )


def _then_and_now(today: str, as_of: date) -> str:
    """SQL of audiences, `old` and `new`, that were large enough to be compared."""
    day = f"toDate('{as_of.isoformat()}')"
    counted = (
        "select audience, count() as people, countIf(sendable) as sent,"
        " countIf(withheld_because = 'no_consent') as unconsenting,"
        " groupUniqArray(person_id) as members from"
    )
    before = (
        f"(select audience, max(as_of) as last_on from {_TABLE} where as_of < {day}"
        f" and as_of >= {day} - {_COMPARED_DAYS} and {_WAS_GOOD} group by audience)"
    )
    return (
        f"from ({counted} {_TABLE} where (audience, as_of) in {before}"
        f" group by audience) as old left join ({counted} {{batch}} where {today}"
        " group by audience) as new using (audience)"
        f" where old.sent >= {_LEAST_PEOPLE}"
    )
