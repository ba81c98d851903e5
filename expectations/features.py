"""The gate before the models: one sound row a person, as of the day asked for."""

from collections.abc import Sequence
from datetime import date

from expectations.suites import Keyed, Suite, not_empty

# people are named by a fingerprint: their ids are pseudonyms and stay inside
_person = Keyed("concat(toString(as_of), ' ', lower(hex(sipHash64(person_id))))")
COUNTS = (
    "tenure_days",
    "days_since_last_active",
    "active_days_7",
    "active_days_14",
    "active_days_28",
    "active_days_56",
    "events_28",
    "sessions_28",
    "game_sessions_28",
    "sessions_prev_28",
    "distinct_features_28",
    "rolls_28",
    "logins_28",
    "group_size_56",
    "payments_56",
    "purchase_frequency",
    "purchase_recency_days",
    "purchase_age_days",
)


def suites(as_of: date) -> Sequence[Suite]:
    """All partitions are judged; the one of the day must be there."""
    return (
        Suite(
            database="features_build",
            table="feat_people",
            rules=(
                not_empty(
                    name="as_of_is_present",
                    meaning="There are features as of the day that was asked for.",
                    among=f"as_of = toDate('{as_of.isoformat()}')",
                    severity="stop",
                ),
                *_FEATURES,
            ),
        ),
    )


_FEATURES = (
    _person.one_row_per("as_of", "person_id", meaning="One row per day and person."),
    *(
        _person.never(
            f"{column} < 0",
            name=f"{column}_is_not_negative",
            meaning=f"{column} counts something: it is zero or more.",
            columns=[column],
        )
        for column in COUNTS
    ),
)
