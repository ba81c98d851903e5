"""What the card of early churn says in words: for newcomers, not for others."""

from datetime import timedelta
from typing import TYPE_CHECKING

from ml.cards import page, words
from ml.churn.wording import ETHICS, Wording
from ml.early_churn.contest import JUDGED_DAYS
from ml.early_churn.features import NAMED
from ml.registry import Card

if TYPE_CHECKING:
    import pandas as pd

_USE = """
To find, of the newcomers of a week, those who will not come again, while they can still
be welcomed: audiences name it as the source early_churn.

To watch, week by week, how many newcomers are expected to stay.
"""
_NOT_FOR = """
Decisions about a person with legal or similar weight, prices made for one person, or
anything but whom to welcome.

People who have been here for longer: the model of churn is theirs.

Telling whether a message would keep somebody. A high risk is not a high effect:
measure that against people left out at random.
"""
_LIMITS = """
To stay away is to do nothing counted as engagement in the horizon. Who comes back later
counts as gone all the same.

What a device did before anybody signed in on it is not among the features.

Intervals tell the luck of who was judged, in this one window. How much the next
window differs from this one they can't tell. A campaign that brings other people does.

The figures are of models trained on earlier newcomers alone. The model kept here is of
the same kind, trained again with the judged ones too; nothing has judged it yet.

If the events were simulated, the figures speak of the simulation, not of people.
"""


def _gives(card: Card) -> str:
    return (
        "Gives each newcomer, some days after the first word of them, the chance, from"
        f" 0 to 1, that they do nothing in the {card.judgement.horizon_days} days from"
        " there. For those who choose audiences and those who answer for it."
    )


def _windows(card: Card, people: "pd.DataFrame") -> str:
    judged = card.judgement
    first = judged.judged_from
    until = first + timedelta(days=JUDGED_DAYS)
    day, known = people["day"], first - timedelta(days=judged.horizon_days)
    within = (day >= first.isoformat()) & (day < until.isoformat())
    rows = [
        (role, f"{here.sum():,}", f"{people['churned'][here].sum():,.0f}")
        for role, here in (
            (f"moments before {known}: learned from", day < known.isoformat()),
            (f"moments from {first} to before {until}: judged", within),
            ("all: learned from for the model kept", day != ""),
        )
    ]
    return page.table(
        ("newcomers", "people", "stayed away"),
        rows,
        "Each is seen as of a moment of their own. Outcomes of those learned from ended"
        f" before {words.window(first, JUDGED_DAYS)} began.",
    )


OF_NEWCOMERS = Wording(
    title="Which newcomers will not come again",
    use=_USE,
    not_for=_NOT_FOR,
    limits=_LIMITS,
    ethics=ETHICS,
    named=NAMED,
    gives=_gives,
    windows=_windows,
)
