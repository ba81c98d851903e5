"""Choose the members of an audience, and say who of them may be sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from activation.definitions import Custom, Definitions
from activation.finding import Fit, Standing, fitting, nobody_has, standing
from activation.identifiers import is_usable
from activation.people import OpensIdentifiers, Person, identifiers_of
from activation.sources import ORDERED_BY
from warehouse.clickhouse import replace_partition, rows
from warehouse.errors import NotEnoughData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NO_CONSENT = "no_consent"
NO_IDENTIFIER = "no_identifier"
_COLUMNS = (
    *("as_of", "audience", "person_id", "value", "ordered_by"),
    *("sendable", "withheld_because"),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who fits an audience."""

    person: Person
    value: float
    consents: bool


@dataclass(frozen=True, slots=True)
class Member:
    """A candidate, judged: withheld for a reason, or sendable."""

    person_id: str
    value: float
    withheld_because: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What one choosing came to; `skipped_because` is empty when it was made.

    `note` is what may be wrong with a definition that nobody fits.
    """

    audience: str
    fitting: int
    withheld: Mapping[str, int]
    skipped_because: str
    note: str = ""

    @property
    def sendable(self) -> int:
        """People with consent and an identifier."""
        return self.fitting - sum(self.withheld.values())


def choose_members(
    client: "Client", vault: OpensIdentifiers, definitions: Definitions, as_of: date
) -> list[Choice]:
    """Write exactly the members of every custom audience as of a day.

    An audience whose model could not be trained gets no members, and the reason.
    Raises NotEnoughData, before anything is written, when training or scoring was
    left out, or when no people have been published.
    """
    require_people(client)
    found = who_fits(client, definitions, as_of)
    return [
        _choose(client, vault, audience, as_of=as_of, found=found)
        for audience in definitions.custom
    ]


def require_people(client: "Client") -> None:
    """Raise NotEnoughData unless marts.dim_people has been published."""
    found = rows(
        client,
        "select name from system.tables"
        " where database = 'marts' and name = 'dim_people'",
    )
    if not found:
        raise NotEnoughData(
            "There is no marts.dim_people, which says who consents to advertising."
            " Build and publish the marts first: `questlog publish marts`."
        )


def judge(candidates: Sequence[Candidate], vault: OpensIdentifiers) -> list[Member]:
    """Withhold those without consent, then those whom no platform could find.

    The vault is asked about consenting people alone.
    """
    asked = [candidate.person for candidate in candidates if candidate.consents]
    found = {
        known.person_id for known in identifiers_of(vault, asked) if is_usable(known)
    }
    return [
        Member(
            candidate.person.person_id,
            candidate.value,
            _withheld(candidate, has_identifier=candidate.person.person_id in found),
        )
        for candidate in candidates
    ]


def _withheld(candidate: Candidate, *, has_identifier: bool) -> str:
    if not candidate.consents:
        return NO_CONSENT
    return "" if has_identifier else NO_IDENTIFIER


@dataclass(frozen=True, slots=True)
class WhoFits:
    """Who fits, by audience, before anybody is left out; and where sources stand."""

    fits: Mapping[str, Sequence[Fit]]
    stands: Mapping[str, Standing]
    people: Mapping[str, tuple[str, bool]]
    """Country and consent."""

    def _left_out_of(self, audience: Custom) -> set[str]:
        """The members of audiences that this one is without."""
        return {fit.person_id for name in audience.without for fit in self.fits[name]}

    def candidates(self, audience: Custom) -> list[Candidate]:
        """Who fits an audience once others are left out, with their consent."""
        left_out = self._left_out_of(audience)
        return [
            Candidate(Person(fit.person_id, country), fit.value, consents)
            for fit in self.fits[audience.name]
            if fit.person_id not in left_out
            for country, consents in (self.people.get(fit.person_id, ("", False)),)
        ]


def who_fits(client: "Client", definitions: Definitions, as_of: date) -> WhoFits:
    """Who fits every audience as of a day, whether they may be sent or not.

    Raises NotEnoughData when training or scoring was left out.
    """
    stands = {
        one.name: standing(client, one.source, as_of) for one in definitions.custom
    }
    missing = {one.missing for one in stands.values() if one.missing}
    if missing:
        raise NotEnoughData(" ".join(sorted(missing)))
    fits = {
        one.name: fitting(client, one.source, day) if (day := _day(stands, one)) else []
        for one in definitions.custom
    }
    return WhoFits(fits, stands, _people(client))


def _day(stands: Mapping[str, Standing], audience: Custom) -> date | None:
    return stands[audience.name].day


def _people(client: "Client") -> dict[str, tuple[str, bool]]:
    found = client.query(
        "select person_id, ifNull(toString(country), ''), advertising_consent"
        " from marts.dim_people"
    )
    return {who: (country, bool(yes)) for who, country, yes in found.result_rows}


def _choose(
    client: "Client",
    vault: OpensIdentifiers,
    audience: Custom,
    *,
    as_of: date,
    found: WhoFits,
) -> Choice:
    members = judge(found.candidates(audience), vault)
    _write(client, audience, as_of, members)
    withheld = {
        reason: sum(member.withheld_because == reason for member in members)
        for reason in (NO_CONSENT, NO_IDENTIFIER)
    }
    refused = found.stands[audience.name].refused_because
    # after the members: a day without this row is one on which nothing was chosen
    client.command(
        _CHOSEN,
        parameters={
            "audience": audience.name,
            "as_of": as_of,
            "fitting": len(members),
            "skipped_because": refused,
        },
    )
    note = "" if members or refused else nobody_has(client, audience.source)
    return Choice(audience.name, len(members), withheld, refused, note)


def _write(
    client: "Client", audience: Custom, as_of: date, members: Sequence[Member]
) -> None:
    name = audience.name
    table, partition = "activation.audience_members", f"('{name}', '{as_of}')"
    if not members:
        # ClickHouse refuses to replace a partition from a table without rows
        client.command(f"alter table {table} drop partition {partition}")
        return
    replace_partition(
        client,
        table=table,
        partition=partition,
        columns=_COLUMNS,
        values=[
            (
                as_of,
                name,
                member.person_id,
                member.value,
                ORDERED_BY[type(audience.source)],
                not member.withheld_because,
                member.withheld_because,
            )
            for member in members
        ],
    )


_CHOSEN = """
insert into activation.choices
    (audience, as_of, fitting, skipped_because, chosen_at)
select
    {audience:String}, {as_of:Date}, {fitting:UInt64}, {skipped_because:String},
    -- later than the one before, whatever the clock says
    greatest(now64(6), max(chosen_at) + toIntervalMicrosecond(1))
from activation.choices
where audience = {audience:String} and as_of = {as_of:Date}
"""
