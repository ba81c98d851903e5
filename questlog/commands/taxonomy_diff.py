"""The command `questlog taxonomy diff`: what a change of taxonomy does to history."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from questlog import doors
from warehouse.settings import REPOSITORY

if TYPE_CHECKING:
    from ingestion.rejudging import Rejudged
    from warehouse.taxonomy import Taxonomy
    from warehouse.taxonomy.comparison import Change, Comparison

_DEFAULT = REPOSITORY / "taxonomy"


def diff(
    revision: Annotated[
        str,
        typer.Argument(
            metavar="REV", help="What to compare with: a git revision, or a folder."
        ),
    ],
    folder: Annotated[
        Path, typer.Option(help="The taxonomy that is to be accepted.")
    ] = _DEFAULT,
    replay: Annotated[
        int | None,
        typer.Option(
            metavar="DAYS",
            min=1,
            help="Judge the stored events of so many days by the new taxonomy too.",
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="The day, like 2026-03-01; today unless given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what changed since a revision; exit 1 when it breaks history.

    With --replay also when stored events would now be refused.

    Example: questlog taxonomy diff main --replay 28
    """
    from warehouse.taxonomy import load
    from warehouse.taxonomy.comparison import Calendar, compare
    from warehouse.taxonomy.revisions import released

    now = datetime.now(UTC)
    today = doors.day(as_of) if as_of else now.date()
    old, new = released(revision), load(folder)
    comparison = compare(old.taxonomy, new, Calendar(today=today, released=old.on))
    rejudged = None
    if replay is not None:
        rejudged = _replayed(old.taxonomy, new, replay, _end(today, now))
    if as_json:
        from json import dumps

        typer.echo(dumps(_as_json(comparison, rejudged), indent=2))
    else:
        _print(comparison, rejudged, replay)
    if comparison.refused or (rejudged is not None and rejudged.refused_events):
        raise typer.Exit(1)


def _end(today: date, now: datetime) -> datetime:
    return now if today == now.date() else datetime(*today.timetuple()[:3], tzinfo=UTC)


def _replayed(old: "Taxonomy", new: "Taxonomy", days: int, now: datetime) -> "Rejudged":
    from ingestion.rejudging import rejudge_stored

    return rejudge_stored(doors.settings(), old=old, new=new, days=days, now=now)


def _as_json(comparison: "Comparison", rejudged: "Rejudged | None") -> dict[str, Any]:
    return {
        "bump": None if comparison.bump is None else comparison.bump.word,
        "refused": len(comparison.refused),
        "changes": [
            asdict(one) | {"kind": one.kind.word, "refused": one.refused}
            for one in comparison.changes
        ],
        "versions": {name: list(step) for name, step in comparison.versions.items()},
        "undeclared": sorted(comparison.undeclared),
        "replay": None
        if rejudged is None
        else {
            "events": rejudged.events,
            "refused_events": rejudged.refused_events,
            "noted_events": rejudged.noted_events,
            "refused": [
                {"event_name": name, "reason": reason, "events": count}
                for (name, reason), count in rejudged.refused.most_common()
            ],
        },
    }


def _print(
    comparison: "Comparison", rejudged: "Rejudged | None", days: int | None
) -> None:
    for one in comparison.changes:
        typer.echo(_line(one))
    if comparison.bump is None:
        typer.echo("Nothing changed")
    else:
        typer.echo(
            f"{_counted(comparison)}, {comparison.bump.word};"
            f" {len(comparison.refused)} refused"
        )
    undeclared = comparison.undeclared
    for name, (before, after) in comparison.versions.items():
        todo = f"; write {after} in its `versions`" if name in undeclared else ""
        typer.echo(f"version  {name} {before or '(new)'} -> {after}{todo}")
    if rejudged is not None:
        _print_replay(rejudged, days)


def _counted(comparison: "Comparison") -> str:
    count = len(comparison.changes)
    return "1 change" if count == 1 else f"{count} changes"


def _line(one: "Change") -> str:
    kind = "REFUSED" if one.refused else one.kind.word
    instead = f"\n         instead: {one.instead}" if one.refused else ""
    return f"{kind:<8} {one.at}: {one.says}{instead}"


def _print_replay(rejudged: "Rejudged", days: int | None) -> None:
    typer.echo(
        f"Of {rejudged.events:,} events stored in {days} days"
        f" {rejudged.refused_events:,} would now be refused,"
        f" {rejudged.noted_events:,} noted"
    )
    for (name, reason), count in rejudged.refused.most_common():
        ids = ", ".join(rejudged.samples[name, reason])
        typer.echo(f"  {name} {reason}: {count:,} events, such as {ids}")
