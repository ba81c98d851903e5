"""Commands about what producers send: how well each keeps the taxonomy."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors

if TYPE_CHECKING:
    from expectations.property_quality import Moved
    from expectations.quality import Quality

_MOVED_FAR, _FILLED_OTHERWISE = 0.1, 0.1
_SHOWN_PROPERTIES = 20
_LEAST_EVENTS = 30


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    quality = typer.Typer(help="What producers send.", no_args_is_help=True)
    quality.command("report")(report)
    quality.callback()(_quality)
    app.add_typer(quality, name="quality")


def _quality() -> None:
    """What producers send, and how well they keep the taxonomy."""


def report(
    as_of: Annotated[str, typer.Option(help="The day, like 2026-03-01.")],
    days: Annotated[int, typer.Option(min=1, help="Days before it.")] = 7,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell of each event type, source and tracker what it sent in the last days.

    Refused, with a tag, late, sent again, lost on the way; how far each property moved
    from the four weeks before, which came new and which are gone. The screen shows what
    moved; JSON and ops.quality have all.

    Example: questlog quality report --as-of 2026-03-01
    """
    from expectations import quality

    with doors.client() as client:
        told = quality.report(client, doors.day(as_of), days)
    if json:
        import json as written

        typer.echo(written.dumps([asdict(one) for one in told], indent=1))
    else:
        _print(told)


def _print(told: "Sequence[Quality]") -> None:
    if not told:
        typer.echo("Nobody sent anything in these days.")
        return
    _table(
        "Senders",
        ("sender", "events", "refused", "tagged", "late", "p95", "again", "complete"),
        [_of_sender(name, lines) for name, lines in _by_sender(told)],
    )
    _table(
        "Event types",
        ("event", "source", "events", "refused", "tagged", "late", "p95", "again"),
        [
            (event, source, *_counts(lines))
            for (event, source), lines in _grouped(told, "event_name", "source")
        ],
    )
    moved = sorted(_that_moved(told), key=lambda one: -one[0])
    if moved:
        _table(
            "Properties that moved",
            ("event", "property", "distance", "filled before", "now", ""),
            [line for _, line in moved[:_SHOWN_PROPERTIES]],
        )
    left = len(moved) - _SHOWN_PROPERTIES
    typer.echo(f"{left} more moved: --json has all." if left > 0 else _LEGEND)


_LEGEND = """\
late: known over an hour after it happened; p95: 95 of 100 were known sooner;
again: arrivals beyond the first; complete: numbers of devices that came, of all;
distance: 0 as in the four weeks before, 1 nothing in common; filled: events that
have the property. What fewer than 30 events say of either is left out."""


def _table(title: str, heads: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, title=title, title_justify="left", box=None)
    for column in table.columns[1:]:
        column.no_wrap = True
    # a name is shown whole, on several lines where it must be
    table.columns[0].overflow = "fold"
    for line in lines:
        table.add_row(*line)
    console = Console(highlight=False)
    console.print(table)
    console.print()


def _grouped(
    told: "Iterable[Quality]", *by: str
) -> "Iterable[tuple[tuple[str, ...], list[Quality]]]":
    def key(one: "Quality") -> tuple[str, ...]:
        return tuple(getattr(one, name) for name in by)

    for names, lines in groupby(sorted(told, key=key), key=key):
        yield names, list(lines)


def _by_sender(
    told: "Iterable[Quality]",
) -> "Iterable[tuple[str, list[Quality]]]":
    """By source and tracker; of what was refused no tracker is known."""
    for (source, tracker), lines in _grouped(told, "source", "tracker"):
        yield f"{source} {tracker}".strip(), lines


def _of_sender(name: str, lines: "Sequence[Quality]") -> tuple[str, ...]:
    came, missing = lines[0].numbered, lines[0].missing
    complete = f"{came / (came + missing):.2%}" if came else ""
    return (name, *_counts(lines), complete)


def _counts(lines: "Sequence[Quality]") -> tuple[str, ...]:
    """Events, and shares of them: refused, tagged, late; p95 of the latest type."""
    events, refused = (sum(getattr(o, n) for o in lines) for n in ("events", "refused"))
    shares = (
        sum(getattr(one, name) for one in lines) / max(1, events)
        for name in ("violations", "late", "copies")
    )
    tagged, late, again = (f"{share:.1%}" for share in shares)
    p95 = max(one.late_p95_s for one in lines)
    share = f"{refused / max(1, events + refused):.1%}"
    return (f"{events:,}", share, tagged, late, _span(p95), again)


def _that_moved(
    told: "Iterable[Quality]",
) -> "Iterable[tuple[float, tuple[str, ...]]]":
    """What is worth a look, once an event type: how far, and its line."""
    for (event,), lines in _grouped(told, "event_name"):
        properties = lines[0].properties
        if properties and all(one.is_first_seen for one in properties):
            yield 1.0, (event, "the event itself", "", "", "", "new")
            continue
        enough = sum(one.events for one in lines) >= _LEAST_EVENTS
        for one in properties:
            filled = abs(one.filled - one.filled_before) * enough
            if (
                one.is_first_seen
                or one.is_gone_missing
                or one.distance >= _MOVED_FAR
                or filled >= _FILLED_OTHERWISE
            ):
                yield max(one.distance, filled), (event, *_moved_line(one))


def _moved_line(one: "Moved") -> tuple[str, ...]:
    state = "new" if one.is_first_seen else "gone" if one.is_gone_missing else ""
    far = f"{one.distance:.2f} {one.measure}" if one.measure else ""
    return (one.name, far, f"{one.filled_before:.1%}", f"{one.filled:.1%}", state)


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
