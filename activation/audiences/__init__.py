"""The doors of the room: choose audiences, push them, or rehearse a push.

The definitions lie beside this file, one YAML file each.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from activation.choosing import Choice, choose_members
from activation.definitions import Definitions, load_definitions
from activation.destinations.kinds import (
    configured,
    identity_for,
    kinds,
    opened,
    started,
)
from activation.ledger import ever_planned
from activation.made_of import AUDIENCES, MEMBERS, RECEIPTS, made_of
from activation.receipts import Receipt, in_a_line, latest
from activation.rim import Rim
from warehouse import audit
from warehouse.audience_gate import AudienceGate, audience_gate, strict_audience_gate
from warehouse.clickhouse import connect
from warehouse.durable import private_folder
from warehouse.errors import BadInput, Unavailable
from warehouse.home import Home
from warehouse.lineage.events import Dataset, Job
from warehouse.lineage.telling import told
from warehouse.settings import Settings, load

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from activation.destinations.protocol import Destination
    from activation.previewing import Preview
    from activation.pushing import Once, Push
    from warehouse.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One audience at one destination: what a push can be asked for by itself."""

    audience: str
    platform: str

    @property
    def as_words(self) -> dict[str, str]:
        """As Airflow keeps it."""
        return {"audience": self.audience, "platform": self.platform}


def in_lines(as_of: str) -> str:
    """What the last pushes of a day came to, a line for each audience and platform."""
    day = _day(as_of)
    with connect(load(os.environ)) as client:
        return "\n".join(in_a_line(receipt) for receipt in latest(client, day))


def choose(as_of: str) -> list[Choice]:
    """Write the members of every audience as of a day such as 2026-03-01.

    Raises NotEnoughData when there are no scores or no published people.
    """
    settings, day = load(os.environ), _day(as_of)
    definitions = _definitions(settings)
    with (
        told(
            settings,
            Job(name="audiences.choose", kind="AUDIENCES"),
            outputs=[Dataset(table=MEMBERS)],
        ) as run,
        connect(settings) as client,
        _vault(settings) as vault,
    ):
        made = [one for one in made_of() if one.table.startswith(f"{AUDIENCES}.")]
        run.inputs = [
            Dataset(table=t) for t in sorted({t for m in made for t in m.reads})
        ]
        return choose_members(client, vault, definitions, day)


def preview(name: str, as_of: str) -> "Preview":
    """An audience as it would be as of a day. Nothing is written, nobody is called.

    Raises BadInput when there is no such audience.
    """
    from activation.previewing import preview as look_at

    settings, day = load(os.environ), _day(as_of)
    with _rim(settings) as rim:
        return look_at(rim, _definitions(settings), name, day)


def targets() -> list[Target]:
    """Every audience at every destination that it goes to, or went to once.

    Raises BadSetting when there is no destination.
    """
    from activation.pushing import audiences_of

    settings = load(os.environ)
    definitions = _definitions(settings)
    with _rim(settings) as rim:
        return [
            Target(audience=audience, platform=platform)
            for platform in configured(settings)
            for audience in audiences_of(rim, definitions, platform)
        ]


def push(
    as_of: str,
    *,
    audience: str = "",
    platform: str = "",
    once: "Once | None" = None,
    gate_of: "Callable[[Client, date], AudienceGate]" = audience_gate,
) -> list[Receipt]:
    """Make every audience in every ad account equal to who may be sent now.

    With an audience, or a platform, only there. An audience that `gate_of` keeps back
    stays as it is, but for who withdrew. Raises BadSetting when there is no ad account,
    Unavailable, DestinationRefused or GateClosed when an audience failed or was kept
    back; receipts say which.
    """
    from activation.pushing import audiences_of, to_each
    from activation.pushing import push as push_to
    from activation.sending import Sender

    settings = load(os.environ)
    names = [platform] if platform else configured(settings)
    destinations = [opened(name, settings) for name in names]
    job = Job(name="audiences.push", kind="AUDIENCES")
    read, written = [Dataset(table=MEMBERS)], [Dataset(table=RECEIPTS)]
    with (
        told(settings, job, inputs=read, outputs=written),
        _rim(settings) as rim,
    ):
        gate = gate_of(rim.client, _day(as_of))
        wanted = _wanted(rim, settings, as_of, once)
        wanted = replace(wanted, audience=audience, gate=gate)
        _note(rim, wanted, names)

        def send_to(destination: "Destination") -> list[Receipt]:
            name = destination.platform
            known = audiences_of(rim, wanted.definitions, name)
            if audience and audience not in known:
                raise BadInput(
                    f"{audience!r} is no audience of our own people at {name}; there"
                    f" are {', '.join(known)}."
                )
            sender = Sender(
                rim=rim,
                destination=destination,
                identity_of=lambda one: identity_for(name, one, rim.external_key),
            )
            with _alone(settings, name, audience):
                return push_to(sender, wanted)

        return to_each(destinations, send_to)


def _note(rim: Rim, wanted: "Push", platforms: Sequence[str]) -> None:
    """Into the journal: a push, and what is done this once."""
    audit.note(
        rim.client,
        audit.act(by="", because="a push of audiences", at=datetime.now(UTC)),
        action="audiences.push",
        subject=wanted.audience or "all audiences",
        detail={
            "as_of": str(wanted.as_of),
            "platforms": ", ".join(platforms),
            "may_shrink": ", ".join(sorted(wanted.once.may_shrink)),
            "exchange": ", ".join(sorted(wanted.once.exchange)),
        },
    )


def push_judged(as_of: str, *, audience: str = "", platform: str = "") -> list[Receipt]:
    """The same, of none but audiences that were judged as they are and passed."""
    return push(
        as_of, audience=audience, platform=platform, gate_of=strict_audience_gate
    )


def rehearse(as_of: str, *, once: "Once | None" = None) -> list[Receipt]:
    """Write the receipts that a push would, without calling anybody.

    Without any ad account it is done as for the first destination there is.
    """
    from activation.pushing import rehearsed

    settings = load(os.environ)
    with _rim(settings) as rim:
        wanted = _wanted(rim, settings, as_of, once)
        return [
            receipt
            for platform in started(settings) or ("meta",)
            for receipt in rehearsed(rim, platform, wanted)
        ]


def _wanted(rim: Rim, settings: Settings, as_of: str, once: "Once | None") -> "Push":
    """Raises BadInput for names of which there is no audience and never was one."""
    from activation.pushing import Once, Push

    once, definitions = once or Once(), _definitions(settings)
    known = {one.name for one in definitions.custom}
    asked = once.may_shrink | once.exchange
    unknown = asked - known - (ever_planned(rim) if asked else set())
    if unknown:
        raise BadInput(
            "There is no audience of our own people named"
            f" {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}."
        )
    return Push(definitions=definitions, as_of=_day(as_of), once=once)


def _definitions(settings: Settings) -> Definitions:
    return load_definitions(
        country=settings.lookalike_country, destinations=frozenset(kinds())
    )


@contextlib.contextmanager
def _rim(settings: Settings) -> "Iterator[Rim]":
    with connect(settings) as client, _vault(settings) as vault:
        yield Rim(client=client, vault=vault, clock=lambda: datetime.now(UTC))


@contextlib.contextmanager
def _alone(settings: Settings, platform: str, audience: str) -> Iterator[None]:
    """Keep two pushes of one audience to one platform apart, on this machine.

    Raises Unavailable while another is at work. A push of all audiences and one of a
    single one keep apart too.
    """
    folder = Home(settings.home).run / "pushes"
    private_folder(folder)
    with contextlib.ExitStack() as stack:
        every = stack.enter_context((folder / f"{platform}.lock").open("w"))
        shared = fcntl.LOCK_SH if audience else fcntl.LOCK_EX
        held = [(every, shared)]
        if audience:
            one = (folder / f"{platform}.{audience}.lock").open("w")
            held.append((stack.enter_context(one), fcntl.LOCK_EX))
        for file, kind in held:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Unavailable(
                    f"Another push to {platform} is at work. Wait for its end, or end"
                    " it; what it has sent is in the ledger."
                ) from error
        yield


def _vault(settings: Settings) -> "Vault":
    from warehouse.vault import open_vault

    return open_vault(settings)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no date; write it like 2026-03-01.") from error
