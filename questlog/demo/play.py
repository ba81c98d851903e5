"""Play a demo: start the stack, bring the events in, run the DAGs, show the end."""

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

from questlog.demo import screen
from questlog.demo.story import Story, World, of_a_file, of_a_world
from questlog.stack import airflow
from questlog.stack.local import development_key, running, with_standins
from questlog.stack.services import PYTHON_BIN
from questlog.stack.supervisor import Stack, supervisor_of
from warehouse.clickhouse import connect
from warehouse.errors import BadInput, StackFailed, Unavailable
from warehouse.home import Home
from warehouse.settings import Settings

_NO_SCHEDULE = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False"}
"""In a demo a DAG runs for the story's day only, when it is told to."""

DAGS = ("models", "churn", "lifetime_value", "segments", "audiences")

During = Callable[[str], contextlib.AbstractContextManager[object]]
"""What is entered with a stage's name while the stage lasts, such as a measurement."""


@dataclass(slots=True)
class Clock:
    """How long each stage took, in seconds."""

    console: Console
    during: During = contextlib.nullcontext
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage and say that it is done."""
        started = time.monotonic()
        with self.console.status(f"{name} ..."), self.during(name):
            yield
        self.seconds[name] = time.monotonic() - started
        self.console.print(f"  [green]done[/] {name:<44} {self.seconds[name]:6.1f} s")


def play(  # noqa: PLR0913 - what a demo is made of
    settings: Settings,
    environ: Mapping[str, str],
    *,
    world: World,
    events: Path | None,
    now: datetime,
    during: During = contextlib.nullcontext,
) -> None:
    """Run one demo from nothing and print its screen.

    Raises a QuestlogError that says which stage failed and what to do; the same
    call starts again from nothing.
    """
    console = Console()
    home = Home(settings.home.resolve())
    story = (
        of_a_file(events, now=now, currency=settings.reporting_currency)
        if events
        else of_a_world(
            world,
            folder=home.root / "world",
            now=now,
            currency=settings.reporting_currency,
        )
    )
    settings = replace(with_standins(settings), reporting_currency=story.currency)
    _empty(home, story)
    console.print(f"[bold]Questlog[/]: {story.title}, as of {story.as_of}\n")
    clock = Clock(console, during)
    simulation = None if events else _start_simulation(world, story, now=now)
    try:
        with _stack(settings, environ, clock) as stack:
            if simulation:
                with clock.stage("simulating the world"):
                    _finish(simulation)
            _bring_in(settings, story, clock)
            for dag in DAGS:
                with clock.stage(f"Airflow runs {dag}"):
                    _run(stack, settings, dag, story.as_of)
            with clock.stage("writing the docs site"):
                _questlog(stack, "docs")
            with connect(settings) as client:
                screen.show(console, client, story=story, home=home)
    finally:
        if simulation and simulation.poll() is None:
            simulation.kill()
            simulation.wait()
    seconds = json.dumps(clock.seconds, indent=1)
    (home.root / "demo-seconds.json").write_text(seconds)
    console.print(f"{sum(clock.seconds.values()):.0f} s in all. {screen.NEXT}")


def _empty(home: Home, story: Story) -> None:
    """Begin from nothing, unless the home holds what no demo made."""
    holder = supervisor_of(home)
    if holder:
        raise StackFailed(
            f"The stack of {home.root} is running (process {holder}) and a demo starts"
            " from nothing. Stop it with `make down`, or choose another QUESTLOG_HOME."
        )
    if home.holds_data and not home.demo_mark.exists():
        raise BadInput(
            f"{home.root} holds data that no demo made, and a demo starts from"
            " nothing. Choose another folder: QUESTLOG_HOME=.demo make demo"
        )
    shutil.rmtree(home.root, ignore_errors=True)
    home.root.mkdir(parents=True, exist_ok=True)
    home.demo_mark.write_text(json.dumps({"REPORTING_CURRENCY": story.currency}))


@contextlib.contextmanager
def _stack(
    settings: Settings, environ: Mapping[str, str], clock: Clock
) -> Iterator[Stack]:
    with contextlib.ExitStack() as kept:
        with clock.stage("starting the stack"):
            stack = kept.enter_context(running(settings, {**environ, **_NO_SCHEDULE}))
        with connect(settings) as client:
            if client.command("select count() from raw.events"):
                raise BadInput(
                    "This ClickHouse server holds events already, and a demo is for"
                    " an empty one. Unset CLICKHOUSE_HOST to use the embedded engine."
                )
        yield stack


def _start_simulation(
    world: World, story: Story, *, now: datetime
) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 -- our own words
        [
            *(str(PYTHON_BIN / "questlog"), "simulate"),
            *("--people", str(world.people), "--days", str(world.days)),
            *("--seed", str(world.seed), "--end", str(story.as_of)),
            *("--now", now.isoformat(), "--currency", story.currency),
            *("--out", str(story.history.parent)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _finish(simulation: "subprocess.Popen[str]") -> None:
    said, _ = simulation.communicate()
    if simulation.returncode:
        raise StackFailed(f"The simulation failed:\n{said[-1000:]}")


def _bring_in(settings: Settings, story: Story, clock: Clock) -> None:
    from ingestion.imports import import_file
    from ingestion.judging import Mode, Source

    def now() -> datetime:
        return datetime.now(UTC)

    with clock.stage("importing the history"):
        mode: Mode = "open" if story.open_mode else "planned"
        import_file(story.history, settings, source=Source("history", mode), now=now)
    if story.live:
        from questlog.world.sending import send

        with clock.stage("sending the live slice over HTTP"):
            sent = send(
                story.live,
                url=f"http://127.0.0.1:{settings.ingest_port}/v1/events",
                key=development_key(settings, now=now()),
                advance=lambda _: None,
            )
            _await_loaded(settings, sent.accepted)


def _await_loaded(settings: Settings, accepted: int, patience_s: float = 60) -> None:
    deadline = time.monotonic() + patience_s
    with connect(settings) as client:
        while time.monotonic() < deadline:
            loaded = client.command("select countIf(not imported) from raw.events")
            if int(str(loaded)) >= accepted:
                return
            time.sleep(0.2)
    raise Unavailable(
        f"The loader brought {loaded} of {accepted} accepted events into ClickHouse"
        f" within {patience_s:.0f} s. They are safe in the log; see run/loader.log."
    )


def _run(stack: Stack, settings: Settings, dag: str, as_of: date) -> None:
    states: Mapping[str, str] = {}
    for latest in airflow.Api(settings).run(dag, as_of):
        states = latest
        if fallen := stack.fallen():
            raise StackFailed(
                f"{fallen} ended by itself while Airflow ran {dag}:\n"
                f"{stack.why(fallen)}\nIts log: {stack.log_of(fallen)}."
                " `make demo` starts again from nothing."
            )
    failed = [task for task, state in states.items() if task and state == "failed"]
    if states[""] != "success":
        raise StackFailed(
            f"The DAG {dag} failed at {', '.join(failed) or 'no task'}:"
            f" {airflow.last_words(settings, dag, failed)}\n"
            "Mend that and run `make demo` again: it starts from nothing."
        )


def _questlog(stack: Stack, *words: str) -> None:
    done = subprocess.run(  # noqa: S603 -- our own words
        [str(PYTHON_BIN / "questlog"), *words],
        env=stack.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-1000:]
        raise StackFailed(f"`questlog {' '.join(words)}` failed:\n{said}")
