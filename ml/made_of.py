"""What each table that ml writes is made of, from the lists that its models read.

What a model learned from counts too: a score is another where the outcomes of past days
were others.
"""

from collections.abc import Iterator
from typing import Final

from warehouse.lineage.columns import Column
from warehouse.lineage.graph import Made
from warehouse.lineage.written import columns_of, made_by

PEOPLE: Final = "features.feat_people"
OUTCOMES: Final = "features.feat_outcomes"
MEMBERS: Final = "activation.audience_members"

_SAME: Final = {
    "as_of": [Column(PEOPLE, "as_of")],
    "person_id": [Column(PEOPLE, "person_id")],
}


def made_of() -> Iterator[Made]:
    """Every table of ml."""
    yield from _scores()
    yield from _of_everyone()
    yield from _interventions()


def of(table: str) -> Made:
    """One of them."""
    return next(one for one in made_of() if one.table == table)


def _scores() -> Iterator[Made]:
    from ml.churn.features import COLUMNS
    from ml.early_churn.features import COLUMNS as NEWCOMER_COLUMNS
    from ml.lifetime_value.customers import ACTIVITY, FEATURES

    churn = [*columns_of(PEOPLE, COLUMNS), Column(OUTCOMES, "active_events")]
    yield made_by(
        "ml", "ml.churn_scores", _SAME | {"churn_probability": churn}, also=(OUTCOMES,)
    )
    reasons = dict.fromkeys(("feature", "value", "log_odds", "words"), churn)
    yield made_by("ml", "ml.churn_reasons", _SAME | reasons, also=(OUTCOMES,))
    newcomers = [
        *columns_of("features.feat_newcomers", NEWCOMER_COLUMNS),
        Column("features.feat_newcomer_outcomes", "active_events"),
    ]
    yield made_by(
        "ml",
        "ml.early_churn_scores",
        {
            "person_id": [Column("features.feat_newcomers", "person_id")],
            "churn_probability": newcomers,
        },
        also=("features.feat_newcomer_outcomes",),
    )
    value = [
        *columns_of(PEOPLE, (*FEATURES, *ACTIVITY)),
        *columns_of(OUTCOMES, ("revenue_minor", "subscription_minor", "purchase_days")),
    ]
    told = (
        *("probability_alive", "expected_purchases", "expected_value_minor"),
        *("subscription_value_minor", "single_value_minor"),
    )
    ranges = ("standard_error_minor", "low_minor", "high_minor")
    yield made_by(
        "ml",
        "ml.lifetime_values",
        _SAME | dict.fromkeys((*told, *ranges), value),
        also=(OUTCOMES,),
    )


def _of_everyone() -> Iterator[Made]:
    from ml.people import MEASURED, NAMED

    measured = columns_of(PEOPLE, (*MEASURED, *NAMED))
    yield made_by(
        "ml",
        "ml.health_scores",
        _SAME | dict.fromkeys(("health", "parts"), columns_of(PEOPLE, MEASURED)),
    )
    yield made_by("ml", "ml.segments", _SAME | {"segment": measured})
    likeness = {"score": [*measured, Column(MEMBERS, "person_id")]}
    yield made_by("ml", "ml.lookalike_scores", _SAME | likeness, also=(MEMBERS,))


def _interventions() -> Iterator[Made]:
    judged = [
        Column("ml.churn_scores", "churn_probability"),
        Column("ml.health_scores", "health"),
        Column("ml.segments", "segment"),
    ]
    person = [Column(one.table, "person_id") for one in judged]
    made_of = {"person_id": person, "value": judged, "trigger": judged, "arm": person}
    yield made_by("ml", "ml.interventions", made_of)
