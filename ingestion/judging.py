"""Decide about one event: an accepted draft, or a refusal with all objections."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from ingestion import envelope, moments, schemas
from ingestion.countries import CountryOf, nowhere
from ingestion.envelope import Envelope, Reading
from ingestion.moments import Moment
from ingestion.objections import (
    ADDITIONAL_PROPERTY,
    FUTURE,
    NOT_JSON,
    OUT_OF_RANGE,
    TOO_LARGE,
    TYPE_MISMATCH,
    UNPLANNED_EVENT,
    Objection,
    pointer,
    tags_of,
)
from ingestion.personal import Identifier, PersonalKeys, identifiers
from ingestion.shapes import MOST_PROPERTIES, Shapes
from warehouse.taxonomy import EventType, Taxonomy

Mode = Literal["planned", "open"]

LARGEST_EVENT: Final = 64 * 1024
DEEPEST: Final = 20
FUTURE_TOLERATED: Final = timedelta(hours=24)
CLOCK_ERROR_TOLERATED: Final = timedelta(seconds=5)
UNPLANNED_VERSION: Final = "1.0"

_STRIPPABLE: Final = frozenset({ADDITIONAL_PROPERTY, TYPE_MISMATCH, OUT_OF_RANGE})
_SECTIONS: Final = ("properties", "context", "user_properties")


@dataclass(frozen=True, slots=True)
class Source:
    """Where events come from, and how strictly they are judged."""

    name: str
    mode: Mode = "planned"


@dataclass(frozen=True, slots=True)
class Rules:
    """What events are judged by: the taxonomy, compiled once for a process."""

    schemas: schemas.Schemas
    personal: PersonalKeys
    shapes: Shapes
    country_of: CountryOf = nowhere

    @classmethod
    def of(cls, taxonomy: Taxonomy, *, country_of: CountryOf = nowhere) -> "Rules":
        """Compile a taxonomy."""
        personal = PersonalKeys(taxonomy.direct_names)
        compiled = schemas.compiled(taxonomy)
        return cls(compiled, personal, Shapes(compiled, personal), country_of)


@dataclass(frozen=True, slots=True)
class Arrival:
    """How events arrived: when, and what the sender's batch said of its clock."""

    received_at: Moment
    sent_at: Moment | None = None
    imported: bool = False


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """An event that enters, once the vault has taken its direct identifiers."""

    envelope: Envelope
    event_name: str
    event_version: str
    source: str
    imported: bool
    received_at: Moment
    known_at: Moment
    sent_at: Moment | None
    clock_offset_ms: int
    objections: tuple[Objection, ...]
    identifiers: tuple[Identifier, ...]
    country: str = ""

    @property
    def tags(self) -> tuple[str, ...]:
        """The reasons of what was noted and let in all the same."""
        return tags_of(self.objections)


class Refused(msgspec.Struct, frozen=True, gc=False):
    """An event that does not enter; `raw` are its bytes, to be sealed.

    `judged_at` is the door's own time; an import's `received_at` may be long past.
    `envelope` is there when it could be read: it says whom the event is about.
    """

    event_id: str
    event_name: str
    event_version: str
    source: str
    imported: bool
    received_at: Moment
    judged_at: Moment
    objections: tuple[Objection, ...]
    raw: bytes
    envelope: Envelope | None = None


Verdict = Accepted | Refused


def judge(raw: bytes, *, rules: Rules, source: Source, arrival: Arrival) -> Verdict:
    """Judge one event's bytes by themselves; its neighbours change nothing."""
    decoder = envelope.FILED if arrival.imported else envelope.LIVE
    if len(raw) > LARGEST_EVENT:
        return _too_large(raw, source, arrival)
    found = envelope.usual(raw, decoder)
    reading = Reading(found) if found is not None else envelope.read(raw, decoder)
    found = reading.envelope
    if found is None:
        return _refused(raw, reading, (), source, arrival)
    offset_ms, received_at = _clock(found, arrival)
    final = (
        *_size_faults(found, raw),
        *(reading.unknown_keys if source.mode != "open" else ()),
        *_future_faults(found, offset_ms, received_at),
    )
    event = rules.schemas.taxonomy.resolve(found.event_name)
    noted = () if final and _is_oversized(final) else _violations(found, event, rules)
    if final or not _admits(noted, event, source):
        return _refused(raw, reading, (*final, *noted), source, arrival)
    if source.mode == "open":
        noted = (*reading.unknown_keys, *noted)
    elif event is not None and event.on_violation == "strip":
        _strip(found, noted)
    # before the address is cut
    where = country(found, rules.country_of)
    return Accepted(
        envelope=found,
        event_name=found.event_name if event is None else event.name,
        event_version=found.event_version or _oldest(event),
        source=source.name,
        imported=arrival.imported,
        received_at=received_at,
        known_at=_known_at(found, received_at, arrival),
        sent_at=found.sent_at or arrival.sent_at,
        clock_offset_ms=offset_ms,
        objections=noted,
        identifiers=identifiers_of(found, rules.personal),
        country=where,
    )


def country(found: Envelope, country_of: CountryOf) -> str:
    """Where an event came from, by its address; empty where the sender said it."""
    if country_of is nowhere or found.context.get("country"):
        return ""
    address = found.context.get("ip_address") or found.context.get("ip")
    return country_of(address) if isinstance(address, str) else ""


def identifiers_of(found: Envelope, keys: PersonalKeys) -> tuple[Identifier, ...]:
    """The direct identifiers in an event's objects; addresses are cut in place."""
    sections = found.properties, found.context, found.user_properties
    if found.is_flat and not keys.personal_keys(itertools.chain(*sections)):
        return ()
    return tuple(itertools.chain.from_iterable(identifiers(x, keys) for x in sections))


def unreadable(
    raw: bytes, message: str, *, source: Source, arrival: Arrival
) -> Refused:
    """The refusal of what stands in a file and gave no event at all."""
    reading = Reading(envelope=None, faults=(Objection(NOT_JSON, "", message),))
    return _refused(raw[:LARGEST_EVENT], reading, (), source, arrival)


def _oldest(event: EventType | None) -> str:
    return UNPLANNED_VERSION if event is None else event.versions[0]


def _too_large(raw: bytes, source: Source, arrival: Arrival) -> Refused:
    message = f"The event is longer than {LARGEST_EVENT // 1024} KiB."
    reading = Reading(envelope=None, faults=(Objection(TOO_LARGE, "", message),))
    return _refused(raw[:LARGEST_EVENT], reading, (), source, arrival)


def _refused(
    raw: bytes,
    reading: Reading,
    objections: tuple[Objection, ...],
    source: Source,
    arrival: Arrival,
) -> Refused:
    found = reading.envelope
    claims = found or reading
    received_at = arrival.received_at
    if found is not None and found.received_at is not None:
        received_at = found.received_at
    if isinstance(claims, Envelope):
        event_id, name = claims.event_id, claims.event_name
        version = claims.event_version or ""
    else:
        event_id, name = reading.claimed_id, reading.claimed_name
        version = reading.claimed_version
    unknown_keys = () if found is not None else reading.unknown_keys
    return Refused(
        event_id=event_id,
        event_name=name,
        event_version=version,
        source=source.name,
        imported=arrival.imported,
        received_at=received_at,
        judged_at=arrival.received_at,
        objections=(*reading.faults, *unknown_keys, *objections),
        raw=raw,
        envelope=found,
    )


def _clock(found: Envelope, arrival: Arrival) -> tuple[int, Moment]:
    """The offset that mends a clock running ahead, and the moment of receipt.

    Transit takes time and never gives any: only a batch sent after its receipt
    proves a wrong clock. Imports are history and are not corrected.
    """
    if arrival.imported:
        return 0, found.received_at or arrival.received_at
    sent_at = found.sent_at or arrival.sent_at
    received_at = arrival.received_at
    if sent_at is None or sent_at.at - received_at.at <= CLOCK_ERROR_TOLERATED:
        return 0, received_at
    return moments.milliseconds(received_at.at - sent_at.at), received_at


def _known_at(found: Envelope, received_at: Moment, arrival: Arrival) -> Moment:
    if not arrival.imported or found.received_at is not None:
        return received_at
    return found.occurred_at


def _future_faults(
    found: Envelope, offset_ms: int, received_at: Moment
) -> Sequence[Objection]:
    ahead = found.occurred_at.at - received_at.at
    if offset_ms:
        ahead += timedelta(milliseconds=offset_ms)
    if ahead <= FUTURE_TOLERATED:
        return ()
    message = "Over 24 hours ahead of its receipt, after correction of the clock."
    return [Objection(FUTURE, "/timestamp", message)]


def _violations(
    found: Envelope, event: EventType | None, rules: Rules
) -> tuple[Objection, ...]:
    """What the taxonomy objects to, whatever then comes of it."""
    compiled = rules.schemas
    objections: list[Objection] = []
    if event is None or found.event_version not in {None, *event.versions}:
        objections += _name_faults(found, event)
    validator = compiled.unplanned if event is None else compiled.planned[event.name]
    instance = {
        "properties": found.properties,
        "context": found.context,
        "user_properties": found.user_properties,
    }
    if not validator.is_valid(instance):
        objections += schemas.objections(validator, instance)
    if not compiled.context_words.issuperset(found.context):
        objections += schemas.unknown_words(compiled, found.context)
    return tuple(objections)


def _name_faults(found: Envelope, event: EventType | None) -> list[Objection]:
    if event is None:
        message = "No event of this name in the taxonomy."
        return [Objection(UNPLANNED_EVENT, "/event_name", message)]
    version = found.event_version
    if version is not None and version not in event.versions:
        message = f"Supported versions: {', '.join(event.versions)}."
        return [Objection(UNPLANNED_EVENT, "/event_version", message)]
    return []


def _admits(
    objections: Sequence[Objection], event: EventType | None, source: Source
) -> bool:
    if not objections or source.mode == "open":
        return True
    weighty = [one for one in objections if not _is_mere_context(one)]
    if not weighty:
        return True
    if event is None or event.on_violation == "quarantine":
        return False
    if event.on_violation == "tag":
        return all(one.reason != UNPLANNED_EVENT for one in weighty)
    return _is_mended_by_stripping(weighty, event)


def _is_mere_context(objection: Objection) -> bool:
    """Circumstances differ by sender: what is new in them costs no event its place."""
    return objection.reason == ADDITIONAL_PROPERTY and objection.at.startswith(
        "/context/"
    )


def _is_mended_by_stripping(weighty: list[Objection], event: EventType) -> bool:
    required = {pointer("properties", name) for name in event.required}
    return all(
        one.reason in _STRIPPABLE and _top_level(one.at) not in required
        for one in weighty
    )


def _top_level(at: str) -> str:
    return "/".join(at.split("/")[:3])


def _strip(found: Envelope, objections: Sequence[Objection]) -> None:
    """Take out the offending properties; what context holds beside stays."""
    offending = {_top_level(one.at) for one in objections if not _is_mere_context(one)}
    for section in _SECTIONS:
        holder: dict[str, Any] = getattr(found, section)
        for key in [key for key in holder if pointer(section, key) in offending]:
            del holder[key]


def _is_oversized(objections: Sequence[Objection]) -> bool:
    return any(one.reason == TOO_LARGE for one in objections)


def _size_faults(found: Envelope, raw: bytes) -> Sequence[Objection]:
    keys = len(found.properties) + len(found.context) + len(found.user_properties)
    if found.is_flat and keys <= MOST_PROPERTIES:
        return ()
    faults: list[Objection] = []
    # nothing is deeper than it has brackets
    may_be_deep = raw.count(b"{") + raw.count(b"[") > DEEPEST
    for section, holder in (
        ("properties", found.properties),
        ("context", found.context),
        ("user_properties", found.user_properties),
    ):
        if len(holder) > MOST_PROPERTIES:
            message = f"More than {MOST_PROPERTIES} keys."
            faults.append(Objection(TOO_LARGE, pointer(section), message))
        # the event is level 1, the section level 2
        if may_be_deep and _is_deeper(holder, DEEPEST - 1):
            message = f"Nested deeper than {DEEPEST} levels."
            faults.append(Objection(TOO_LARGE, pointer(section), message))
    return faults


def _is_deeper(holder: dict[str, Any] | list[Any], levels: int) -> bool:
    if levels == 0:
        return True
    values = holder.values() if isinstance(holder, dict) else holder
    return any(
        _is_deeper(value, levels - 1)
        for value in values
        if value.__class__ in (dict, list)
    )
