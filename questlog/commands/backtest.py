"""Commands that judge models on data of your own, outside the warehouse."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from questlog import doors
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from ml.churn.cases import Answer

backtest = typer.Typer(
    help="Judge models on people they have not seen.", no_args_is_help=True
)

_TITLES = {
    "auc": "AUC",
    "average_precision": "AP",
    "brier": "Brier",
    "ece": "ECE",
    "lift_at_10_percent": "lift 10 %",
    "log_loss": "log loss",
}


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(backtest, name="backtest")


@backtest.callback()
def main() -> None:
    """Judge models on people they have not seen."""


@backtest.command("churn")
def churn(
    case: Annotated[
        Path | None,
        typer.Option("--case", help="Folder with params.json and logs of events."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", help="CSV, a customer a row.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="CSV to write: user_id, churn_probability."),
    ] = None,
    target: Annotated[
        str, typer.Option("--target", help="The table's column saying who left.")
    ] = "Churn",
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.")
    ] = False,
) -> None:
    """Cross-validate churn models beside a plain rule; score a case's other people.

    Example: questlog backtest churn --case my-case --out scores.csv
    """
    from ml.churn import cases
    from ml.churn.profit import costs_of

    costs = costs_of(doors.settings())
    if (case is None) == (table is None):
        raise BadInput("Name either --case FOLDER or --table FILE.")
    if table is not None:
        if out is not None:
            raise BadInput("A table has nobody to score; leave --out away.")
        found = cases.of_table(table, target, costs)
    elif case is not None:
        found = cases.of_folder(case, _params(case), costs)
    if out is not None and found.scores is not None:
        found.scores.to_csv(out, index=False, float_format="%.6f")
    typer.echo(_as_json(found) if as_json else _as_text(found))


def _params(folder: Path) -> dict[str, Any]:
    path = folder / "params.json"
    try:
        said = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"There is no {path}: it says the days of the case.") from error
    except ValueError as error:
        raise BadInput(f"{path} is no JSON; mend it.") from error
    if not isinstance(said, dict):
        raise BadInput(f"{path} must hold one JSON object.")
    return said


def _as_json(answer: "Answer") -> str:
    said = asdict(answer.found)
    said.pop("raw")
    scored = None if answer.scores is None else len(answer.scores)
    said["profit"] = {
        name: {**curve, "best_share": found.best_share}
        for (name, curve), found in zip(
            said["profit"].items(), answer.found.profit.values(), strict=True
        )
    }
    return json.dumps({**said, "scored": scored, "notes": answer.notes})


def _as_text(answer: "Answer") -> str:
    found = answer.found
    if not found.figures:
        return "\n".join([found.because, *_closing(answer)])
    first = next(iter(found.figures.values()))
    lines = [
        f"{first['people']:.0f} people, {first['base_rate']:.1%} of whom left.",
        "Each is told by a model that never saw them.",
        "In brackets 95 % intervals, then those of the difference from the rule.",
    ]
    for measure, title in _TITLES.items():
        lines += ["", title]
        for name, figures in found.figures.items():
            low, high = found.intervals[name][measure]
            line = f"  {name:<20} {figures[measure]:.4f} [{low:.4f}, {high:.4f}]"
            if name in found.differences:
                low, high = found.differences[name][measure]
                line += f"  [{low:+.4f}, {high:+.4f}]"
            lines.append(line)
    lines += ["", "Profit at the best share of people to write to"]
    lines += [
        f"  {name:<20} {each.best_minor_per_person:.1f} minor units for each person, at"
        f" {each.best_share:.0%}"
        for name, each in found.profit.items()
    ]
    lines += ["", found.because, *_closing(answer)]
    return "\n".join(lines)


def _closing(answer: "Answer") -> list[str]:
    """What a reader should know, and how many were scored."""
    scored = [] if answer.scores is None else [f"{len(answer.scores)} people scored."]
    return [*(f"{note}." for note in answer.notes), *scored]
