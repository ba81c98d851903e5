"""RFM: who bought how lately, how often and for how much, as of a day."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from warehouse.clickhouse import rows
from warehouse.questions import parameters
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Recency is counted to the day `rfm_snapshot`; purchases of that day count.

    `users` asks for the figures of each customer.
    """

    rfm_snapshot: str
    purchase_event: str = "payment_completed"
    amount_property: str = "amount"
    time_zone: str = "UTC"
    users: bool = True


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """Totals, and recency, frequency and money of each customer with their fifths."""
    asked = parameters.read("rfm", Parameters, given)
    snapshot = parameters.day(asked.rfm_snapshot, "rfm_snapshot").isoformat()
    rendered = {
        "purchases": render(
            "q_purchases",
            events=events,
            event=asked.purchase_event,
            amount_property=asked.amount_property,
            timezone=parameters.require_zone(asked.time_zone),
        ),
        "as_of": render("q_day", day=snapshot),
        "with_the_day": True,
    }
    cells = rows(client, render("ask_rfm_cells", **rendered))
    found: dict[str, object] = {
        "customers": sum(cell["customers"] for cell in cells),
        "invoices": sum(cell["purchases"] for cell in cells),
        # money is decimal until it is written
        "revenue": float(sum(cell["money"] for cell in cells)),
        "cells": [{**cell, "money": float(cell["money"])} for cell in cells],
    }
    return found | (_by_customer(client, rendered) if asked.users else {})


def _by_customer(client: "Client", rendered: Mapping[str, Any]) -> dict[str, object]:
    """Recency, frequency and money of each, and their fifths."""
    found = rows(client, render("ask_rfm", **rendered))
    found.sort(key=lambda row: str(row["person_id"]))
    return {
        "rfm_by_customer": {
            row["person_id"]: [
                row["recency_days"],
                row["frequency"],
                float(row["monetary"]),
            ]
            for row in found
        },
        "scores_by_customer": {
            row["person_id"]: [row["r_score"], row["f_score"], row["m_score"]]
            for row in found
        },
    }
