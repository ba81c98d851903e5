"""How the gate before the ad platforms stands for a day, audience by audience."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows
from warehouse.publishing import AUDIENCES, judged_content

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceGate:
    """Why audiences are kept back: every one, or some, each by its name."""

    every: str = ""
    some: Mapping[str, str] = field(default_factory=dict)

    def why_not(self, audience: str) -> str:
        """Why an audience may not be sent; empty where it may."""
        return self.every or self.some.get(audience, "")


OPEN = AudienceGate()


def audience_gate(client: "Client", as_of: date) -> AudienceGate:
    """As the day was judged last; open where nobody has judged it."""
    broken: dict[str, list[str]] = {}
    for expectation, parts in _stops(client, as_of):
        for part in parts or [""]:
            broken.setdefault(part, []).append(expectation)
    again = f"`questlog gate {AUDIENCES} --as-of {as_of}` shows the rows."
    every = broken.pop("", [])
    return AudienceGate(
        every=f"The gate {AUDIENCES} is closed for {as_of}: {', '.join(every)}. {again}"
        if every
        else "",
        some={
            audience: f"The gate {AUDIENCES} is closed for {audience} on {as_of}:"
            f" {', '.join(names)}. {again}"
            for audience, names in broken.items()
        },
    )


def strict_audience_gate(client: "Client", as_of: date) -> AudienceGate:
    """The same, but that nobody is sent whom nobody judged as they are now."""
    found = rows(
        client,
        "select argMax(judged_content, checked_at) as content, count() as results"
        " from ops.gate_results where gate = {gate:String} and as_of = {as_of:Date}",
        {"gate": AUDIENCES, "as_of": as_of},
    )
    again = f"`questlog gate {AUDIENCES} --as-of {as_of}`"
    if not found[0]["results"]:
        return AudienceGate(
            every=f"Nobody has judged the audiences of {as_of}: run {again}."
        )
    if found[0]["content"] != judged_content(client, AUDIENCES, as_of):
        return AudienceGate(
            every=f"The audiences of {as_of} were chosen again after their gate, and"
            f" nobody has judged those. Run {again} first."
        )
    return audience_gate(client, as_of)


def _stops(client: "Client", as_of: date) -> list[tuple[str, list[str]]]:
    """What stopped in the day's last run, and for which audiences."""
    found = rows(
        client,
        "select expectation, parts from ops.gate_results where gate = {gate:String}"
        " and as_of = {as_of:Date} and severity = 'stop' and not success and run_id ="
        " (select argMax(run_id, checked_at) from ops.gate_results"
        " where gate = {gate:String} and as_of = {as_of:Date}) order by expectation",
        {"gate": AUDIENCES, "as_of": as_of},
    )
    return [(row["expectation"], row["parts"]) for row in found]
