"""Commands of the room: models. Train, judge and score; the same as the DAGs do."""

import json
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from ml.registry import Judgement

KINDS = ("churn", "early_churn", "lifetime_value")

churn = typer.Typer(help="Who will leave.", no_args_is_help=True)
lifetime_value = typer.Typer(help="What customers will spend.", no_args_is_help=True)

AsOf = Annotated[
    str, typer.Option("--as-of", help="Only what was known before this day counts.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Model = Annotated[
    str, typer.Option("--model", help="Id of a model. Empty: the one in use.")
]

_CHANCES = {
    "average_precision": "AP",
    "auc": "AUC",
    "brier": "Brier",
    "log_loss": "log loss",
    "ece": "ECE",
    "lift_at_10_percent": "lift 10 %",
}
_SHOWN = {
    "churn": _CHANCES,
    "early_churn": _CHANCES,
    "lifetime_value": {
        "mae": "MAE",
        "rmse": "RMSE",
        "bias": "bias",
        "spearman": "rank corr.",
    },
}


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(churn, name="churn")
    app.add_typer(lifetime_value, name="lifetime-value")
    app.command("train")(train)
    app.command("score")(score)


def train(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS) + ".")],
    as_of: AsOf,
    *,
    where_due: Annotated[
        bool,
        typer.Option(
            "--where-due", help="Only where outcomes or age ask for it; say why."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train the models of a kind and judge them beside their baselines.

    Example: questlog train churn --as-of 2026-03-01 --where-due
    """
    door = room(kind)
    if where_due and not _is_due(kind, as_of):
        return
    door.train(as_of)
    _tell(kind, as_of, scored=None, as_json=as_json)


def score(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS) + ".")],
    as_of: AsOf,
    model: Model = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Write the scores of a day by the model chosen, or the one named.

    Example: questlog score churn --as-of 2026-03-01
    """
    scored = room(kind).score(model or _chosen(kind, as_of), as_of)
    _tell_scored(kind, as_of, scored=scored, as_json=as_json)


def _is_due(kind: str, as_of: str) -> bool:
    """Say on standard error whether training is due, and why."""
    from ml import retraining

    with doors.client() as client:
        found = retraining.due(client, doors.settings(), kind, doors.day(as_of))
    if found.because:
        typer.echo(f"Training is due: {found.because}.", err=True)
    else:
        typer.echo(f"Training is not due: {found.model_id} goes on.", err=True)
    return bool(found.because)


def room(kind: str) -> "ModuleType":
    """The door of a kind of model. Raises BadInput for no kind."""
    if kind not in KINDS:
        raise BadInput(f"{kind!r} is no kind of model: {', '.join(KINDS)}.")
    return import_module(f"ml.{kind}")


@churn.command("train")
def train_churn(as_of: AsOf, *, as_json: AsJson = False) -> None:
    """Train the churn models and judge them against the recency rule.

    Example: questlog churn train --as-of 2026-03-01
    """
    from ml import churn as room

    room.train(as_of)
    _tell("churn", as_of, scored=None, as_json=as_json)


@churn.command("score")
def score_churn(as_of: AsOf, model: Model = "", *, as_json: AsJson = False) -> None:
    """Write the churn probability of everyone active in the 56 days before a day.

    Example: questlog churn score --as-of 2026-03-01
    """
    from ml import churn as room

    scored = room.score(model or _chosen("churn", as_of), as_of)
    _tell_scored("churn", as_of, scored=scored, as_json=as_json)


@churn.command("run")
def run_churn(as_of: AsOf, *, as_json: AsJson = False) -> None:
    """Train, then score with the chosen model.

    Example: questlog churn run --as-of 2026-03-01
    """
    from ml import churn as room

    scored = room.score(room.train(as_of), as_of)
    _tell("churn", as_of, scored=scored, as_json=as_json)


@lifetime_value.command("train")
def train_lifetime_value(as_of: AsOf, *, as_json: AsJson = False) -> None:
    """Fit the lifetime-value model and judge it against the rate rule.

    Example: questlog lifetime-value train --as-of 2026-03-01
    """
    from ml import lifetime_value as room

    room.train(as_of)
    _tell("lifetime_value", as_of, scored=None, as_json=as_json)


@lifetime_value.command("score")
def score_lifetime_value(
    as_of: AsOf, model: Model = "", *, as_json: AsJson = False
) -> None:
    """Write what everyone who ever paid will spend in the next 28 days.

    Example: questlog lifetime-value score --as-of 2026-03-01
    """
    from ml import lifetime_value as room

    scored = room.score(model or _chosen("lifetime_value", as_of), as_of)
    _tell_scored("lifetime_value", as_of, scored=scored, as_json=as_json)


@lifetime_value.command("run")
def run_lifetime_value(as_of: AsOf, *, as_json: AsJson = False) -> None:
    """Train, then score with the chosen one.

    Example: questlog lifetime-value run --as-of 2026-03-01
    """
    from ml import lifetime_value as room

    scored = room.score(room.train(as_of), as_of)
    _tell("lifetime_value", as_of, scored=scored, as_json=as_json)


def _chosen(kind: str, as_of: str) -> str:
    from ml import records

    with doors.client() as client:
        return records.in_use(client, kind, doors.day(as_of))


def _tell(kind: str, as_of: str, *, scored: int | None, as_json: bool) -> None:
    """Show each model beside its baseline, as ml.models has them."""
    from ml import records

    with doors.client() as client:
        found = records.judgements(client, kind, doors.day(as_of))
    if as_json:
        models = [{**asdict(judged), "artifact": judged.artifact} for judged in found]
        typer.echo(json.dumps({"scored": scored, "models": models}, default=str))
        return
    _print_table(kind, found)
    if scored is not None:
        _tell_scored(kind, as_of, scored=scored, as_json=False)


def _tell_scored(kind: str, as_of: str, *, scored: int, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"kind": kind, "as_of": as_of, "scored": scored}))
    else:
        typer.echo(f"{scored} people scored as of {as_of}.")


def _print_table(kind: str, found: "list[Judgement]") -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    first = found[0]
    table = Table(
        box=SIMPLE,
        padding=(0, 1, 0, 0),
        title=f"{kind.replace('_', ' ')} as of {first.as_of}: judged on"
        f" {first.metrics['people']:.0f} people over the {first.horizon_days} days"
        f" from {first.judged_from}",
    )
    table.add_column("model", no_wrap=True)
    for title in _SHOWN[kind].values():
        table.add_column(title, justify="right")
    table.add_column("", no_wrap=True)
    for judged in found:
        table.add_row(judged.estimator, *_figures(kind, judged.metrics), _role(judged))
    console = Console()
    console.print(table)
    if "base_rate" in first.metrics:
        console.print(f"Base rate: {first.metrics['base_rate']:.4f}")


def _figures(kind: str, metrics: "Mapping[str, float]") -> list[str]:
    return [f"{metrics[name]:.4f}" for name in _SHOWN[kind]]


def _role(judged: "Judgement") -> str:
    said = (("chosen", judged.is_chosen), ("baseline", judged.is_baseline))
    return ", ".join(word for word, holds in said if holds)
