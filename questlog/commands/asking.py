"""`questlog ask`: questions of product analytics on the published events."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from questlog import doors
from warehouse.errors import BadInput, NotEnoughData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EVENTS = "marts.fct_events"


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command(
        "ask",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(ask)


def ask(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="What to ask, such as funnel; or `saved`.")
    ] = "",
    params: Annotated[
        str, typer.Option(help="Parameters: a JSON object, or a file of one.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask the published events: a funnel, retention and more (docs/questions.md).

    Any parameter is an option too: --window-seconds 86400. A list is given by
    repeating it. Without a kind, the kinds are listed.

    Example: questlog ask funnel --steps user_signed_up --steps payment_completed
    """
    from questlog.answers import shown
    from warehouse.questions import parameters
    from warehouse.questions.registry import question
    from warehouse.questions.saved import load

    if not kind:
        _list_kinds()
        return
    words = list(context.args)
    given: dict[str, Any] = {}
    if kind == "saved":
        saved = load()
        if not words or words[0].startswith("--"):
            _list_saved(saved)
            return
        name = words.pop(0)
        if name not in saved:
            raise BadInput(
                f"No question is saved as {name!r}. There are: {', '.join(saved)}."
            )
        kind, given = saved[name].kind, dict(saved[name].parameters)
    asked = question(kind)
    given |= _read(params) | _options(words, asked.parameters)
    parameters.require_known(kind, asked.parameters, given)
    with doors.client() as client:
        for model in asked.models:
            _require_published(client, model)
        answer = asked.ask(client, EVENTS, _with_settings(given, asked.parameters))
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, default=str))
    else:
        shown(kind, answer)


def _with_settings(
    given: Mapping[str, Any], form: type[msgspec.Struct]
) -> dict[str, Any]:
    """The parameters, with what the house decides where nobody said otherwise."""
    names = {field.encode_name for field in msgspec.structs.fields(form)}
    house: dict[str, Any] = {
        "time_zone": doors.settings().reporting_timezone,
        # half a million ids help nobody who didn't ask for them
        "users": False,
        # a period that goes on would look like a drop
        "finished_only": True,
    }
    return {name: house[name] for name in names & set(house)} | dict(given)


def _read(params: str) -> dict[str, Any]:
    if not params:
        return {}
    text = params if params.lstrip().startswith("{") else _text(Path(params))
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadInput(f"--params is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise BadInput("--params must be one JSON object.")
    # the very params.json of a case may be given
    return {name: value for name, value in found.items() if name != "kind"}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        raise BadInput(
            f"--params: {path} is neither a JSON object nor a file."
        ) from None


def _options(words: list[str], form: type[msgspec.Struct]) -> dict[str, Any]:
    """`--window-seconds 60` as {"window_seconds": 60}; several of one name: a list."""
    lists = {
        field.encode_name
        for field in msgspec.structs.fields(form)
        if str(field.type).startswith(("list", "tuple"))
    }
    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        option = rest.pop(0)
        if not option.startswith("--"):
            raise BadInput(f"{option!r} stands alone; write --NAME VALUE.")
        name, equals, value = option[2:].partition("=")
        if not equals:
            if not rest:
                raise BadInput(f"{option} has no value; write {option} VALUE.")
            value = rest.pop(0)
        name = name.replace("-", "_")
        if name in lists and not isinstance(_plain(value), list):
            found.setdefault(name, []).append(_plain(value))
        else:
            found[name] = _plain(value)
    return found


def _plain(value: str) -> Any:
    """JSON where it is JSON, else the text itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _require_published(client: "Client", model: str) -> None:
    """Raise NotEnoughData, telling what to run, when a table is not there or empty."""
    from warehouse.clickhouse import rows

    query = (
        "select total_rows from system.tables"
        " where database = 'marts' and name = {model:String}"
    )
    found = rows(client, query, {"model": model})
    if not found or not found[0]["total_rows"]:
        state = "empty" if found else "not published yet"
        raise NotEnoughData(
            f"marts.{model} is {state}, so there is nothing to ask. Import events, then"
            " run `questlog build staging`, `questlog build marts`, `questlog gate"
            " marts` and `questlog publish marts`; or see it all with `make demo`."
        )


def _list_kinds() -> None:
    from rich.console import Console
    from rich.table import Table

    from warehouse.questions.registry import KINDS

    table = Table("kind", "what it answers")
    for kind, asked in sorted(KINDS.items()):
        table.add_row(kind, asked.meaning)
    table.add_row("saved", "A question kept in dbt_project/questions, by its name")
    Console().print(table)


def _list_saved(saved: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    # a name is there to be typed again, whole
    table = Table(Column("name", no_wrap=True), "kind", "meaning", "owner")
    for name, one in saved.items():
        table.add_row(name, one.kind, one.meaning, one.owner)
    Console().print(table)
