"""Bring the local stack up as one thing, and say where it is."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType

from rich.console import Console

from questlog.stack import airflow, services, watching
from questlog.stack.supervisor import MARK, Stack, one_at_a_time, supervisor_of
from warehouse.clickhouse import connect
from warehouse.durable import put
from warehouse.errors import StackFailed
from warehouse.home import Home
from warehouse.migrations import migrate
from warehouse.settings import Settings, load, table

_LOCAL_ACCOUNT = "act_1000"
_LOCAL_CUSTOMER = "1000000000"
_LOCAL_TOKEN = "local-stand-in"  # noqa: S105 -- the stand-in's, worth nothing elsewhere


def with_standins(settings: Settings) -> Settings:
    """The settings with the ad platforms replaced by their local stand-ins."""
    return replace(
        settings,
        meta_graph_url=f"http://127.0.0.1:{settings.graph_standin_port}",
        meta_access_token=_LOCAL_TOKEN,
        meta_ad_account_id=_LOCAL_ACCOUNT,
        google_endpoint=f"127.0.0.1:{settings.google_standin_port}",
        google_developer_token=_LOCAL_TOKEN,
        google_customer_id=_LOCAL_CUSTOMER,
        google_login_customer_id="",
    )


def environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the stack's processes: these settings, and our mark."""
    ours = {
        row.metadata["name"]: _written(getattr(settings, row.name)) for row in table()
    }
    home = str(settings.home.resolve())
    given = {name: value for name, value in environ.items() if name not in ours}
    return given | ours | {"QUESTLOG_HOME": home, MARK: home}


@contextlib.contextmanager
def running(settings: Settings, environ: Mapping[str, str]) -> Iterator[Stack]:
    """The whole stack, serving; stopped at the end whatever happens.

    SIGTERM and SIGHUP end it as Ctrl-C does. Raises StackFailed when the home is
    in use or a service does not come up, Unavailable when a port is taken.
    """
    home = Home(settings.home.resolve())
    with one_at_a_time(home), _signals_interrupt():
        stack = Stack(home, environment(settings, environ))
        try:
            _start(stack, settings)
            yield stack
        finally:
            stack.stop()


def stay_up(settings: Settings, environ: Mapping[str, str]) -> None:
    """Run the stack until it is told to stop.

    Raises StackFailed when a service falls, naming it.
    """
    console = Console()
    settings = load({**_of_the_demo(settings), **environ})
    if not (settings.meta_access_token or settings.google_customer_id):
        settings = with_standins(settings)
    watchers = watching.watching(settings)
    if watchers and not settings.alertmanager_url:
        local = f"http://127.0.0.1:{settings.alertmanager_port}"
        settings = replace(settings, alertmanager_url=local)
    with (
        contextlib.suppress(KeyboardInterrupt),
        running(settings, environ) as stack,
    ):
        stack.start(watchers)
        show_addresses(console, stack)
        console.print(
            "The DAGs are paused until you unpause them in Airflow."
            " Ctrl-C or `make down` stops everything."
        )
        while not (fallen := stack.fallen()):
            time.sleep(0.5)
        raise StackFailed(
            f"{fallen} ended by itself, so the stack stops:\n{stack.why(fallen)}\n"
            f"Its log: {stack.log_of(fallen)}. `make up` starts again where it was."
        )
    console.print("Stopped.")


def _of_the_demo(settings: Settings) -> dict[str, str]:
    """What the demo that made this home was set to, so that its data go on."""
    mark = Home(settings.home.resolve()).demo_mark
    if not mark.exists():
        return {}
    kept: dict[str, str] = json.loads(mark.read_text())
    return kept


def show_addresses(console: Console, stack: Stack) -> None:
    """Print where each service is and how to get in, in lines that can be copied."""
    console.print("[bold]The local stack is up.[/]\n")
    for service in stack.services:
        if service.page:
            line = f"  [bold]{service.shown_as:<32}[/] {service.page}"
            console.print(line, soft_wrap=True, highlight=False)
            console.print(f"  {'':<32} [dim]{service.login}[/]", soft_wrap=True)
    console.print()


def describe(home: Home) -> bool:
    """Print what runs in a home. False when nothing does."""
    console = Console()
    holder = supervisor_of(home)
    if not holder:
        console.print(f"Nothing runs in {home.root}. Start it with `make up`.")
        return False
    recorded = json.loads((home.run / "stack.json").read_text())
    console.print(f"Running in {home.root} (process {holder}):")
    for name, service in recorded["services"].items():
        console.print(f"  {name:<22} {service['page']}")
    return True


def development_key(settings: Settings, *, now: datetime) -> str:
    """The write key of source `local`: made once a home, printed by `make up`."""
    from ingestion.keys import add

    home = Home(settings.home.resolve())
    path = home.secrets / "local_write_key"
    if not path.exists():
        key = add(home.write_keys, source="local", mode="planned", now=now)
        put(path, key.encode(), only_new=True)
    return path.read_text()


def _start(stack: Stack, settings: Settings) -> None:
    write_key = development_key(settings, now=datetime.now(UTC))
    around = services.around_the_engine(settings, write_key=write_key)
    stack.start(services.engine(settings))
    with connect(settings) as client:
        migrate(client)
    airflow.prepare(settings, stack.environment | airflow.environment(settings))
    told = watching.metrics(settings)
    stack.start([*around, told, *services.scheduling(settings)])


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """End the block at the first signal; what it then cleans up is not disturbed."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, _: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
