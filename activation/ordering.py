"""From definitions and choices to what a push shall bring about."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from activation.choosing import NO_CONSENT, NO_IDENTIFIER
from activation.definitions import Custom
from activation.finding import nobody_has, standing
from activation.rim import Rim
from activation.sources import Criteria
from activation.syncing import Order, Synced
from activation.wanting import Wants
from warehouse.clickhouse import rows

EVERYBODY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An order, and what a reader of its receipt should know of how it came about."""

    order: Order
    fitting: int = 0
    withheld: Mapping[str, int]
    note: str = ""
    was_chosen: bool = True

    @property
    def withdrawals(self) -> Self:
        """The same, but that nobody leaves or enters except who withdrew."""
        order = replace(self.order, only_withdrawals=True)
        return replace(self, order=order, note="only withdrawals")


def ordered(rim: Rim, audience: Custom, as_of: date, *, may_shrink: bool) -> Ordered:
    """What shall be of an audience as of a day: who was chosen last, if it is in force.

    A day without a choice of its own uses the last one, so that a withdrawal counts on
    any day. After its last day an audience is emptied.
    """
    chosen_on = _latest_choice(rim, audience.name, as_of)
    is_over = audience.expires is not None and as_of >= audience.expires
    fitting, withheld = _counted(rim, audience.name, chosen_on)
    if is_over:
        note = f"over since {audience.expires}"
    elif chosen_on is None:
        note = _never_chosen(rim, audience, as_of)
    elif chosen_on != as_of:
        note = f"chosen as of {chosen_on}, none since"
    else:
        note = "" if fitting else nobody_has(rim.client, audience.source)
    order = Order(
        audience=audience.name,
        meaning=audience.meaning,
        as_of=as_of,
        wants=Wants(chosen_on=None if is_over else chosen_on, at_most=audience.cap),
        minimum_size=audience.minimum_size,
        with_values=audience.with_values,
        most_leaving=EVERYBODY if may_shrink or is_over else audience.most_leaving,
    )
    return Ordered(
        order=order,
        fitting=fitting,
        withheld=withheld,
        note=note,
        was_chosen=chosen_on is not None,
    )


def retired(audience: str, as_of: date, *, may_shrink: bool) -> Ordered:
    """What shall be of an audience that no definition names any more: nothing.

    A file that was lost by accident looks the same: so it is guarded like any other.
    """
    order = Order(
        audience=audience,
        meaning="No longer defined.",
        as_of=as_of,
        wants=Wants(chosen_on=None),
        most_leaving=EVERYBODY if may_shrink else 0.0,
    )
    return Ordered(order=order, withheld={}, note="no definition names it any more")


def shortfall(one: Ordered, synced: Synced) -> str:
    """Why nobody shall be in a set; empty when somebody shall."""
    if synced.desired:
        return ""
    if not one.was_chosen:
        return f"0 sendable: {one.note}"
    reasons = [
        f"{one.withheld[reason]} {words}"
        for reason, words in (
            (NO_CONSENT, "without consent to advertising"),
            (NO_IDENTIFIER, "without an e-mail address or phone number"),
        )
        if one.withheld.get(reason)
    ]
    return (
        f"{synced.sendable} sendable of {one.fitting} who fit, at least"
        f" {one.order.minimum_size} are needed"
        + "".join(f"; {reason}" for reason in reasons)
    )


def _latest_choice(rim: Rim, audience: str, as_of: date) -> date | None:
    """The day whose choice counts: this one, or the last before that was made."""
    found: date | None = rows(
        rim.client, _LATEST_CHOICE, {"audience": audience, "as_of": as_of}
    )[0]["day"]
    return found


def _counted(
    rim: Rim, audience: str, day: date | None
) -> tuple[int, Mapping[str, int]]:
    found = rows(
        rim.client,
        "select withheld_because, count() as people from activation.audience_members"
        " where audience = {audience:String} and as_of = {day:Nullable(Date)}"
        " group by withheld_because",
        {"audience": audience, "day": day},
    )
    counted = {row["withheld_because"]: row["people"] for row in found}
    return sum(counted.values()), counted


def _never_chosen(rim: Rim, audience: Custom, as_of: date) -> str:
    stands = standing(rim.client, audience.source, as_of)
    if stands.refused_because and isinstance(audience.source, Criteria):
        model = audience.source.source
        return f"no {model} model could be trained. {stands.refused_because}"
    return (
        stands.refused_because
        or stands.missing
        or f"`questlog audiences choose --as-of {as_of}` has not run"
    )


_LATEST_CHOICE = """
select maxOrNull(as_of) as day
from (
    select as_of from activation.choices final
    where audience = {audience:String} and as_of <= {as_of:Date}
        and skipped_because = ''
    union all
    -- a choice of before these were kept has members alone
    select as_of from activation.audience_members
    where audience = {audience:String} and as_of <= {as_of:Date}
)
"""
