"""What a taxonomy is made of: events, their properties, the words around them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

OLDEST_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One named value of an event, a person or an envelope.

    `personal` is `none`, `pseudonym` or `direct`; a direct identifier never lies in
    ClickHouse. Constraints that were not given are None or empty. From `retired_on`
    it should no longer be sent, and is still taken.
    """

    name: str
    type: str
    meaning: str
    personal: str
    required: bool = False
    min: float | None = None
    max: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_items: int | None = None
    enum: tuple[str | int, ...] = ()
    format: str | None = None
    pattern: str | None = None
    items: str | None = None
    examples: tuple[object, ...] = ()
    replaced_by: str | None = None
    retired_on: date | None = None
    imports_only: bool = False

    @property
    def direct(self) -> bool:
        """Whether the value names a person outright and belongs in the vault."""
        return self.personal == "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One thing that may happen.

    `on_violation` is `quarantine`, `tag` or `strip`; `versions` are those still
    supported, the oldest first; `superseded` has the day from which a version was no
    longer the newest. Rows older than `keep_for_months` are let go; None: never.
    """

    name: str
    domain: str
    meaning: str
    since: str
    on_violation: str = "quarantine"
    keep_for_months: int | None = None
    versions: tuple[str, ...] = (OLDEST_VERSION,)
    replaced_by: str | None = None
    retired_on: date | None = None
    superseded: Mapping[str, date] = field(default_factory=dict)
    properties: Mapping[str, Property] = field(default_factory=dict)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the properties that every such event carries."""
        return tuple(one.name for one in self.properties.values() if one.required)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """Everything that may happen, and the words in which it is told."""

    events: Mapping[str, EventType]
    envelope: Mapping[str, Property]
    traits: Mapping[str, Property]
    context: Mapping[str, Property]
    direct_names: frozenset[str]

    def resolve(self, name: str) -> EventType | None:
        """The event of a name, bare or behind its domain; None when unplanned."""
        found = self.events.get(name)
        if found is not None or "." not in name:
            return found
        domain, _, bare = name.partition(".")
        found = self.events.get(bare)
        return found if found is not None and found.domain == domain else None

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains, in alphabetical order."""
        return tuple(sorted({event.domain for event in self.events.values()}))

    def of_domain(self, domain: str) -> tuple[EventType, ...]:
        """The events of one domain, in the order of its file."""
        return tuple(one for one in self.events.values() if one.domain == domain)

    def every_property(self) -> Iterator[tuple[str, Property]]:
        """Each property with the place that defines it, such as `user_signed_up`."""
        for place, words in (
            ("envelope", self.envelope),
            ("user_properties", self.traits),
            ("context", self.context),
        ):
            yield from ((place, one) for one in words.values())
        for event in self.events.values():
            yield from ((event.name, one) for one in event.properties.values())
