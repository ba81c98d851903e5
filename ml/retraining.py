"""When models are trained again: where outcomes say so, or where they are old."""

from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from typing import TYPE_CHECKING

from ml import promises, records
from warehouse.clickhouse import rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Why a kind of model is to be trained on a day; empty where it is not.

    `model_id` is the model that wrote scores before, empty where there is none.
    """

    model_id: str
    because: str


def due_at_door(kind: str, as_of: str) -> str:
    """Judge outcomes, and say why training is due on a day; empty where it is not."""
    import os

    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    settings = load(os.environ)
    with connect(settings) as client:
        return due(client, settings, kind, day(as_of)).because


def model_at_door(kind: str, as_of: str, because: str) -> str:
    """The model to score a day with: trained now where there is a reason, or kept.

    Raises NotEnoughData where training lacks data.
    """
    import os

    from ml.spine import day
    from warehouse.clickhouse import connect
    from warehouse.settings import load

    if because:
        trained: str = import_module(f"ml.{kind}").train(as_of)
        return trained
    with connect(load(os.environ)) as client:
        return records.in_use(client, kind, day(as_of))


def due(client: "Client", settings: "Settings", kind: str, as_of: date) -> Due:
    """Judge outcomes known by a day, and whether they or age ask for training.

    What was trained on the day itself does not count: a repeated run sees the same.
    Only outcomes of what the model in use wrote are asked: those of an earlier one say
    nothing of it.
    """
    import_module(f"ml.{kind}.watching").outcomes(client, as_of)
    before = as_of - timedelta(days=1)
    model_id = records.in_use_by(client, kind, before)
    if model_id is None:
        return Due(model_id="", because="no model was trained before")
    asked = promises.asking(client, kind, model_id, as_of)
    if asked:
        days = ", ".join(day.isoformat() for day in asked)
        return Due(
            model_id=model_id,
            because=f"the scores of {days} are not what {model_id} promised",
        )
    age = (as_of - _trained_on(client, kind, model_id)).days
    if age >= settings.model_oldest_days:
        return Due(model_id=model_id, because=f"{model_id} is {age} days old")
    return Due(model_id=model_id, because="")


def _trained_on(client: "Client", kind: str, model_id: str) -> date:
    found = rows(
        client,
        "select max(as_of) as day from ml.models"
        " where kind = {kind:String} and model_id = {model:String}",
        {"kind": kind, "model": model_id},
    )
    day: date = found[0]["day"]
    return day
