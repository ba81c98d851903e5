"""The suite of what is unlike before: each gate reads its findings in ops.anomalies."""

from datetime import date

from expectations.suites import SEVERITIES, Rule, Severity, Suite

TABLE = "ops.anomalies"

_SEEN = (
    "concat(toString(day), ' ', subject, ', ', dimension, if(category = '', '',"
    " concat(': ', category)), if(days > 1, concat(' in ', toString(days), ' days'),"
    " ''), ': ', toString(round(observed, 3)), ' where ', toString(round(low, 3)),"
    " ' to ', toString(round(high, 3)), ' was to be expected')"
)
_MEANINGS = {
    "volume": "As much came as the season leads to expect.",
    "share": "Things come in the proportions of the weeks before.",
    "level": "Numbers are as large as in the weeks before.",
    "novelty": "Nothing came that never came before.",
    "past": "What is published and settled reads the same in the new build.",
    "shape": "Figures are spread as they were the last time.",
}


def suite(gate: str, as_of: date, *judges: str, part: str = "") -> Suite:
    """The findings of some judges for one gate and day: grave ones stop.

    `part` is the column that says what they keep back; without one, everything.
    """
    return Suite(
        database=TABLE.partition(".")[0],
        table=TABLE.partition(".")[2],
        rules=tuple(
            _rule(gate, as_of, judge, severity, part=part)
            for judge in judges
            for severity in SEVERITIES
        ),
    )


def _rule(gate: str, as_of: date, judge: str, severity: Severity, *, part: str) -> Rule:
    grave = "grave" if severity == "stop" else "unusual"
    parted = f", toString({part}) as part" if part else ""
    return Rule(
        name=f"no_{grave}_{judge}",
        meaning=_MEANINGS[judge],
        query=f"select {_SEEN} as sample_key{parted} from {{batch}}"
        f" where gate = '{gate}' and as_of = toDate('{as_of.isoformat()}')"
        f" and judge = '{judge}' and severity = '{severity}'",
        columns=("day", "subject", "dimension", "category"),
        severity=severity,
        parted=bool(part),
        compares=True,
    )
