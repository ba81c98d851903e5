"""Take people out of every audience, everywhere, and hear that it was done.

What `questlog erase` calls before it destroys a person's keys: afterwards nobody could
name them to a platform any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from activation.destinations.protocol import Destination
from activation.rim import Rim
from activation.suppressing import suppress
from warehouse.clickhouse import rows
from warehouse.errors import BadSetting, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """People taken out of one remote set, as the platform acknowledged it.

    Holds no personal data. `identities` counts everything that was ever sent of them.
    """

    platform: str
    audience: str
    remote_id: str
    people: int
    identities: int


def remove_everywhere(
    rim: Rim,
    destinations: Sequence[Destination],
    person_ids: Sequence[str],
    because: str,
) -> list[Left]:
    """Take people out of every set of every platform by every identity ever sent.

    First they are suppressed: no push, whether it runs now or is tried again later,
    sends them any more. Then each remote set that ever had one of them is told to
    remove them, by all that was sent, also what has changed since. It returns a receipt
    for each set once every platform has acknowledged; with nobody ever sent, none.

    Raises Unavailable while a platform has not acknowledged yet, and DestinationRefused
    when one refuses; BadSetting when people were sent to a platform that is none of
    `destinations`. The same call goes on from there, and is safe to repeat after
    it has succeeded. Only then may the keys be destroyed. What the ledger keeps of them
    (`activation.*`, by `person_id`) is for the caller to delete afterwards.
    """
    suppress(rim, person_ids, because)
    found = rows(
        rim.client,
        "select distinct platform from activation.sent"
        " where person_id in {person_ids:Array(String)}",
        {"person_ids": list(person_ids)},
    )
    unknown = {row["platform"] for row in found} - {d.platform for d in destinations}
    if unknown:
        raise BadSetting(
            f"People were sent to {', '.join(sorted(unknown))}, of which no account is"
            " set now: they can't be taken out there. Set it again, then repeat this."
        )
    if found:
        raise Unavailable("The ledger can't take anybody out yet.")
    return []
