"""Compare two taxonomies: what changed, how grave it is, and what breaks history."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from warehouse.taxonomy.properties_compared import Step, property_steps
from warehouse.taxonomy.rules import version_order
from warehouse.taxonomy.values import OLDEST_VERSION, EventType, Property, Taxonomy

_STRICTNESS = ("quarantine", "strip", "tag")
_KEEP_YEAR = "keep it, add `retired_on`, and remove it twelve months after that day"


class Kind(IntEnum):
    """How grave a change is for those who send events and those who read them."""

    PATCH = 0
    ADDITIVE = 1
    BREAKING = 2

    @property
    def word(self) -> str:
        """As people write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change, and what to do instead where it breaks history.

    `event` is the event it belongs to; empty for traits, context and envelope.
    `instead` is empty where the change may stand.
    """

    at: str
    says: str
    kind: Kind
    instead: str = ""
    event: str = ""

    @property
    def refused(self) -> bool:
        """Whether the change breaks history."""
        return bool(self.instead)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes by place; `versions` has each changed event's step, old to new.

    `undeclared` are the events whose `versions` do not end with that step yet.
    """

    changes: tuple[Change, ...]
    versions: Mapping[str, tuple[str, str]]
    undeclared: frozenset[str] = frozenset()

    @property
    def bump(self) -> Kind | None:
        """The gravest change decides; None without any."""
        return max((one.kind for one in self.changes), default=None)

    @property
    def refused(self) -> tuple[Change, ...]:
        """What breaks history."""
        return tuple(one for one in self.changes if one.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The day of the comparison, and the day the old taxonomy was written.

    Nothing that was in force on `released` can have been retired before; None when
    that day is not known.
    """

    today: date
    released: date | None = None

    def a_year_has_passed(self, day: date | None) -> bool:
        """Whether twelve months lie between a day and today."""
        return day is not None and _a_year_after(day) <= self.today

    def is_backdated(self, before: date | None, after: date | None) -> bool:
        """Whether a day was moved to an earlier one, or stated too late."""
        if after is None or after == before:
            return False
        earliest = before or self.released
        return earliest is not None and after < earliest


def compare(old: Taxonomy, new: Taxonomy, calendar: Calendar) -> Comparison:
    """Everything that differs between two taxonomies, by place."""
    changes = [
        *_events_compared(old, new, calendar),
        *_words_compared("envelope", old.envelope, new.envelope, calendar),
        *_words_compared("user_properties", old.traits, new.traits, calendar),
        *_words_compared("context", old.context, new.context, calendar),
    ]
    versions = _steps_of_versions(old, new, changes)
    undeclared = (
        name
        for name, (_, stepped) in versions.items()
        if new.events[name].versions[-1] != stepped
    )
    return Comparison(tuple(sorted(changes)), versions, frozenset(undeclared))


def next_version(version: str, kind: Kind) -> str:
    """The version after a change: breaking 2.0, additive 1.1, patch the same."""
    major, minor = version_order(version)
    if kind is Kind.BREAKING:
        return f"{major + 1}.0"
    return f"{major}.{minor + 1}" if kind is Kind.ADDITIVE else version


def _a_year_after(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year + 1, 3, 1)
    return day.replace(year=day.year + 1)


def _steps_of_versions(
    old: Taxonomy, new: Taxonomy, changes: list[Change]
) -> dict[str, tuple[str, str]]:
    found = {}
    for name in sorted(old.events.keys() & new.events.keys()):
        kinds = [one.kind for one in changes if one.event == name]
        newest = old.events[name].versions[-1]
        if kinds and (stepped := next_version(newest, max(kinds))) != newest:
            found[name] = (newest, stepped)
    for name in sorted(new.events.keys() - old.events.keys()):
        found[name] = ("", OLDEST_VERSION)
    return found


def _events_compared(
    old: Taxonomy, new: Taxonomy, calendar: Calendar
) -> Iterator[Change]:
    for name in sorted(old.events.keys() | new.events.keys()):
        before, after = old.events.get(name), new.events.get(name)
        if before is None:
            yield Change(name, "new event", Kind.ADDITIVE, event=name)
        elif after is None:
            yield _removed(name, "event", before.retired_on, calendar, name)
        else:
            yield from _event_compared(before, after, calendar)
            yield from _words_compared(
                name, before.properties, after.properties, calendar, event=name
            )


def _removed(
    at: str, what: str, retired_on: date | None, calendar: Calendar, event: str
) -> Change:
    """Old senders live on: what they send is taken for twelve months more."""
    if calendar.a_year_has_passed(retired_on):
        says = f"{what} removed, retired on {retired_on}"
        return Change(at, says, Kind.BREAKING, event=event)
    says = f"{what} removed " + (
        f"too soon, retired on {retired_on}" if retired_on else "without retiring it"
    )
    return Change(at, says, Kind.BREAKING, _KEEP_YEAR, event)


def _event_compared(
    before: EventType, after: EventType, calendar: Calendar
) -> Iterator[Change]:
    name = before.name

    def change(says: str, kind: Kind, instead: str = "") -> Change:
        return Change(name, says, kind, instead, name)

    if before.meaning != after.meaning:
        yield change("meaning reworded", Kind.PATCH)
    if before.since != after.since:
        yield change("`since` corrected", Kind.PATCH)
    if before.domain != after.domain:
        says = f"moved from {before.domain} to {after.domain}"
        instead = f"leave it there: {before.domain}.{name} is sent as well"
        yield change(says, Kind.BREAKING, instead)
    if before.on_violation != after.on_violation:
        says = f"on_violation {before.on_violation} became {after.on_violation}"
        ranks = [_STRICTNESS.index(one.on_violation) for one in (before, after)]
        stricter = ranks[1] < ranks[0]
        instead = "make a new event: what was taken would be refused or cut"
        if stricter:
            yield change(says, Kind.BREAKING, instead)
        else:
            yield change(says, Kind.ADDITIVE)
    if before.keep_for_months != after.keep_for_months:
        # what is valid stays so; how long rows are kept is no matter of senders
        kept = (_kept(one.keep_for_months) for one in (before, after))
        yield change("kept {}, now {}".format(*kept), Kind.PATCH)
    yield from _retirement(name, before, after, calendar, event=name)
    yield from _versions_compared(before, after, calendar, change)


def _kept(months: int | None) -> str:
    return "for good" if months is None else f"for {months} months"


def _retirement(
    at: str,
    before: EventType | Property,
    after: EventType | Property,
    calendar: Calendar,
    *,
    event: str,
) -> Iterator[Change]:
    was, now = before.retired_on, after.retired_on
    if calendar.is_backdated(was, now):
        says = f"retired on {now}, a day already past when it was in force"
        instead = f"write {calendar.today}, or a later day"
        yield Change(at, says, Kind.BREAKING, instead, event)
    elif was != now:
        says = f"retired on {now}" if now else "no longer retired"
        yield Change(at, says, Kind.ADDITIVE, event=event)
    if before.replaced_by != after.replaced_by:
        says = f"replaced_by is now {after.replaced_by or 'absent'}"
        yield Change(at, says, Kind.PATCH, event=event)


def _versions_compared(
    before: EventType,
    after: EventType,
    calendar: Calendar,
    change: Callable[..., Change],
) -> Iterator[Change]:
    for version in after.versions:
        if version not in before.versions:
            yield change(f"version {version} is taken", Kind.PATCH)
    for version in before.versions:
        if version in after.versions:
            continue
        day = before.superseded.get(version)
        says = f"version {version} is no longer taken"
        if calendar.a_year_has_passed(day):
            yield change(f"{says}, superseded on {day}", Kind.BREAKING)
        else:
            instead = (
                f"keep it in `versions` for twelve months after `superseded` {day}"
                if day
                else f'keep it, and write `superseded: {{"{version}": "<day>"}}`'
            )
            yield change(says, Kind.BREAKING, instead)
    for version, day in after.superseded.items():
        if calendar.is_backdated(before.superseded.get(version), day):
            says = f"version {version} superseded on {day}, when it was in force"
            instead = f"write {calendar.today}, or a later day"
            yield change(says, Kind.BREAKING, instead)


def _words_compared(
    place: str,
    old: Mapping[str, Property],
    new: Mapping[str, Property],
    calendar: Calendar,
    *,
    event: str = "",
) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        at = f"{place}.{name}"
        before, after = old.get(name), new.get(name)
        if before is not None and after is not None:
            steps = property_steps(before, after)
            yield from (_stepped(at, one, event) for one in steps)
            yield from _retirement(at, before, after, calendar, event=event)
        elif before is not None:
            yield _removed(at, "property", before.retired_on, calendar, event)
        elif after is not None and after.required:
            instead = "let it be optional: older senders don't know it"
            says = "new property, and required"
            yield Change(at, says, Kind.BREAKING, instead, event)
        else:
            yield Change(at, "new property", Kind.ADDITIVE, event=event)


def _stepped(at: str, step: Step, event: str) -> Change:
    if step.instead:
        return Change(at, step.says, Kind.BREAKING, step.instead, event)
    kind = Kind.ADDITIVE if step.widens else Kind.PATCH
    return Change(at, step.says, kind, event=event)
