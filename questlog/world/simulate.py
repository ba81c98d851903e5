"""Make a world and write it down: history, a live slice, the truth about both."""

import contextlib
import gc
import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from questlog.world import reference
from questlog.world.campaigns import arrivals
from questlog.world.clocks import wrong_clocks
from questlog.world.decisions import changes_of_mind, second_thoughts, welcomes_back
from questlog.world.delivery import (
    conflicts,
    deaf_clients,
    deliver,
    duplicates,
    in_file_order,
)
from questlog.world.faults import malformed
from questlog.world.happenings import Happening
from questlog.world.latent import latent_states, people_gone
from questlog.world.machines import machines
from questlog.world.money import payments
from questlog.world.newcomers import newcomers, visitors
from questlog.world.parameters import Parameters, milliseconds
from questlog.world.rates import read_rates
from questlog.world.reading import Line, read_history, read_live
from questlog.world.scene import Scene, stage
from questlog.world.tables import group_play
from questlog.world.visits import solo_visits
from questlog.world.wire import Copy, history_line, live_line

HISTORY = "history.jsonl.gz"
LIVE = "live.jsonl"
LATENT = "latent.jsonl"
TRUTH = "truth.json"

_CONCERNS: tuple[Callable[[Scene], Iterable[Happening]], ...] = (
    newcomers,
    visitors,
    solo_visits,
    group_play,
    payments,
    second_thoughts,
    changes_of_mind,
    welcomes_back,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The lines of a world's files, each with what the door will say to it."""

    scene: Scene
    history: list[Line]
    live: list[Line]


def simulate(parameters: Parameters, out: Path) -> dict[str, Any]:
    """Write a world into a folder, and return the truth about it.

    The same parameters give the same files, byte for byte. truth.json comes last:
    where it is, the others are whole.
    """
    with _no_search_for_cycles():
        world = create(parameters)
        truth = truth_of(world)
    out.mkdir(parents=True, exist_ok=True)
    (out / TRUTH).unlink(missing_ok=True)
    with (
        (out / HISTORY).open("wb") as file,
        gzip.GzipFile(
            filename="", fileobj=file, mode="wb", compresslevel=3, mtime=0
        ) as packed,
    ):
        packed.writelines(line.raw + b"\n" for line in world.history)
    (out / LIVE).write_bytes(b"".join(line.raw + b"\n" for line in world.live))
    latent = (orjson.dumps(state) + b"\n" for state in latent_states(world.scene))
    (out / LATENT).write_bytes(b"".join(latent))
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    (out / TRUTH).write_bytes(orjson.dumps(truth, option=pretty))
    return truth


@contextlib.contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """A world is millions of values without a cycle: searching doubles its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def create(parameters: Parameters) -> World:
    """Make a world in memory."""
    scene = stage(parameters)
    people_did = chain.from_iterable(concern(scene) for concern in _CONCERNS)
    happened = chain(arrivals(scene, people_did), machines(scene), wrong_clocks(scene))
    seen = [
        happening
        for happening in happened
        if parameters.history_from <= happening.at < parameters.live_to
    ]
    copies = deliver(scene, seen)
    extra = [*duplicates(scene, copies), *conflicts(scene, copies)]
    spoiled = [*malformed(scene, copies), *deaf_clients(scene)]
    arrived = in_file_order(parameters, [*copies, *extra, *spoiled])
    return World(
        scene=scene,
        history=[
            Line(history_line(copy), copy.reason)
            for copy in arrived
            if copy.received_at < parameters.history_to
        ],
        live=_live(scene, arrived),
    )


def _live(scene: Scene, arrived: list[Copy]) -> list[Line]:
    """What the door receives in the live evening, moved to end at `now`.

    Copies of events that history holds stay as they were; a copy that conflicts with
    one of the same evening is left out, since receipts would not tell them apart.
    """
    parameters = scene.parameters
    evening = [
        copy
        for copy in arrived
        if parameters.live_from <= copy.received_at < parameters.live_to
    ]
    fresh = [copy for copy in evening if not _in_history(parameters, copy)]
    shift = 0
    if parameters.now is not None and fresh:
        last = max(copy.at for copy in fresh if not copy.reason)
        shift = milliseconds(parameters.now) - last
    repeated = (
        live_line(copy, shift=0, posted_at=parameters.posted_at)
        for copy in _a_few_of_history(scene, arrived)
    )
    lines = [
        Line(
            live_line(
                copy,
                shift=0 if _in_history(parameters, copy) else shift,
                posted_at=parameters.posted_at,
            ),
            copy.reason,
        )
        for copy in evening
        if _in_history(parameters, copy) or not copy.conflicts
    ]
    return [*map(Line, repeated), *lines]


def _in_history(parameters: Parameters, copy: Copy) -> bool:
    return copy.first_received_at < parameters.history_to


def _a_few_of_history(scene: Scene, arrived: list[Copy]) -> list[Copy]:
    """Three events of history's last hours, sent once more in the evening.

    None is of a person who denied analytics: the door would refuse it now.
    """
    denied = {scene.people[index].user_id for index in scene.denied_at}
    original = [
        copy
        for copy in arrived
        if _in_history(scene.parameters, copy)
        and copy.received_at == copy.first_received_at
        and not copy.reason
        and not copy.conflicts
        and copy.event.get("user_id") not in denied
    ]
    return original[-3:]


def truth_of(world: World) -> dict[str, Any]:
    """The truth about a world, for history, the live slice, and both loaded."""
    parameters = world.scene.parameters
    imported = read_history(world.history)
    sent = read_live(world.live, after=imported, posted_at=parameters.posted_at)
    rates, currency = read_rates(), parameters.currency
    history = reference.observe(imported, rates, currency)
    both = reference.observe(imported.followed_by(sent), rates, currency)
    history["gone"] = people_gone(world.scene, parameters.history_to)
    both["gone"] = people_gone(world.scene, parameters.live_to)
    now = parameters.now.isoformat() if parameters.now else None
    return {
        "parameters": {
            "people": parameters.people,
            "days": parameters.days,
            "end": parameters.end.isoformat(),
            "seed": parameters.seed,
            "now": now,
            "currency": currency,
        },
        "history": history,
        "live": reference.added(both, history),
        "all": both,
    }
