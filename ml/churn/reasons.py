"""Why a model thinks that a person may leave, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ml.churn.features import NAMED

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ml.churn.contest import Fitted

    Numbers = NDArray[np.float64]

MOST = 3
_LEAST_LOG_ODDS = 0.05
_SILENCE = "days_since_last_active"
_UNSPOKEN = ("country is ",)
"""Country may stand for origin: it is no reason to give for a person."""

_WORDS: Mapping[str, str] = {
    "tenure_days": "with us for {:.0f} days",
    _SILENCE: "not active for {:.0f} days",
    "active_days_7": "active on {:.0f} of the last 7 days",
    "active_days_14": "active on {:.0f} of the last 14 days",
    "active_days_28": "active on {:.0f} of the last 28 days",
    "active_days_56": "active on {:.0f} of the last 56 days",
    "events_28": "{:.0f} events in the last 28 days",
    "sessions_28": "{:.0f} sessions in the last 28 days",
    "game_sessions_28": "{:.0f} game sessions in the last 28 days",
    "sessions_prev_28": "{:.0f} sessions in the 28 days before the last 28",
    "distinct_features_28": "{:.0f} features used in the last 28 days",
    "rolls_28": "{:.0f} rolls in the last 28 days",
    "logins_28": "{:.0f} logins in the last 28 days",
    "group_size_56": "largest group played with: {:.0f}",
    "payments_56": "{:.0f} payments in the last 56 days",
    "revenue_minor_56": "paid {:.0f} minor units in the last 56 days",
    "subscription_minor_56": "paid {:.0f} minor units for subscriptions in 56 days",
    "single_minor_56": "paid {:.0f} minor units for single things in 56 days",
    "support_tickets_56": "{:.0f} support tickets in the last 56 days",
    "revenue_minor_total": "paid {:.0f} minor units in all",
    "silence_in_cadences": "silent for {:.1f} of their usual gaps",
    "sessions_change": "sessions changed by {:+.2f} in logarithms over 28 days",
}


def reasons(model: "Fitted", people: "pd.DataFrame") -> "pd.DataFrame":
    """At most three reasons a person, the weightiest first.

    Columns: person_id, place, feature, value (nan: not measured), log_odds, words. Of
    trees they are SHAP values, of a regression the distance from the mean person; a
    rule knows nothing but the silence.
    """
    import pandas as pd

    added = {
        name: both
        for name, both in model.contributions(people).items()
        if not name.startswith(_UNSPOKEN) and not _absent_level(name, both[0])
    }
    if not added:
        silence = people[_SILENCE].to_numpy(np.float64)
        added = {_SILENCE: (silence, np.full(len(people), np.inf))}
    names = np.array(list(added))
    size = np.column_stack([_spoken(name, *both) for name, both in added.items()])
    value = np.column_stack([both[0] for both in added.values()])
    order = np.argsort(-size, axis=1, kind="stable")[:, :MOST]
    row = np.repeat(np.arange(len(people)), order.shape[1])
    column, place = order.ravel(), np.tile(np.arange(order.shape[1]) + 1, len(people))
    kept = size[row, column] >= _LEAST_LOG_ODDS
    row, column = row[kept], column[kept]
    weight = size[row, column]
    return pd.DataFrame(
        {
            "person_id": people["person_id"].to_numpy()[row],
            "place": place[kept],
            "feature": names[column],
            "value": value[row, column],
            "log_odds": np.where(np.isfinite(weight), weight, 0.0),
            "words": [
                in_words(str(names[c]), float(value[r, c]))
                for r, c in zip(row, column, strict=True)
            ],
        }
    )


def in_words(feature: str, value: float) -> str:
    """A measured feature as people say it."""
    if feature not in _WORDS:
        return feature
    if not np.isfinite(value):
        return f"{feature.replace('_', ' ')} not known"
    return _WORDS[feature].format(value)


def _is_level(feature: str) -> bool:
    return any(feature.startswith(f"{name} is ") for name in NAMED)


def _absent_level(feature: str, values: "Numbers") -> bool:
    return _is_level(feature) and not (values > 0).any()


def _spoken(feature: str, values: "Numbers", added: "Numbers") -> "Numbers":
    """What counts as a reason: of a level, only for those who have it."""
    said: Numbers = np.where(values > 0, added, 0.0) if _is_level(feature) else added
    return said
