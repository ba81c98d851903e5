"""Plan and send an audience of a million, and push two hundred times amid faults.

A million people are in the ledger of each platform; then 200,000 of them change: 60,000
withdraw, 40,000 fit no longer, 60,000 are new, 40,000 have another e-mail address.
`sync_*_s` is the push that follows, to each stand-in; `plan_*_s` its part until the
plan is committed (limit 30 s), with the naming of all whom it changes, as far as memory
allows; `sending_*_s` the rest.

What a sync may take that only the platform's rate limit holds up: its calls one after
the other, or their number at the pace of the limit, whichever takes longer.
`bare_calls_*_s` are the same calls with the same people in a loop that does nothing
else, right before the push and right after it: their mean. At Meta the SDK's own
methods make them, at Google our destination, which has no quicker way than the SDK's.
`rate_limit_*_s` are the calls at the pace of the limit. `sending_over_bare_*` is
`sending_*_s` over the greater of the two, at most 1.25. `cpu_sending_*_s` and
`cpu_bare_*_s` are this process's CPU in either. The limits as such never bind here: 24
calls are fewer than Google takes in a minute and Meta in half a second. Memory is that
of the process that plans and sends (limit 1.5 GiB), the stand-ins apart; the engine's
is told beside it.

The random runs (at least 200) are described in bench/_random_runs.py: `set_mismatches`
0, `extra_calls_share` at most 0.05. `raw_identifiers_found` counts e-mail addresses,
telephone numbers and their digests in the log, in errors, in what Airflow would keep
of a push, and in every column of every table but the vault: 0.
`PEOPLE=`, `RUNS=`, `SEED=` and `PLATFORMS=meta` take other sizes, another chance, and
one platform alone.
"""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

from activation.destinations.kinds import identity_for, opened
from activation.ledger import Shelf, last_remote_id
from activation.patience import Patience
from activation.rim import Rim
from activation.sending import Sender
from activation.syncing import Order, Synced, sync
from activation.wanting import Wants
from bench import _platforms
from bench._bare_calls import Bare, Timed, by_sdk
from bench._crowd import Crowd
from bench._engine import Engine
from bench._random_runs import Platform, Runs, Tally
from bench._reach import AS_OF, AUDIENCE, Town
from bench._searching import Found, secrets_of, times_found
from warehouse.clickhouse import connect, rows
from warehouse.errors import Unavailable
from warehouse.ports import free_port
from warehouse.settings import Settings
from warehouse.vault import Vault

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_KEY = b"k" * 32
_LIMITS = {
    "plan_limit_s": 30.0,
    "sending_over_bare_most": 1.25,
    "peak_limit_bytes": float(3 << 29),
    "random_runs_least": 200,
    "set_mismatches_most": 0,
    "extra_calls_share_most": 0.05,
    "raw_identifiers_found_most": 0,
}
_CALLS_A_MINUTE = {"google": 300.0, "meta": 190_000 / 60}
"""Google's limit of the Data Manager, and Meta's least of an app with full access."""


def run() -> dict[str, Any]:
    """A million at once, then two hundred small pushes."""
    people = int(os.environ.get("PEOPLE", "1000000"))
    runs = int(os.environ.get("RUNS", "200"))
    seed = int(os.environ.get("SEED", "7"))
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        if runs:
            with _house(Path(folder) / "small") as house:
                figures |= _at_random(house, runs, seed)
        if people:
            with _house(Path(folder) / "big") as house:
                figures |= _at_once(house, people)
    return {"figures": figures, "compared_with": _LIMITS}


@dataclass(frozen=True, slots=True)
class House:
    """An engine, a vault, and a town in them."""

    town: Town
    engine: Engine
    folder: Path

    @property
    def client(self) -> "Client":
        """The warehouse."""
        return self.town.client


@contextlib.contextmanager
def _house(folder: Path) -> Iterator[House]:
    with (
        Engine(folder / "home") as engine,
        connect(engine.settings) as client,
        Vault.open(folder / "vault" / "vault.sqlite", _KEY) as vault,
    ):
        town = Town(client, vault)
        town.empty()
        yield House(town, engine, folder)


def _at_random(house: House, runs: int, seed: int) -> dict[str, Any]:
    """Half of the runs at each platform, and what of people can be read afterwards."""
    log = house.folder / "log"
    tallies = []
    found = Found()
    with _everything_logged(log):
        for number, name in enumerate(("meta", "google")):
            house.town.empty()
            chance = Random(seed + number)  # noqa: S311 - chance, not secrecy
            with _standing(name, house.town, chance) as there:
                one = Runs(house.town, there, chance)
                for _ in range(runs // 2):
                    one.run()
            tallies.append(one.tally)
            secrets = secrets_of(house.town, there.identity_of)
            found += times_found(secrets, house.client, log, one.tally.told)
    whole = _sum(tallies)
    return {
        "random_runs": whole.runs,
        "pushes": whole.pushes,
        "broken_pushes": whole.broken_pushes,
        "member_calls": whole.member_calls,
        "needed_calls": whole.needed_calls,
        "set_mismatches": whole.set_mismatches,
        "restless": whole.restless,
        "unsettled": whole.unsettled,
        "extra_calls_share": round(whole.extra_calls_share, 4),
        "raw_identifiers_found": found.times,
        "raw_identifiers_searched": found.secrets,
        "searched_bytes": found.read,
    }


def _standing(
    name: str, town: Town, chance: Random
) -> contextlib.AbstractContextManager[Platform]:
    """A stand-in; that of Meta lives in the town's time, so that sessions end."""
    key = town.rim.external_key
    if name == "google":
        return _platforms.google(key, chance)
    return _platforms.meta(key, town.seconds)


def _sum(tallies: list[Tally]) -> Tally:
    whole = Tally()
    for one in tallies:
        for name in Tally.__dataclass_fields__:
            setattr(whole, name, getattr(whole, name) + getattr(one, name))
    return whole


@contextlib.contextmanager
def _everything_logged(path: Path) -> Iterator[None]:
    """All loggers at DEBUG, into a file."""
    handler = logging.FileHandler(path)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
        handler.close()


def _at_once(house: House, people: int) -> dict[str, Any]:
    """The first million, then the fifth that changed, at each platform."""
    figures: dict[str, Any] = {"desired_people": people}
    crowd = Crowd(house.town, people)
    began = time.monotonic()
    crowd.settle()
    figures["settled_s"] = round(time.monotonic() - began, 1)
    with _standins() as settings:
        marked = Marked(house.client)
        rim = replace(house.town.rim, client=cast("Client", marked))
        destinations = {
            name: opened(name, settings, Patience())
            for name in os.environ.get("PLATFORMS", "meta,google").split(",")
        }
        senders = {
            name: Sender(
                rim=rim,
                destination=Timed(one),  # type: ignore[arg-type]
                identity_of=partial(identity_for, name, key=rim.external_key),
            )
            for name, one in destinations.items()
        }
        for name, sender in senders.items():
            _, figures[f"first_sync_{name}_s"] = _pushed(sender)
        figures["changed_people"] = crowd.change()
        # the kernel counts: a thread that looked would take part in the race
        for process in (os.getpid(), house.engine.pid):
            _forget_peak(process)
        for name, sender in senders.items():
            alone = destinations[name]
            if name == "meta":
                alone = by_sdk(alone, settings)
            bare = Bare(crowd, alone, sender.identity_of)
            figures |= _changed(bare, sender, name)
        for worst in ("plan_{}_s", "sending_over_bare_{}"):
            figures[worst.replace("_{}", "")] = max(
                figures[worst.format(name)] for name in senders
            )
        figures["peak_bytes"] = _peak_bytes(os.getpid())
        figures["engine_peak_bytes"] = _peak_bytes(house.engine.pid)
    return figures


def _forget_peak(process: int) -> None:
    """From now on the peak of a process is counted anew."""
    Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")


def _peak_bytes(process: int) -> int:
    """The most that a process held, without its children."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024


class Marked:
    """A client of the warehouse that notes when a plan was last committed.

    Each time as a moment and as the CPU that this process had taken.
    """

    def __init__(self, held: "Client") -> None:
        self._held = held
        self.committed: list[tuple[float, float]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held, name)

    def insert(self, table: str, *given: Any, **named: Any) -> Any:
        """Insert; the first row of a plan commits it, the last one ends it."""
        told = self._held.insert(table, *given, **named)
        if table == "activation.plans":
            self.committed.append((time.monotonic(), time.process_time()))
        return told


def _changed(bare: Bare, sender: Sender, name: str) -> dict[str, Any]:
    """The calls alone, the push after the change, then one that has nothing to do."""
    timed: Any = sender.destination
    marked: Any = sender.rim.client
    shelf = Shelf(platform=name, audience=AUDIENCE)
    remote_id = last_remote_id(sender.rim, shelf)
    before_s, cpu_before_s = bare.before(remote_id)
    timed.seconds, timed.calls = 0.0, 0
    marked.committed.clear()
    began = time.monotonic()
    told, seconds = _pushed(sender)
    cpu_s = time.process_time()
    committed, cpu_committed_s = marked.committed[0]
    plan_s = committed - began
    calls, in_calls_s = timed.calls, timed.seconds
    after_s, cpu_after_s = bare.after(remote_id)
    bare_s, cpu_bare_s = (before_s + after_s) / 2, (cpu_before_s + cpu_after_s) / 2
    timed.calls = 0
    _, again_s = _pushed(sender)
    limit_s = calls * 60 / _CALLS_A_MINUTE[name]
    return {
        f"plan_{name}_s": round(plan_s, 1),
        f"sync_{name}_s": seconds,
        f"sending_{name}_s": round(seconds - plan_s, 1),
        f"in_calls_{name}_s": round(in_calls_s, 1),
        f"bare_calls_{name}_s": round(bare_s, 1),
        f"cpu_sending_{name}_s": round(cpu_s - cpu_committed_s, 1),
        f"cpu_bare_{name}_s": round(cpu_bare_s, 1),
        f"calls_{name}": calls,
        f"calls_{name}_of_no_op": timed.calls,
        f"no_op_{name}_s": again_s,
        f"sent_{name}": told.sent,
        f"removed_{name}": told.removed,
        f"held_{name}": told.held,
        f"mismatch_{name}": _mismatch(sender.rim, name, told),
        f"rate_limit_{name}_s": round(limit_s, 1),
        f"sending_over_bare_{name}": round(
            (seconds - plan_s) / max(bare_s, limit_s), 2
        ),
    }


def _pushed(sender: Sender) -> tuple[Synced, float]:
    began = time.monotonic()
    told = sync(sender, _order())
    return told, round(time.monotonic() - began, 1)


def _order() -> Order:
    return Order(
        audience=AUDIENCE,
        meaning="The best.",
        as_of=AS_OF,
        wants=Wants(chosen_on=AS_OF),
        most_leaving=1.0,
    )


def _mismatch(rim: Rim, name: str, told: Synced) -> int:
    """How far the ledger is from what is desired, in people."""
    shelf = Shelf(platform=name, audience=AUDIENCE, remote_id=told.remote_id)
    found = rows(
        rim.client,
        "select count() as people from activation.desired"
        " where platform = {platform:String} and audience = {audience:String}",
        shelf.bound,
    )
    return int(abs(found[0]["people"] - told.held))


@contextlib.contextmanager
def _standins() -> Iterator[Settings]:
    """Both stand-ins as processes of their own: their memory is not ours."""
    with contextlib.ExitStack() as stack:
        ports = [free_port() for _ in range(3)]
        environment = os.environ | {
            "QUESTLOG_GRAPH_STANDIN_PORT": str(ports[0]),
            "QUESTLOG_GOOGLE_STANDIN_PORT": str(ports[1]),
            "QUESTLOG_GOOGLE_STANDIN_PAGE_PORT": str(ports[2]),
        }
        for name in ("graph-standin", "google-standin"):
            one = subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-m", "questlog", "serve", name], env=environment
            )
            stack.callback(one.wait)
            stack.callback(one.terminate)
        for port in ports[:2]:
            _await(port)
        yield Settings(
            meta_graph_url=f"http://127.0.0.1:{ports[0]}",
            meta_access_token="a-token",  # noqa: S106 - of a stand-in
            meta_ad_account_id="act_7",
            google_endpoint=f"127.0.0.1:{ports[1]}",
            google_developer_token="a-token",  # noqa: S106 - of a stand-in
            google_customer_id="1234567890",
        )


def _await(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        time.sleep(0.1)
    raise Unavailable("A stand-in did not start.")
