"""Commands of identity: whose an id is, why, and how to link or cut."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from questlog import doors
from warehouse import audit
from warehouse import identity as graphs

identity = typer.Typer(
    help="Whose an id is, and why; link ids, and undo wrong merges.",
    no_args_is_help=True,
)
_Id = Annotated[str, typer.Argument(help="A user id, or anon: and an anonymous id.")]
_Because = Annotated[str, typer.Option(help="Why. Kept for ever; ids only.")]
_By = Annotated[str, typer.Option(help="Who decides. Empty: this machine's user.")]
_NEXT = "The next build of the marts follows it: `questlog build marts`, or the DAG."


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.add_typer(identity, name="identity")


@identity.command("show")
def show(
    own_id: _Id,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show an id's person as last built, all ids around it, and each edge with its why.

    Example: questlog identity show anon:phone-17
    """
    with doors.client() as client:
        graph = graphs.graph(client, own_id)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(graph), default=str))
        return
    from rich.console import Console
    from rich.table import Table

    people = Table("id", "person")
    for one, person in graph.people.items():
        people.add_row(one, person)
    edges = Table("id", "person", "edge", "valid from", "valid to", "by", "because")
    for edge in graph.edges:
        edges.add_row(
            *(edge.id, edge.person_id, edge.kind, _moment(edge.since)),
            *(_moment(edge.valid_to), edge.by, edge.because),
        )
    console = Console()
    console.print(f"{own_id} is {graph.person_id}", people, edges, sep="\n")
    _tell_circle(graph)


def _moment(moment: datetime | None) -> str:
    return moment.isoformat(timespec="milliseconds") if moment else ""


@identity.command("link")
def link(own_id: _Id, person: _Id, because: _Because, by: _By = "") -> None:
    """Declare that an id is a person's: an alias of one account, or a device.

    Example: questlog identity link ann2 ann --because "support case 4711"
    """
    done = audit.act(by=by, because=because, at=datetime.now(UTC))
    with doors.client() as client:
        graph = graphs.link(client, own_id, person, done)
    typer.echo(f"Noted: {own_id} is {person}'s. {_NEXT}")
    _tell_circle(graph)


@identity.command("unlink")
def unlink(
    own_id: _Id,
    because: _Because,
    person: Annotated[
        str,
        typer.Argument(help="The edge's other end; needed where there are several."),
    ] = "",
    by: _By = "",
) -> None:
    """Cut one edge, declared or found in events, and so undo a wrong merge.

    Example: questlog identity unlink anon:phone-17 ann --because "sold the phone"
    """
    done = audit.act(by=by, because=because, at=datetime.now(UTC))
    with doors.client() as client:
        edge = graphs.unlink(client, own_id, person, done)
    typer.echo(f"Cut: {edge.id} to {edge.person_id} ({edge.kind}). {_NEXT}")


def _tell_circle(graph: graphs.Graph) -> None:
    if ids := graphs.circle(graph.edges):
        typer.secho(
            f"Links lead in a circle: {', '.join(ids)}. They are one person"
            " all the same; cut one link to say which of them it is.",
            fg="yellow",
            err=True,
        )
