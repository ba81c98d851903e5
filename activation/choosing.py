"""Choose the members of an audience, and say who of them may be sent."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from activation.definitions import KNOWN_PEOPLE, Criteria, Custom, Definitions
from activation.identifiers import is_usable
from activation.people import OpensIdentifiers, Person, identifiers_of
from warehouse.clickhouse import replace_partition, rows
from warehouse.errors import NotEnoughData
from warehouse.publishing import closed_days

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

NO_CONSENT = "no_consent"
NO_IDENTIFIER = "no_identifier"
_COLUMNS = ("as_of", "audience", "person_id", "value", "sendable", "withheld_because")


@dataclass(frozen=True, slots=True)
class Ranking:
    """Where a source's scores lie, and which column people are ordered by."""

    model: str
    table: str
    column: str


RANKINGS: Mapping[str, Ranking] = {
    "lifetime_value": Ranking(
        "lifetime_value", "ml.lifetime_values", "expected_value_minor"
    ),
    "churn": Ranking("churn", "ml.churn_scores", "churn_probability"),
}


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
    """What one choosing came to; `skipped_because` is empty when it was made."""

    audience: str
    fitting: int
    withheld: Mapping[str, int]
    skipped_because: str

    @property
    def sendable(self) -> int:
        """People with consent and an identifier."""
        return self.fitting - sum(self.withheld.values())


@dataclass(frozen=True, slots=True)
class Standing:
    """The day whose scores count; else what is missing, or why none can be made."""

    scored_on: date | None = None
    missing: str = ""
    refused_because: str = ""


def choose_members(
    client: "Client", vault: OpensIdentifiers, definitions: Definitions, as_of: date
) -> list[Choice]:
    """Write exactly the members of every custom audience as of a day.

    An audience whose model could not be trained gets no members, and the reason.
    Raises NotEnoughData, before anything is written, when training or scoring was
    left out, or when no people have been published.
    """
    require_people(client)
    standings = [
        (audience, standing(client, audience.criteria, as_of))
        for audience in definitions.custom
    ]
    missing = {stands.missing for _, stands in standings if stands.missing}
    if missing:
        raise NotEnoughData(" ".join(sorted(missing)))
    return [
        _choose(client, vault, audience, as_of=as_of, stands=stands)
        for audience, stands in standings
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


def places(population: int, share: float) -> int:
    """How many people a share of a population is, rounded up."""
    return math.ceil(round(population * share, 9))


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


def _choose(
    client: "Client",
    vault: OpensIdentifiers,
    audience: Custom,
    *,
    as_of: date,
    stands: Standing,
) -> Choice:
    if stands.scored_on is None:
        members: list[Member] = []
    else:
        members = judge(_candidates(client, audience.criteria, stands.scored_on), vault)
    _write(client, audience.name, as_of, members)
    withheld = {
        reason: sum(member.withheld_because == reason for member in members)
        for reason in (NO_CONSENT, NO_IDENTIFIER)
    }
    return Choice(audience.name, len(members), withheld, stands.refused_because)


def standing(client: "Client", criteria: Criteria, as_of: date) -> Standing:
    """Where a source stands as of a day.

    Its scores count while they are fresh, unless their gate was closed.
    """
    ranking = RANKINGS[criteria.source]
    fresh = "as_of <= {as_of:Date} and as_of > {as_of:Date} - {days:UInt16}"
    bound = {"as_of": as_of, "days": criteria.scores_at_most_days_old}
    closed = ", ".join(f"'{day}'" for day in closed_days(client, ranking.model))
    query = f"select maxOrNull(as_of) as day from {ranking.table} where {fresh}" + (
        f" and as_of not in ({closed})" if closed else ""
    )
    scored_on = rows(client, query, bound)[0]["day"]
    if scored_on is not None:
        return Standing(scored_on)
    tried = rows(
        client,
        "select refused_because from ml.models"
        f" where kind = {{kind:String}} and {fresh}"
        " order by as_of desc, trained_at desc, is_chosen desc limit 1",
        bound | {"kind": ranking.model},
    )
    if tried and tried[0]["refused_because"]:
        return Standing(refused_because=tried[0]["refused_because"])
    lacks, verb = ("scores", "score") if tried else ("model", "train")
    return Standing(
        missing=f"There is no {ranking.model} {lacks} as of {as_of} or in the"
        f" {criteria.scores_at_most_days_old} days before it. Make it first:"
        f" `questlog {ranking.model.replace('_', '-')} {verb} --as-of {as_of}`."
    )


def _candidates(
    client: "Client", criteria: Criteria, scored_on: date
) -> list[Candidate]:
    ranking = RANKINGS[criteria.source]
    among = f"{ranking.table} as scores where scores.as_of = {{day:Date}}"
    if criteria.must_have_paid:
        among += (
            " and scores.person_id in"
            " (select person_id from marts.dim_people where payments > 0)"
        )
    whole = among
    if criteria.share_of == KNOWN_PEOPLE:
        whole = "marts.dim_people where not startsWith(person_id, 'anon:')"
    counted = rows(client, f"select count() as people from {whole}", {"day": scored_on})
    best = rows(
        client,
        f"""
        select
            ranked.person_id as person_id,
            ranked.value as value,
            people.advertising_consent as consents,
            ifNull(toString(people.country), '') as country
        from (
            select scores.person_id as person_id, scores.{ranking.column} as value
            from {among}
            order by value desc, person_id
            limit {{places:UInt64}}
        ) as ranked
        left join marts.dim_people as people on people.person_id = ranked.person_id
        order by value desc, person_id
        """,
        {
            "day": scored_on,
            "places": places(counted[0]["people"], criteria.top_share),
        },
    )
    return [
        _candidate(row)
        for row in best
        if criteria.above is None or row["value"] > criteria.above
    ]


def _candidate(row: Mapping[str, Any]) -> Candidate:
    return Candidate(
        Person(row["person_id"], row["country"]), row["value"], bool(row["consents"])
    )


def _write(
    client: "Client", audience: str, as_of: date, members: Sequence[Member]
) -> None:
    table, partition = "activation.audience_members", f"('{audience}', '{as_of}')"
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
                audience,
                member.person_id,
                member.value,
                not member.withheld_because,
                member.withheld_because,
            )
            for member in members
        ],
    )
