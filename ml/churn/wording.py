"""What a churn card says in words: what the model is for, not for, and its limits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml.cards import page, words
from ml.churn.features import NAMED
from ml.registry import Card

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words of one kind of churn; texts are paragraphs that blank lines part.

    `gives` says what the scores are, `windows` shows whom it learned from and was
    judged on, `named` are the columns whose groups are compared.
    """

    title: str
    use: str
    not_for: str
    limits: str
    ethics: str
    named: tuple[str, ...]
    gives: Callable[[Card], str]
    windows: "Callable[[Card, pd.DataFrame], str]"


_USE = """
To rank players by the risk that they leave, so that those at risk can be written to:
the audience at_risk reads these scores.

To watch, day by day, how many are expected to leave.
"""
_NOT_FOR = """
Decisions about a person with legal or similar weight, prices made for one person, or
anything but whom to look after.

People not active in the 56 days before the day: it never saw any.

Another horizon than the one above, or another service than the one it learned from.

Telling whether a message would keep somebody. A high risk is not a high effect:
measure that against people left out at random.
"""
_LIMITS = """
To churn is to do nothing counted as engagement in the window. Who comes back later
counts as gone all the same.

Intervals tell the luck of who was judged, in this one window. How much the next
window differs from this one they can't tell. People who play together leave together,
which makes the intervals too narrow.

The figures are of models trained on the earlier days alone. The model kept here is of
the same kind, trained again with the judged day too; nothing has judged it yet, as
its first outcomes lie ahead.

Some people are in several of the days it learned from, at another age each.

If the events were simulated, the figures speak of the simulation, not of people.
"""
ETHICS = """
Personal data used: behaviour (when someone was active, played, paid, asked for help),
plan, country, kind of device, the campaign they came by and their way of signing up,
under a pseudonym. No name, address, message, age or gender;
direct identifiers stay in the vault and never reach a model.

Country can stand for origin or language. The table of groups shows whether the model
errs more for some; judge it before you act on it.

Who denied analytics is in no table it learned from. Who has not consented to
advertising may be scored but is never sent to a platform.

This card holds sums over people: the table of groups lists none of fewer than 100, and
what moves a score names no value that fewer than 30 people have.
"""


def _gives(card: Card) -> str:
    return (
        "Gives each person active in the 56 days before a day the chance, from 0 to"
        f" 1, that they do nothing in the {card.judgement.horizon_days} days from it."
        " For those who choose audiences and those who answer for it."
    )


def _windows(card: Card, people: "pd.DataFrame") -> str:
    judged = card.judgement
    rows = []
    for day in card.refitted_on:
        of_day = people[people["day"] == day.isoformat()]
        left = float(of_day["churned"].sum())
        is_judged = day == judged.judged_from
        rows.append(
            (
                str(day),
                "judged, then learned from too" if is_judged else "learned from",
                words.window(day, judged.horizon_days),
                f"{len(of_day):,}",
                f"{left:,.0f}",
                f"{of_day['events_28'].sum():,.0f}",
            )
        )
    return page.table(
        ("as of", "role", "outcomes", "people", "left", "events, 28 days before"),
        rows,
        f"{len(people):,} rows of {people['person_id'].nunique():,} people. Each row is"
        " what was known of one person before the day; outcomes end before the next"
        " day begins.",
    )


OF_EVERYONE = Wording(
    title="Who will leave",
    use=_USE,
    not_for=_NOT_FOR,
    limits=_LIMITS,
    ethics=ETHICS,
    named=NAMED,
    gives=_gives,
    windows=_windows,
)
