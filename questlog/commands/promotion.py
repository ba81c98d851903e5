"""Commands of the room: models in use. Promote another, go back, see what moved."""

import json
from typing import Annotated

import typer

from questlog import doors
from questlog.commands.models import room
from warehouse.errors import BadInput

Kind = Annotated[str, typer.Argument(help="churn, early_churn or lifetime_value.")]
AsOf = Annotated[
    str, typer.Option("--as-of", help="A day. Empty: the last one trained on.")
]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("promote")(promote)
    app.command("watch")(watch)


def promote(
    kind: Kind,
    model: Annotated[str, typer.Argument(help="Id of the model.")] = "",
    as_of: AsOf = "",
    because: Annotated[str, typer.Option("--because", help="Why, to be kept.")] = "",
    *,
    back: Annotated[
        bool, typer.Option("--back", help="The model that wrote the scores before.")
    ] = False,
) -> None:
    """Let a model write a day's scores, and write them; --back takes the one before.

    Example: questlog promote lifetime_value --back --because "too few payments"
    """
    from datetime import UTC, datetime

    from ml import promotion, records
    from warehouse import audit

    door = room(kind)
    if back == bool(model):
        raise BadInput("Name either a model or --back.")
    with doors.client() as client:
        day = doors.day(as_of) if as_of else promotion.latest_day(client, kind)
        if back:
            before = promotion.day_before(client, kind, day)
            model = records.chosen(client, kind, before)
        promotion.promote(client, kind=kind, model_id=model, as_of=day, because=because)
        done = audit.act(
            by="", because=because or "questlog promote", at=datetime.now(UTC)
        )
        detail = {"model_id": model}
        audit.note(
            client,
            done,
            action="model.promote",
            subject=f"{kind} {day}",
            detail=detail,
        )
    scored = door.score(model, day.isoformat())
    typer.echo(f"{model} writes the scores of {day}: {scored} people scored.")


def watch(
    kind: Kind,
    as_of: AsOf = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how far people and scores have moved, and how earlier scores turned out.

    Example: questlog watch lifetime_value
    """
    from ml import promotion
    from ml.drift import MOVED
    from ml.promises import ASKS
    from warehouse.clickhouse import rows

    room(kind)
    with doors.client() as client:
        day = doors.day(as_of) if as_of else promotion.latest_day(client, kind)
        found = rows(
            client,
            "select watch, as_of, model_id, subject, value, people from ml.watch"
            " where kind = {kind:String} and as_of <= {day:Date}"
            " and (watch = 'outcome' or as_of = {day:Date})"
            " order by watch, as_of, model_id, subject",
            {"kind": kind, "day": day},
        )
    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    for row in found:
        moved = row["watch"] == "drift" and row["value"] >= MOVED
        asks = row["subject"] == ASKS and row["value"] > 0
        typer.echo(
            f"{row['watch']:<8} {row['as_of']} {row['subject']:<28}"
            f" {row['value']:>14.4f}{'  moved' * moved}{'  train it' * asks}"
        )
    if not found:
        typer.echo(f"Nothing was watched of {kind} up to {day}: score it first.")
