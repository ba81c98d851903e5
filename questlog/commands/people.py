"""Commands about groups of people: segments, health, lookalikes, interventions."""

from typing import Annotated

import typer

from questlog import doors

segments = typer.Typer(help="Groups of people.", no_args_is_help=True)
health = typer.Typer(help="How well people are doing.", no_args_is_help=True)

interventions = typer.Typer(help="Whom to write to, and why.", no_args_is_help=True)

AsOf = Annotated[
    str, typer.Option("--as-of", help="Only what was known before this day counts.")
]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(segments, name="segments")
    app.add_typer(health, name="health")
    app.add_typer(interventions, name="interventions")
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


@interventions.command("decide")
def decide(as_of: AsOf) -> None:
    """Fire the triggers as of a day; a share of people is always held out.

    Example: questlog interventions decide --as-of 2026-03-01
    """
    from ml import interventions as room

    for name, fired in room.decide(as_of).items():
        typer.echo(f"{name:<20} {fired:>7,} people, those held out among them")


@interventions.command("send")
def send(as_of: AsOf) -> None:
    """Send a day's interventions to the webhook, without those held out.

    Example: questlog interventions send --as-of 2026-03-01
    """
    from ml import interventions as room

    typer.echo(f"{room.send(as_of)} interventions sent.")


@interventions.command("uplift")
def uplift(as_of: AsOf) -> None:
    """Whether writing to people kept them, beside those held out.

    Example: questlog interventions uplift --as-of 2026-06-01
    """
    from ml import interventions as room

    found = room.uplifts(as_of)
    for each in found:
        typer.echo(
            f"{each.trigger:<20} {each.written_to:>7,} written to, {each.held_out:,}"
            f" held out: {each.difference:+.1%} stayed"
            f" [{each.low:+.1%}, {each.high:+.1%}]: {each.told}"
        )
    if not found:
        typer.echo("No decision has a complete outcome yet.")
