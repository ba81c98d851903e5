"""Commands of the door: write keys, the ingest service, the loader, imports."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from questlog import doors
from questlog.serving import serve
from warehouse.home import Home
from warehouse.lineage.events import Dataset, Job
from warehouse.lineage.telling import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion.imports import ImportSummary, Progress
    from ingestion.judging import Mode

keys = typer.Typer(help="Write keys: who may send events.", no_args_is_help=True)

_Open = Annotated[
    bool,
    typer.Option("--open", help="Accept and tag what the taxonomy does not plan."),
]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    serve.command("ingest")(ingest)
    app.add_typer(keys, name="keys")
    app.command("load")(load)
    app.command("import")(import_)


def _mode(open_mode: bool) -> "Mode":
    return "open" if open_mode else "planned"


def _now() -> datetime:
    return datetime.now(UTC)


@keys.command("add")
def add_key(
    source: Annotated[str, typer.Argument(help="What sends, such as web or server.")],
    open_mode: _Open = False,
    environment: Annotated[
        str | None,
        typer.Option(help="Where it is valid. Default: this home's environment."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Pages that may use it, such as https://www.example.com; * for any."
        ),
    ] = None,
    events_per_second: Annotated[
        int | None,
        typer.Option(min=0, help="Its own limit; 0 for none. Default: the door's."),
    ] = None,
) -> None:
    """Make a write key for a source and print it, this once.

    Example: questlog keys add web --origin https://www.example.com
    """
    from ingestion.keys import Terms, add

    settings = doors.settings()
    terms = Terms(
        environment=environment or settings.ingest_environment,
        origins=tuple(origin or ()),
        events_per_second=events_per_second,
    )
    path = Home(settings.home).write_keys
    key = add(path, source=source, mode=_mode(open_mode), now=_now(), terms=terms)
    _audited("keys.add", source, environment=terms.environment)
    _show_once(key)


@keys.command("rotate")
def rotate_key(
    named: Annotated[
        str, typer.Argument(help="A fingerprint, or a source with one key.")
    ],
    grace_hours: Annotated[
        float, typer.Option(min=0, help="How long the old key goes on.")
    ] = 24,
) -> None:
    """Make a new key on the terms of an old one, which ends after some hours.

    Example: questlog keys rotate web --grace-hours 72
    """
    from ingestion.keys import rotate

    path = Home(doors.settings().home).write_keys
    grace = timedelta(hours=grace_hours)
    key = rotate(path, named=named, now=_now(), grace=grace)
    _audited("keys.rotate", named, grace_hours=f"{grace_hours:g}")
    _show_once(key)


def _audited(action: str, subject: str, **detail: str) -> None:
    """The key itself stands nowhere; who changed which is kept."""
    from warehouse import audit, audit_journal

    done = audit.act(by="", because=f"questlog {action.replace('.', ' ')}", at=_now())
    audit_journal.keep(
        doors.settings(), done, action=action, subject=subject, detail=detail
    )


def _show_once(key: str) -> None:
    typer.echo(key)
    typer.echo("Keep this key: only its hash is stored.", err=True)


@keys.command("list")
def list_keys() -> None:
    """Show the write keys by source, without their secrets.

    Example: questlog keys list
    """
    from rich.console import Console
    from rich.table import Table

    from ingestion.keys import listed

    now = _now()
    table = Table("fingerprint", "source", "environment", "mode", "created", "state")
    for key in listed(Home(doors.settings().home).write_keys):
        table.add_row(
            key.fingerprint,
            key.source,
            key.terms.environment,
            key.mode,
            key.created,
            key.state(now),
        )
    Console().print(table)


@keys.command("revoke")
def revoke_key(
    named: Annotated[
        str, typer.Argument(help="A fingerprint, or a source: all its keys.")
    ],
) -> None:
    """Revoke a write key; the running service refuses it from the next request on.

    Example: questlog keys revoke web
    """
    from ingestion.keys import revoke

    path = Home(doors.settings().home).write_keys
    gone = revoke(path, named=named, now=_now())
    fingerprints = ", ".join(key.fingerprint for key in gone)
    _audited("keys.revoke", named, fingerprints=fingerprints)
    typer.echo(f"Revoked: {', '.join(key.fingerprint for key in gone)}")


def ingest() -> None:
    """Run the ingest service, where events come in.

    Example: questlog serve ingest
    """
    from ingestion.serving import serve_ingest

    serve_ingest(doors.settings())


def load(
    follow: Annotated[bool, typer.Option(help="Keep loading until SIGTERM.")] = False,
) -> None:
    """Move what lies in the durable log into ClickHouse.

    Example: questlog load --follow
    """
    from ingestion.loading import load_for_ever, load_once

    settings = doors.settings()
    if follow:
        with told(settings, Job(name="load", kind="SERVICE"), outputs=_written()):
            load_for_ever(settings, _now)
    else:
        typer.echo(f"{load_once(settings, _now)} records loaded")


def import_(  # noqa: PLR0917 - a command has as many options as it has
    file: Annotated[
        str,
        typer.Argument(
            help="A .jsonl, .csv or .tsv file, also .gz, or .parquet; or s3://bucket/key"
            " with one, or with many below it."
        ),
    ],
    source: Annotated[str, typer.Option(help="Name the events' source.")] = "import",
    open_mode: _Open = False,
    mapping: Annotated[
        Path | None, typer.Option(help="What a table's columns mean, in YAML.")
    ] = None,
    show_mapping: Annotated[
        bool, typer.Option(help="Import nothing; propose a mapping to start from.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON.")
    ] = False,
) -> None:
    """Bring a file of events into the warehouse, each line once however often.

    A table's columns may need a mapping: see docs/import.md.

    Example: questlog import history.jsonl.gz --source history
    """
    from ingestion.imports import import_file
    from ingestion.judging import Source
    from ingestion.s3_files import is_remote

    if show_mapping:
        from ingestion.mapping_start import proposed

        typer.echo(proposed(Path(file)), nl=False)
        return

    def run(path: Path, progress: "Progress") -> "ImportSummary":
        settings = doors.settings()
        with told(settings, Job(name="import", kind="IMPORT"), outputs=_written()):
            return import_file(
                path,
                settings,
                now=_now,
                source=Source(source, _mode(open_mode)),
                progress=progress,
                mapping=mapping,
            )

    if is_remote(file):
        reading = (source, _mode(open_mode), _content(mapping))
        _import_remote(file, reading, partial(run, progress=_silent))
    elif as_json:
        typer.echo(json.dumps(run(Path(file), _silent).as_json()))
    else:
        _shown(partial(run, Path(file)))


def _silent(_done: int, _total: int) -> None:
    """No progress is shown."""


def _content(mapping: Path | None) -> str:
    return "" if mapping is None else mapping.read_text()


def _import_remote(
    url: str, reading: tuple[str, ...], run: "Callable[[Path], ImportSummary]"
) -> None:
    """Import what lies at a place on S3; a line of JSON for each object."""
    from ingestion.s3_files import import_each, objects, store_of

    settings = doors.settings()
    store = store_of(settings)
    folder = Home(settings.home).root / "imports" / "s3"

    def imported(path: Path) -> bytes:
        return json.dumps(run(path).as_json()).encode()

    for words in import_each(objects(store, url), store, folder, reading, imported):
        typer.echo(words.decode())


def _written() -> list[Dataset]:
    """What ingestion writes, for lineage."""
    return [Dataset(table="raw.events"), Dataset(table="raw.refused_events")]


def _shown(run: "Callable[[Progress], ImportSummary]") -> None:
    """Import under a progress bar, then show the summary as a table."""
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.table import Table

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, description="Importing", completed=done, total=total)

        summary = run(progress)
    title = f"Import of {summary.file} as {summary.source}"
    if summary.already_imported:
        title += " (was imported before; nothing changed)"
    table = Table("", "events", title=title, title_justify="left")
    table.columns[1].justify = "right"
    table.add_row("lines", f"{summary.lines:,}")
    table.add_row("accepted", f"{summary.accepted:,}")
    for reason, count in summary.refused.items():
        table.add_row(f"refused: {reason}", f"{count:,}")
    Console().print(table)
