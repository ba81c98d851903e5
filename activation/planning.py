"""Plan a push: who shall be in each audience at this moment, and nobody else.

Consent and identifiers are read again here: who withdrew since the choosing is not
in the plan, and so leaves the remote audience with the push.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from activation.choosing import NO_CONSENT, NO_IDENTIFIER, require_people, standing
from activation.definitions import Custom, Definitions
from activation.identifiers import HASHING, Identity, is_usable
from activation.people import OpensIdentifiers, Person, identifiers_of
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a push is for; `key` makes the external ids."""

    as_of: date
    platform: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Planned:
    """An audience as it shall be: everyone in `people`, nobody else."""

    audience: Custom
    fitting: int
    people: Sequence[Identity]
    shortfall: str
    """Why nobody shall be in it; empty when somebody shall."""
    note: str
    """What else a reader of the receipt should know."""
    sendable: int
    was_chosen: bool


def plan_push(
    client: "Client",
    vault: OpensIdentifiers,
    definitions: Definitions,
    aim: Aim,
) -> list[Planned]:
    """What every custom audience shall hold, by today's consent and identifiers.

    Raises NotEnoughData when no people have been published.
    """
    require_people(client)
    return [_planned(client, vault, audience, aim) for audience in definitions.custom]


def _planned(
    client: "Client",
    vault: OpensIdentifiers,
    audience: Custom,
    aim: Aim,
) -> Planned:
    day = _latest_choice(client, audience.name, aim.as_of)
    if day is None:
        return _never_chosen(client, audience, aim.as_of)
    fitting, withheld = _counted(client, audience.name, day)
    people = _consenting(client, audience.name, day)
    known = [one for one in identifiers_of(vault, people) if is_usable(one)]
    enough = len(known) >= audience.minimum_size
    return Planned(
        audience=audience,
        fitting=fitting,
        sendable=len(known),
        people=[HASHING[aim.platform](one, aim.key) for one in known] if enough else [],
        shortfall="" if enough else _shortfall(audience, fitting, len(known), withheld),
        note="" if day == aim.as_of else f"chosen as of {day}, none since",
        was_chosen=True,
    )


def _never_chosen(client: "Client", audience: Custom, as_of: date) -> Planned:
    stands = standing(client, audience.criteria, as_of)
    because = (
        f"no {audience.criteria.source} model could be trained."
        f" {stands.refused_because}"
        if stands.refused_because
        else stands.missing
        or f"nobody fits, or `questlog audiences choose --as-of {as_of}` has not run"
    )
    return Planned(
        audience=audience,
        fitting=0,
        sendable=0,
        people=[],
        shortfall=f"0 sendable: {because}",
        note="",
        was_chosen=False,
    )


def _latest_choice(client: "Client", audience: str, as_of: date) -> date | None:
    """The day whose choice counts: this one, or the last before that had members."""
    found: date | None = rows(
        client,
        "select maxOrNull(as_of) as day from activation.audience_members"
        " where audience = {audience:String} and as_of <= {as_of:Date}",
        {"audience": audience, "as_of": as_of},
    )[0]["day"]
    return found


def _counted(
    client: "Client", audience: str, day: date
) -> tuple[int, Mapping[str, int]]:
    found = rows(
        client,
        "select withheld_because, count() as people from activation.audience_members"
        " where audience = {audience:String} and as_of = {day:Date}"
        " group by withheld_because",
        {"audience": audience, "day": day},
    )
    counted = {row["withheld_because"]: row["people"] for row in found}
    return sum(counted.values()), counted


def _consenting(client: "Client", audience: str, day: date) -> list[Person]:
    """Those chosen as sendable who consent to advertising at this moment.

    The marts say who consents; a denial that the door has taken since they were
    published counts too, for a closed gate must not keep somebody in.
    """
    found = rows(
        client,
        """
        select
            members.person_id as person_id,
            ifNull(toString(people.country), '') as country
        from activation.audience_members as members
        inner join marts.dim_people as people
            on people.person_id = members.person_id
        where members.audience = {audience:String}
            and members.as_of = {day:Date}
            and members.sendable
            and people.advertising_consent
            and members.person_id not in (
                select user_id
                from raw.events
                where event_name = 'consent_decided'
                    and JSONExtractString(properties, 'purpose') = 'advertising'
                group by user_id
                having argMax(
                    JSONExtractBool(properties, 'granted') = 0,
                    (occurred_at, JSONExtractBool(properties, 'granted') = 0)
                )
            )
        order by person_id
        """,
        {"audience": audience, "day": day},
    )
    return [Person(row["person_id"], row["country"]) for row in found]


def _shortfall(
    audience: Custom, fitting: int, sendable: int, withheld: Mapping[str, int]
) -> str:
    reasons = [
        f"{withheld[reason]} {words}"
        for reason, words in (
            (NO_CONSENT, "without consent to advertising"),
            (NO_IDENTIFIER, "without an e-mail address or phone number"),
        )
        if withheld.get(reason)
    ]
    return (
        f"{sendable} sendable of {fitting} who fit, at least {audience.minimum_size}"
        " are needed" + "".join(f"; {reason}" for reason in reasons)
    )
