"""What audiences are made of, from their definitions."""

from collections.abc import Iterator
from typing import Final

from activation.definitions import load_definitions
from activation.finding import RANKINGS
from activation.sources import Criteria, Mart, Segment, Source
from warehouse.lineage.columns import ROWS, Column
from warehouse.lineage.graph import Made
from warehouse.lineage.written import columns_of, made_by, seen_as

MEMBERS: Final = "activation.audience_members"
RECEIPTS: Final = "ops.audience_receipts"
AUDIENCES: Final = "audiences"
"""In place of a database: one audience is the rows of it among all members."""


def made_of() -> Iterator[Made]:
    """Each audience, all members, and the receipts that count them."""
    definitions = load_definitions(country="")
    whole: dict[str, list[Column]] = {}
    for audience in definitions.custom:
        value, who = _origin(audience.source)
        people = "marts.dim_people"
        consent = columns_of(people, ("advertising_consent", "country"))
        name = f"{AUDIENCES}.{audience.name}"
        columns = {
            "as_of": who[:1],
            "person_id": who,
            "value": [value],
            "sendable": consent,
            "withheld_because": consent,
        }
        yield seen_as("activation", name, columns)
        for column in columns:
            whole.setdefault(column, []).append(Column(name, column))
    yield made_by("activation", MEMBERS, whole)
    for lookalike in definitions.lookalikes:
        seed = {"person_id": [Column(f"{AUDIENCES}.{lookalike.of}", "person_id")]}
        name = f"{AUDIENCES}.{lookalike.name}"
        yield seen_as("the platform", name, seed)
    counted = [Column(MEMBERS, ROWS)]
    counts = ("fitting", "sendable", "sent", "received", "invalid")
    yield made_by("activation", RECEIPTS, dict.fromkeys(counts, counted))


def _origin(source: Source) -> tuple[Column, list[Column]]:
    """What members are ordered by, and what decides who is one; the first dates it."""
    match source:
        case Criteria():
            ranking = RANKINGS[source.source]
            value = Column(ranking.table, ranking.column)
            paid = [Column("marts.dim_people", "payments")]
            who = columns_of(ranking.table, ("as_of", "person_id"))
            return value, [*who, value, *(paid if source.must_have_paid else [])]
        case Segment():
            who = columns_of("ml.segments", ("as_of", "person_id", "segment"))
            return Column("ml.segments", "segment"), who
        case Mart():
            named = [one.column for one in source.where]
            who = columns_of(f"marts.{source.mart}", ("person_id", *named))
            return Column(f"marts.{source.mart}", source.value or "person_id"), who
    asked = columns_of("marts.fct_events", ("person_id", "event_name", "occurred_at"))
    return asked[0], asked
