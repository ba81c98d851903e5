"""A clean simulated month, kept as a home that each fault gets a copy of."""

import contextlib
import functools
import os
import pickle
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import orjson

from bench._engine import Engine
from bench._faults import Event, Fault, Severity, Tail, moment, system_of
from warehouse.clickhouse import connect, rows
from warehouse.errors import NotEnoughData, Unavailable
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from expectations.report import GateReport, Result

END = date(2026, 3, 1)
TAIL_DAYS = 14
CUT = END - timedelta(days=TAIL_DAYS)
_SOURCES: Mapping[str, str] = {"ios": "ios", "android": "android", "": "server"}
_KEPT, _FIRST_PORT = "month.pickle", 20_000


@dataclass(frozen=True, slots=True)
class Month:
    """The lines of a world, those before the last two weeks apart from the rest.

    Lines that nobody can read stay as they are, on the side of the web.
    """

    before: Tail
    tail: Tail
    unreadable: Sequence[bytes]


def month(*, people: int, days: int, seed: int) -> Month:
    """Simulate a world that ends with February."""
    from questlog.world.parameters import Parameters
    from questlog.world.simulate import create

    world = create(Parameters(people=people, days=days, end=END, seed=seed))
    before: Tail = []
    tail: Tail = []
    unreadable = []
    cut = datetime(CUT.year, CUT.month, CUT.day, tzinfo=UTC)
    for line in world.history:
        event = _event(line.raw)
        if event is None:
            unreadable.append(line.raw)
        elif moment(event["received_at"]) < cut:
            before.append(event)
        else:
            tail.append(event)
    return Month(before, sorted(tail, key=lambda one: one["received_at"]), unreadable)


def _event(raw: bytes) -> Event | None:
    with contextlib.suppress(orjson.JSONDecodeError):
        event = orjson.loads(raw)
        if isinstance(event, dict) and "received_at" in event:
            return event
    return None


def bring(settings: Settings, events: Tail, folder: Path, name: str) -> None:
    """Import events through the door, each by its source."""
    from ingestion.imports import import_file
    from ingestion.judging import Source

    by_source: dict[str, list[bytes]] = {}
    for event in events:
        source = _SOURCES.get(system_of(event), "web")
        by_source.setdefault(source, []).append(orjson.dumps(event))
    for source, lines in sorted(by_source.items()):
        file = folder / f"{name}-{source}-{os.getpid()}.jsonl"
        file.write_bytes(b"\n".join(lines) + b"\n")
        import_file(
            file, settings, source=Source(source), now=lambda: datetime.now(UTC)
        )
        file.unlink()


def named(results: Iterable["Result"]) -> set[str]:
    """What was found, by suite and expectation."""
    return {f"{result.suite} {result.expectation}" for result in results}


def judged(gate: str, as_of: date, settings: Settings) -> "GateReport":
    """The gate's word, without raising it."""
    from expectations.gates import inspect

    return inspect(gate, as_of, settings)


def first_told(settings: Settings, gate: str, severity: Severity) -> date | None:
    """The first day since the fault began of which history told so gravely."""
    with connect(settings) as client:
        told = rows(
            client,
            "select minOrNull(day) as first from ops.anomalies"
            " where gate = {gate:String} and as_of = {as_of:Date}"
            " and day >= {cut:Date}"
            " and ({severity:String} = 'warn' or severity = 'stop')",
            {"gate": gate, "as_of": END, "cut": CUT, "severity": severity},
        )
    first: date | None = told[0]["first"]
    return first


def kept(clean: Month, folder: Path) -> None:
    """Write a month down for processes that need it."""
    (folder / _KEPT).write_bytes(pickle.dumps(clean))


@functools.cache
def remembered(folder: Path) -> Month:
    """The month that was written down."""
    month: Month = pickle.loads((folder / _KEPT).read_bytes())  # noqa: S301 - ours
    return month


@contextlib.contextmanager
def new(folder: Path) -> Iterator[Settings]:
    """An empty warehouse, under the settings of every other one of this process.

    dbt reads its project once for all runs under the same settings.
    """
    aside = folder / f"of-{os.getpid()}"
    try:
        with Engine(aside, port=_port()) as engine:
            yield engine.settings
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def copy_of(home: Path, folder: Path) -> Iterator[Settings]:
    """A warehouse of its own, equal to that of a home nobody uses."""
    shutil.copytree(home, folder / f"of-{os.getpid()}", symlinks=True)
    with new(folder) as settings:
        yield settings


@functools.cache
def _port() -> int:
    """A free one below those that systems give to clients, for all of a process."""
    for port in range(_FIRST_PORT + os.getpid() % 5_000, 32_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Unavailable("No port between 20,000 and 32,000 is free.")


def make_base(home: Path, clean: Month, folder: Path) -> None:
    """All but the last two weeks, built, judged and published as of the cut."""
    from warehouse.transformation import build

    with Engine(home) as engine:
        settings = engine.settings
        bring(settings, clean.before, folder, "before")
        build(settings, "staging")
        build(settings, "marts")
        build(settings, "features", as_of=CUT)
        publish(settings, "marts", "features")
        for gate in ("staging", "marts", "features"):
            judged(gate, CUT, settings)


def finish(home: Path, base: Path, clean: Month, folder: Path) -> None:
    """The base and its last two weeks, built: where faults of tables are put."""
    from warehouse.transformation import build

    shutil.copytree(base, home, symlinks=True)
    with Engine(home) as engine:
        settings = engine.settings
        bring(settings, clean.tail, folder, "tail")
        build(settings, "staging")
        judged("staging", END, settings)
        build(settings, "marts")
        build(settings, "features", as_of=END)


def score_and_choose(settings: Settings, *days: date) -> None:
    """Publish, score all days of the features, and choose audiences for some days."""
    from activation.choosing import choose_members
    from activation.definitions import load_definitions
    from warehouse.home import Home
    from warehouse.vault import Vault, load_master_key

    publish(settings, "marts", "features")
    _score(settings)
    definitions = load_definitions(country=settings.lookalike_country)
    home = Home(settings.home)
    with (
        connect(settings) as client,
        Vault.open(home.vault, load_master_key(settings)) as vault,
    ):
        for day in days:
            choose_members(client, vault, definitions, day)


def _score(settings: Settings) -> None:
    """By hand: what is judged are scores, not models; they follow two features."""
    with connect(settings) as client:
        for kind in ("churn", "lifetime_value"):
            client.command(
                "insert into ml.models (model_id, kind, estimator, as_of, horizon_days,"
                " is_chosen, judged_from) select"
                f" '{kind}', '{kind}', 'rule', as_of, 28, true, as_of from (select"
                " distinct as_of from features.feat_people)"
            )
        client.command(
            "insert into ml.churn_scores (as_of, person_id, churn_probability,"
            " horizon_days, model_id) select as_of, person_id, 1 / (1 + exp(2 -"
            " days_since_last_active / 5 + (sipHash64(person_id, as_of) % 100) / 50)),"
            " 28, 'churn' from features.feat_people where is_active_56"
        )
        client.command(
            "insert into ml.lifetime_values (as_of, person_id, probability_alive,"
            " expected_purchases, expected_value_minor, currency, horizon_days,"
            " model_id) select as_of, person_id, 0.7, 1, greatest("
            "ifNull(revenue_minor_56, 0), 0) / 2 * (0.5 + (sipHash64(person_id, as_of)"
            " % 100) / 100) + 1, 'EUR', 28, 'lifetime_value'"
            " from features.feat_people where purchase_age_days > 0"
        )


def publish(settings: Settings, *databases: str) -> None:
    """Let readers have what was built."""
    from warehouse import publishing

    with connect(settings) as client:
        for database in databases:
            publishing.publish(client, database)


@contextlib.contextmanager
def broken(client: "Client", fault: Fault) -> Iterator[None]:
    """The tables a fault names, with the fault in them; as before at the end.

    Raises NotEnoughData where they are the same with it.
    """
    touched = _touched(fault)
    for table in touched:
        client.command(f"create or replace table {table}__kept clone as {table}")
    before = _fingerprints(client, touched)
    try:
        for statement in fault.statements:
            client.command(
                statement.replace("{as_of}", END.isoformat()),
                settings={"mutations_sync": 1},
            )
        if _fingerprints(client, touched) == before:
            raise _unchanged(fault)
        yield
    finally:
        for table in touched:
            client.command(f"create or replace table {table} clone as {table}__kept")
            client.command(f"drop table {table}__kept sync")


def _unchanged(fault: Fault) -> NotEnoughData:
    return NotEnoughData(f"In this world {fault.name} changes nothing.")


def _fingerprints(client: "Client", tables: set[str]) -> dict[str, str]:
    asked = "select count(), sum(cityHash64(formatRow('RowBinary', *))) from"
    return {one: str(client.query(f"{asked} {one}").result_rows) for one in tables}


def _touched(fault: Fault) -> set[str]:
    words = {
        word
        for statement in fault.statements
        for word in statement.replace("(", " ").replace(",", " ").split()
        if word.count(".") == 1
    }
    prefixes = ("marts_build.", "features_build.", "ml.churn", "ml.life", "activation.")
    return {word for word in words if word.startswith(prefixes)}


def spoiled(fault: Fault, clean: Month) -> Tail:
    """The last two weeks as the fault leaves them; the clean ones stay as they are.

    Raises NotEnoughData where that is what they were.
    """
    if fault.spoil is None:
        return clean.tail
    events = fault.spoil(list(clean.tail), Random(fault.name))  # noqa: S311
    if events == clean.tail:
        raise _unchanged(fault)
    return sorted(events, key=lambda one: str(one["received_at"]))
