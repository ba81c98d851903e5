"""Choose the days a model learns from and the later day it is judged on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows
from warehouse.errors import BadInput, NotEnoughData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

HORIZON_DAYS = 28
"""Length of an outcome window, and the step between the days of a spine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Days whose outcomes were known before `as_of`, apart by time.

    Every outcome window is `[day, day + horizon_days)`. Those of the training days
    end before the judged day begins; that of the judged day ends before `as_of`.
    """

    as_of: date
    judged: date
    training: tuple[date, ...]
    horizon_days: int

    def __post_init__(self) -> None:
        """Refuse a split through which the future could leak."""
        horizon = timedelta(days=self.horizon_days)
        leaks = [day for day in self.training if day + horizon > self.judged]
        if leaks:
            raise AssertionError(
                f"Leak: outcomes of {_listed(leaks)} reach into {self.judged},"
                " the day the model is judged on."
            )
        if self.judged + horizon > self.as_of:
            raise AssertionError(
                f"Leak: outcomes of {self.judged} end after {self.as_of}."
            )

    @property
    def complete(self) -> tuple[date, ...]:
        """Every day with known outcomes, the judged one last."""
        return (*self.training, self.judged)


def day(text: str) -> date:
    """A date as typed, such as 2026-03-01. Raises BadInput for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no date; write it like 2026-03-01.") from error


def complete_days(client: "Client") -> list[date]:
    """The days of feat_outcomes whose outcomes are complete, oldest first.

    Raises NotEnoughData when no features were ever published.
    """
    published = rows(
        client,
        "select name from system.tables where database = 'features'"
        " and name in ('feat_people', 'feat_outcomes')",
    )
    if len(published) < 2:  # noqa: PLR2004 both
        raise NotEnoughData(
            "No features have been published yet. Build them, check their gate and"
            " publish them first: `questlog build features`, then `gate`, `publish`."
        )
    found = rows(
        client,
        """
        select as_of
        from features.feat_outcomes
        where horizon_days = {horizon_days:UInt16}
        group by as_of
        having min(toUInt8(is_complete)) = 1
        order by as_of
        """,
        {"horizon_days": HORIZON_DAYS},
    )
    return [row["as_of"] for row in found]


def own_days(days: Collection[date], as_of: date) -> list[date]:
    """The days of this spine whose outcomes ended before `as_of`, oldest first.

    Days left by runs of other dates do not count: a repeated run sees the same days.
    """
    return sorted(
        day
        for day in set(days)
        if day + timedelta(days=HORIZON_DAYS) <= as_of
        and (as_of - day).days % HORIZON_DAYS == 0
    )


def split(days: Collection[date], as_of: date) -> Split:
    """Judge on the latest complete day of the spine, train on those before it.

    `days` are the days with complete outcomes. Raises NotEnoughData when fewer than
    two of them belong to the spine of `as_of`.
    """
    complete = own_days(days, as_of)
    if len(complete) < 2:  # noqa: PLR2004 one to learn from, one to be judged on
        raise NotEnoughData(
            f"{len(complete)} of 2 days needed before {as_of} have complete outcomes"
            f" ({_listed(complete) or 'none'}): one to learn from and a later one to"
            f" be judged on, {HORIZON_DAYS} days apart. Import more history, or"
            " choose a later --as-of."
        )
    return Split(
        as_of=as_of,
        judged=complete[-1],
        training=tuple(complete[:-1]),
        horizon_days=HORIZON_DAYS,
    )


def latest(days: Collection[date], as_of: date) -> date:
    """The latest complete day of the spine.

    Raises NotEnoughData when there is none.
    """
    complete = own_days(days, as_of)
    if not complete:
        raise NotEnoughData(
            f"No day {HORIZON_DAYS} days or more before {as_of} has complete outcomes"
            " to be judged on. Import more history, or choose a later --as-of."
        )
    return complete[-1]


def _listed(days: Sequence[date]) -> str:
    return ", ".join(day.isoformat() for day in days)
