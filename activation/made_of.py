"""What audiences are made of, from their definitions."""

from collections.abc import Iterator
from typing import Final

from activation.choosing import RANKINGS
from activation.definitions import load_definitions
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
        ranking = RANKINGS[audience.criteria.source]
        people = "marts.dim_people"
        value = Column(ranking.table, ranking.column)
        consent = columns_of(people, ("advertising_consent", "country"))
        must_have_paid = audience.criteria.must_have_paid
        paid = [Column(people, "payments")] if must_have_paid else []
        name = f"{AUDIENCES}.{audience.name}"
        columns = {
            "as_of": [Column(ranking.table, "as_of")],
            "person_id": [Column(ranking.table, "person_id"), value, *paid],
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
