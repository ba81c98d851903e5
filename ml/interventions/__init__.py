"""Who is to be written to, and whether it helped: the doors of DAG and command."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.interventions.uplift import Uplift


def decide(as_of: str) -> dict[str, int]:
    """Write ml.interventions of a day; return how many fired by trigger, both arms.

    Raises NotEnoughData when a trigger's scores of that day were not made.
    """
    import os

    from ml.interventions import warehoused
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    with connect(load(os.environ)) as client:
        return warehoused.decide(client, day(as_of))


def send(as_of: str) -> int:
    """Tell the webhook of the settings whom to write to; return how many.

    Raises BadSetting when no address or no secret is set, Unavailable when nobody
    answers there, DestinationRefused when the answer is no.
    """
    import os
    import time

    from ml.interventions import warehoused, webhook
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    settings = load(os.environ)
    with connect(settings) as client:
        told = warehoused.written_to(client, day(as_of))
    return webhook.send(settings, told, now=time.time())


def uplifts(until: str) -> "list[Uplift]":
    """What each trigger did so far, beside those held out, of decisions up to a day."""
    import os

    from ml.interventions import warehoused
    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    with connect(load(os.environ)) as client:
        return warehoused.uplifts(client, day(until))
