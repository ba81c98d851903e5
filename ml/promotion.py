"""Let another trained model write a day's scores, and take that back."""

from datetime import date
from typing import TYPE_CHECKING

from warehouse.clickhouse import rows
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def promote(
    client: "Client", *, kind: str, model_id: str, as_of: date, because: str
) -> None:
    """Write down that a model of this day or an earlier one is to write its scores.

    Raises BadInput when there is no such model, or when it was trained later.
    """
    found = rows(
        client,
        "select as_of from ml.models"
        " where kind = {kind:String} and model_id = {model:String} limit 1",
        {"kind": kind, "model": model_id},
    )
    if not found or not model_id:
        raise BadInput(
            f"ml.models has no {kind} model {model_id!r}. `questlog train {kind}"
            f" --as-of {as_of} --json` names those of a day."
        )
    if found[0]["as_of"] > as_of:
        raise BadInput(
            f"{model_id} has seen days after {as_of}: its scores would know the future."
            " Name a model of that day or an earlier one."
        )
    client.insert(
        "ml.promotions",
        [[kind, as_of, model_id, because]],
        column_names=["kind", "as_of", "model_id", "because"],
    )


def promoted(client: "Client", kind: str, as_of: date) -> str | None:
    """The model last promoted by hand for a day; None where nobody did."""
    found = rows(
        client,
        "select model_id from ml.promotions where kind = {kind:String}"
        " and as_of = {as_of:Date} order by decided_at desc limit 1",
        {"kind": kind, "as_of": as_of},
    )
    return str(found[0]["model_id"]) if found else None


def latest_day(client: "Client", kind: str) -> date:
    """The last day models of a kind were trained on. Raises BadInput when none was."""
    found = rows(
        client,
        "select max(as_of) as day, count() as models from ml.models"
        " where kind = {kind:String} and model_id != ''",
        {"kind": kind},
    )[0]
    if not found["models"]:
        raise BadInput(f"No {kind} model was ever trained. Train one first.")
    day: date = found["day"]
    return day


def day_before(client: "Client", kind: str, as_of: date) -> date:
    """The last day before one on which a model was chosen. Raises BadInput if none."""
    found = rows(
        client,
        "select max(as_of) as day, count() as models from ml.models"
        " where kind = {kind:String} and as_of < {as_of:Date} and is_chosen",
        {"kind": kind, "as_of": as_of},
    )[0]
    if not found["models"]:
        raise BadInput(
            f"No {kind} model wrote scores before {as_of}: there is nothing to go back"
            " to. `questlog promote` can name another model of the day."
        )
    day: date = found["day"]
    return day
