"""Commands about groups of people: segments, health, lookalikes."""

from typing import Annotated

import typer

from questlog import doors

segments = typer.Typer(help="Groups of people.", no_args_is_help=True)
health = typer.Typer(help="How well people are doing.", no_args_is_help=True)

AsOf = Annotated[
    str, typer.Option("--as-of", help="Only what was known before this day counts.")
]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(segments, name="segments")
    app.add_typer(health, name="health")
    app.command("lookalikes")(lookalikes)


@segments.command("run")
def run_segments(as_of: AsOf) -> None:
    """Find the segments of a day: those defined, k-means and HDBSCAN.

    Example: questlog segments run --as-of 2026-03-01
    """
    from ml import segments as room

    for size in room.run(as_of):
        typer.echo(f"{size.method:<8} {size.segment:<20} {size.people:>9,}")


@segments.command("history")
def history(
    since: Annotated[str, typer.Option("--from", help="First day.")],
    until: Annotated[str, typer.Option("--to", help="Last day.")],
) -> None:
    """How large the segments were on each day they were found.

    Example: questlog segments history --from 2026-01-01 --to 2026-03-01
    """
    from ml.segments import warehoused

    with doors.client() as client:
        found = warehoused.sizes(client, doors.day(since), doors.day(until))
    for size in found:
        typer.echo(
            f"{size.as_of} {size.method:<8} {size.segment:<20} {size.people:>9,}"
        )


@health.command("score")
def score_health(as_of: AsOf) -> None:
    """Write the health, 0 to 100, of everyone active in the 56 days before a day.

    Example: questlog health score --as-of 2026-03-01
    """
    from ml import health as room

    typer.echo(f"{room.score(as_of)} people scored as of {as_of}.")


def lookalikes(
    seed: Annotated[str, typer.Argument(help="Audience to find the like of.")],
    as_of: AsOf,
) -> None:
    """Score everyone outside an audience by how alike they are to its members.

    Example: questlog lookalikes top_value --as-of 2026-03-01
    """
    from ml.lookalikes import score

    found = score(seed, as_of)
    typer.echo("Lift in the top shares, on members hidden from each way:")
    for name, lifts in found.lifts.items():
        told = "  ".join(
            f"{share:.0%}: {mean:.2f} ± {2 * error:.2f}"
            for share, (mean, error) in lifts.items()
        )
        mark = "  (taken)" if name == found.method else ""
        typer.echo(f"  {name:<20} {told}{mark}")
    if not found.beats_chance:
        typer.echo("None finds more than chance beyond the noise: don't use the list.")
