"""Look at an audience before anything of it is sent, or even chosen."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from activation import normal_forms as normal
from activation.choosing import Candidate, WhoFits, require_people, who_fits
from activation.consent import ALLOWED
from activation.definitions import Custom, Definitions
from activation.differing import LEFT, WITHDREW, held_people
from activation.finding import nobody_has
from activation.ledger import OF_SHELF, Shelf, last_remote_id, platforms_of
from activation.people import identifiers_of
from activation.rim import Rim
from warehouse.clickhouse import rows
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a push to a platform would change in its set; counts are people.

    Reasons to enter: `new` to the set, or `again`. To leave: `withdrew`; `left`, who
    fits no longer; `unfindable`, of whom no identifier is known any more;
    `over_the_cap`; `too_few`, where the set is emptied.
    """

    there: int
    entering: int
    leaving: int
    entering_because: Mapping[str, int]
    leaving_because: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """An audience as it would be; shares are of those that the line above counts."""

    audience: str
    as_of: date
    size: int
    consent_share: float
    identifier_share: float
    email_share: float
    phone_share: float
    sendable: int
    minimum_size: int
    cap: int
    nobody_because: str
    overlap: Mapping[str, float]
    """Other audience → share of this one's people who are in it too."""
    changes: Mapping[str, Change]
    """Platform → what would change since the last push there."""


def preview(rim: Rim, definitions: Definitions, name: str, as_of: date) -> Preview:
    """An audience as of a day, by its definition and today's consent. Writes nothing.

    Raises BadInput for a name that no custom audience has; NotEnoughData as choosing
    does.
    """
    audience = next((one for one in definitions.custom if one.name == name), None)
    if audience is None:
        known = ", ".join(one.name for one in definitions.custom)
        raise BadInput(f"{name!r} is no audience of our own people; there are {known}.")
    require_people(rim.client)
    found = who_fits(rim.client, definitions, as_of)
    candidates = found.candidates(audience)
    consenting = [one for one in candidates if one.consents]
    known_by = _known_by(rim, consenting)
    sendable = [one for one in consenting if known_by.get(one.person.person_id)]
    kept = sendable[: audience.cap or None]
    wanted = _Wanted(
        members=_ids(kept) if len(kept) >= audience.minimum_size else set(),
        sendable=_ids(sendable),
        fitting=_ids(candidates),
        is_too_small=len(kept) < audience.minimum_size,
    )
    return Preview(
        audience=name,
        as_of=as_of,
        size=len(candidates),
        consent_share=_share(len(consenting), len(candidates)),
        identifier_share=_share(len(sendable), len(consenting)),
        email_share=_share(_by("email", known_by), len(consenting)),
        phone_share=_share(_by("phone", known_by), len(consenting)),
        sendable=len(kept),
        minimum_size=audience.minimum_size,
        cap=audience.cap,
        nobody_because=_nobody_because(rim.client, audience, found, len(kept)),
        overlap=_overlap(audience, candidates, found, definitions),
        changes=_changes(rim, name, wanted),
    )


def _known_by(rim: Rim, people: list[Candidate]) -> dict[str, set[str]]:
    """By which identifiers a platform could find each person."""
    return {
        known.person_id: {
            kind
            for kind, normal_form in (
                ("email", normal.email(known.email)),
                ("phone", normal.phone(known.phone, known.country)),
            )
            if normal_form
        }
        for known in identifiers_of(rim.vault, [one.person for one in people])
    }


def _by(kind: str, known_by: Mapping[str, set[str]]) -> int:
    return sum(kind in kinds for kinds in known_by.values())


def _nobody_because(
    client: "Client", audience: Custom, found: WhoFits, sendable: int
) -> str:
    if refused := found.stands[audience.name].refused_because:
        return refused
    if sendable >= audience.minimum_size:
        return ""
    too_few = f"{sendable} sendable, at least {audience.minimum_size} are needed"
    hint = "" if found.fits[audience.name] else nobody_has(client, audience.source)
    return f"{too_few}; {hint}" if hint else too_few


def _overlap(
    audience: Custom,
    candidates: list[Candidate],
    found: WhoFits,
    definitions: Definitions,
) -> dict[str, float]:
    ours = _ids(candidates)
    others = {
        other.name: _ids(found.candidates(other))
        for other in definitions.custom
        if other != audience
    }
    return {
        name: _share(len(ours & theirs), len(ours)) for name, theirs in others.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """Who shall be in a set, and how far the others come."""

    members: set[str]
    sendable: set[str]
    fitting: set[str]
    is_too_small: bool

    def why_out(self, person_id: str, allowed: set[str]) -> str:
        """Why somebody who is in a set shall not be."""
        if person_id not in allowed:
            return WITHDREW
        if person_id not in self.fitting:
            return LEFT
        if person_id not in self.sendable:
            return "unfindable"
        return "too_few" if self.is_too_small else "over_the_cap"


def _changes(rim: Rim, name: str, wanted: _Wanted) -> dict[str, Change]:
    changes = {}
    for platform in platforms_of(rim, name):
        shelf = Shelf(platform=platform, audience=name)
        shelf = replace(shelf, remote_id=last_remote_id(rim, shelf))
        there = held_people(rim, shelf)
        entering, leaving = wanted.members - there, there - wanted.members
        before = _ever_there(rim, shelf)
        allowed = {one for one, is_allowed in before.items() if is_allowed}
        changes[platform] = Change(
            there=len(there),
            entering=len(entering),
            leaving=len(leaving),
            entering_because=Counter(
                "again" if one in before else "new" for one in entering
            ),
            leaving_because=Counter(wanted.why_out(one, allowed) for one in leaving),
        )
    return changes


def _ever_there(rim: Rim, shelf: Shelf) -> dict[str, bool]:
    """Everybody who was ever sent to a set, and whether they may still be sent."""
    found = rows(
        rim.client,
        f"select distinct person_id, person_id in ({ALLOWED}) as is_allowed"
        f" from activation.sent where {OF_SHELF}",
        shelf.bound,
    )
    return {row["person_id"]: bool(row["is_allowed"]) for row in found}


def _ids(people: Iterable[Candidate]) -> set[str]:
    return {one.person.person_id for one in people}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
