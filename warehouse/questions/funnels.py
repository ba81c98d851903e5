"""Funnels: how far people come through steps, in which time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from warehouse.clickhouse import rows
from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.intervals import rate_with_interval
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_STEPS_AT_MOST = 30
_SPAN = ("date_from", "date_to")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An event, and what its properties must be; no event: any."""

    event: str | None
    where: parameters.Where | None = None


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """An event that spoils an attempt, anywhere or between two steps (from 0)."""

    event: str | None
    where: parameters.Where | None = None
    from_step: int | None = None
    to_step: int | None = None


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """`users` asks for who reached each step, `breakdown` for a property's values."""

    steps: list[Step | str]
    window_seconds: float = 14 * 86_400
    order: Literal["ordered", "strict", "unordered"] = "ordered"
    exclusions: list[Exclusion] = []
    date_from: str | None = None
    date_to: str | None = None
    breakdown: str | None = None
    as_of: str | None = None
    time_zone: str = "UTC"
    users: bool = True

    @property
    def named_steps(self) -> list[Step]:
        """The steps, also those given by the name of their event alone."""
        return [
            Step(event=step) if isinstance(step, str) else step for step in self.steps
        ]

    @property
    def ranked_exclusions(self) -> list[Exclusion]:
        """What takes the whole attempt before what leaves its first step.

        Without an order, from the first step to the last is anywhere.
        """
        if self.order == "unordered":
            return [
                msgspec.structs.replace(one, from_step=None, to_step=None)
                for one in self.exclusions
            ]
        return sorted(self.exclusions, key=lambda one: one.from_step is None)


def answer(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """People and times per step; with a breakdown, the same for each value too."""
    asked = _checked(parameters.read("funnel", Parameters, given))
    rendered = {
        "events": events,
        "steps": [_plain(step) for step in asked.named_steps],
        "order": asked.order,
        "window_ms": round(asked.window_seconds * 1000),
        "exclusions": [_plain(exclusion) for exclusion in asked.ranked_exclusions],
        "date_from": _moment(asked.date_from, "date_from", asked.time_zone),
        "date_to": None
        if asked.date_to is None
        else parameters.last_millisecond(asked.date_to, "date_to", asked.time_zone),
    }
    as_of = _moment(asked.as_of, "as_of", asked.time_zone)
    if as_of is None:
        span = {name: rendered[name] for name in ("events", "steps", *_SPAN)}
        as_of = rows(client, render("ask_funnel_end", **span))[0]["ended_at"]
    whole = rows(client, render("ask_funnel", **rendered, as_of=as_of))
    found: dict[str, object] = _shaped(whole[0] if whole else None, len(asked.steps))
    found["steps"] = [step.event for step in asked.named_steps]
    if asked.users:
        people = rows(client, render("ask_funnel_people", **rendered))
        found["users_at_step"] = [
            [row["person_id"] for row in people if row["reached"] > step]
            for step in range(len(asked.steps))
        ]
    if asked.breakdown is not None:
        query = render("ask_funnel", **rendered, breakdown=asked.breakdown, as_of=as_of)
        found["breakdown"] = {
            row["value"]: _shaped(row, len(asked.steps)) for row in rows(client, query)
        }
    return found


def _checked(asked: Parameters) -> Parameters:
    """The same parameters. Raises BadInput when they cannot be asked together."""
    if not asked.steps or len(asked.steps) + len(asked.exclusions) > _STEPS_AT_MOST:
        raise BadInput(
            "Parameter steps: a funnel has one step or more, and with its exclusions"
            f" at most {_STEPS_AT_MOST}."
        )
    if asked.window_seconds < 0:
        raise BadInput("Parameter window_seconds: a window is 0 seconds or longer.")
    for number, step in enumerate(asked.named_steps):
        parameters.require_where(step.where or {}, f"steps.{number}.where")
    for number, exclusion in enumerate(asked.exclusions):
        parameters.require_where(exclusion.where or {}, f"exclusions.{number}.where")
        _require_span(exclusion, asked, f"exclusions.{number}")
    return asked


def _require_span(exclusion: Exclusion, asked: Parameters, place: str) -> None:
    span = (exclusion.from_step, exclusion.to_step)
    if span == (None, None):
        return
    if exclusion.from_step is None or exclusion.to_step is None:
        raise BadInput(f"Parameter {place}: give both from_step and to_step, or none.")
    if not 0 <= exclusion.from_step < exclusion.to_step < len(asked.steps):
        raise BadInput(
            f"Parameter {place}: from_step and to_step count from 0, the first before"
            f" the second, and the last step is {len(asked.steps) - 1}."
        )
    is_whole = (exclusion.from_step, exclusion.to_step) == (0, len(asked.steps) - 1)
    if asked.order == "unordered" and not is_whole:
        raise BadInput(
            f"Parameter {place}: without an order there is no between two steps;"
            " leave from_step and to_step out, or name the first and the last."
        )


def _plain(part: Step | Exclusion) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.structs.asdict(part)
    return found


def _moment(text: str | None, parameter: str, zone: str) -> int | None:
    return None if text is None else parameters.milliseconds(text, parameter, zone)


def _shaped(row: Mapping[str, Any] | None, steps: int) -> dict[str, object]:
    """The figures of one row of ask_funnel; nobody did the first step: no row."""
    counts: list[int] = list(row["counts"]) if row else [0] * steps
    previous = [counts[0], *counts[:-1]]
    timed = [step > 0 and count > 0 for step, count in enumerate(counts)]

    def seconds(
        name: str, place: int | None = None
    ) -> list[float | list[float] | None]:
        values = row[name] if row else [None] * steps
        return [
            (value if place is None else value[place]) if is_timed else None
            for value, is_timed in zip(values, timed, strict=True)
        ]

    return {
        "counts": counts,
        "pct_conversion": [_share(count, counts[0]) for count in counts],
        "pct_of_previous": [
            _share(count, before)
            for count, before in zip(counts, previous, strict=True)
        ],
        "intervals_of_conversion": [
            rate_with_interval(count, counts[0]) for count in counts
        ],
        "intervals_of_previous": [
            rate_with_interval(count, before)
            for count, before in zip(counts, previous, strict=True)
        ],
        "average_seconds_from_previous_step": seconds("average_seconds"),
        "median_seconds_from_previous_step": seconds("seconds_from_previous", 1),
        "quantiles_of_seconds_from_first_step": {
            "quantiles": [0.25, 0.5, 0.75, 0.9],
            "seconds": seconds("seconds_from_first"),
        },
        "still_open": list(row["still_open"]) if row else [0] * steps,
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
