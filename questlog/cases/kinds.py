"""Every kind of case: the questions, and what the models of `ml` answer."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from warehouse.clickhouse import frame
from warehouse.questions import parameters, registry, rfm
from warehouse.questions.registry import Question
from warehouse.questions.templates import render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Lifetime(msgspec.Struct, frozen=True, kw_only=True):
    """Models learn up to `calibration_end` and are measured up to `holdout_end`.

    `time_unit` begins with day, week or month: what the parameters are told in.
    """

    calibration_end: str
    holdout_end: str
    time_unit: str = "week"
    purchase_event: str = "payment_completed"
    amount_property: str = "amount"
    time_zone: str = "UTC"


class RfmAndLifetime(rfm.Parameters, frozen=True, kw_only=True):
    """RFM's parameters, and `clv`: the two ends of `Lifetime`."""

    clv: dict[str, Any] | None = None


def _lifetime(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """Fitted models and how they told the holdout, from one row a purchase."""
    from ml.lifetime_value import cases

    asked = parameters.read("clv", Lifetime, given)
    purchases = render(
        "q_purchases",
        events=events,
        event=asked.purchase_event,
        amount_property=asked.amount_property,
        timezone=parameters.require_zone(asked.time_zone),
    )
    bought = frame(
        client,
        "select person_id as customer, bought_on as day, toFloat64(amount) as amount"
        f" from {purchases} as purchases order by customer, day, amount",
    )
    return cases.answer(
        bought,
        calibration_end=parameters.day(asked.calibration_end, "calibration_end"),
        holdout_end=parameters.day(asked.holdout_end, "holdout_end"),
        time_unit=asked.time_unit,
    )


def _rfm_and_lifetime(
    client: "Client", events: str, given: Mapping[str, Any]
) -> dict[str, object]:
    """RFM, and lifetime value where the case asks for it."""
    asked = parameters.read("rfm_clv", RfmAndLifetime, given)
    found = rfm.answer(client, events, given)
    if asked.clv is None:
        return found
    shared = ("purchase_event", "amount_property", "time_zone")
    own = {name: getattr(asked, name) for name in shared}
    return {**found, "clv": _lifetime(client, events, {**own, **asked.clv})}


KINDS: Final[Mapping[str, Question]] = MappingProxyType(
    {
        **registry.KINDS,
        "clv": Question(
            kind="clv",
            meaning="What customers will buy, by models judged on a holdout",
            parameters=Lifetime,
            answer=_lifetime,
        ),
        "rfm_clv": Question(
            kind="rfm_clv",
            meaning="RFM as of a day, and what customers will buy",
            parameters=RfmAndLifetime,
            answer=_rfm_and_lifetime,
        ),
    }
)
