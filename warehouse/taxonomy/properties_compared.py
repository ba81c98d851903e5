"""What changed in one property, and whether all that was valid still is."""

from collections.abc import Iterator
from dataclasses import dataclass

from warehouse.taxonomy.values import Property

_NEW_NAME = "add a new property beside it, and retire this one with `replaced_by`"
_STAYS_VALID = "leave it as wide as it was: older senders and stored events have it"


@dataclass(frozen=True, slots=True)
class Step:
    """One difference: it widens what is valid, breaks history, or neither.

    `instead` says what to do in its place, where it breaks history.
    """

    says: str
    widens: bool = False
    instead: str = ""


def property_steps(before: Property, after: Property) -> Iterator[Step]:
    """Each difference between two definitions of one name, retirement left out."""
    if before.type != after.type:
        says = f"type {before.type} became {after.type}"
        yield Step(says, instead=_NEW_NAME)
    if before.personal != after.personal:
        says = f"personal {before.personal} became {after.personal}"
        yield Step(says, instead=_NEW_NAME)
    for name in ("required", "imports_only"):
        was, now = getattr(before, name), getattr(after, name)
        if was and not now:
            yield Step(f"no longer {name}", widens=True)
        elif now and not was:
            yield Step(f"newly {name}", instead=_STAYS_VALID)
    yield from _values_compared(before, after)
    yield from _limits_compared(before, after)
    for name in ("format", "pattern", "items"):
        yield from _shape(name, getattr(before, name), getattr(after, name))
    if before.meaning != after.meaning:
        yield Step("meaning reworded")
    if before.examples != after.examples:
        yield Step("examples changed")


def _values_compared(before: Property, after: Property) -> Iterator[Step]:
    was, now = set(before.enum), set(after.enum)
    if was and not now:
        yield Step("enum lifted: any value", widens=True)
    elif now and not was:
        yield Step("enum set on what was free", instead=_STAYS_VALID)
    else:
        if gone := [str(one) for one in before.enum if one not in now]:
            says = f"enum lost {', '.join(gone)}"
            yield Step(says, instead=_STAYS_VALID)
        if come := [str(one) for one in after.enum if one not in was]:
            yield Step(f"enum gained {', '.join(come)}", widens=True)


def _limits_compared(before: Property, after: Property) -> Iterator[Step]:
    for name in ("min", "min_length"):
        yield from _limit(
            name, getattr(before, name), getattr(after, name), upper=False
        )
    for name in ("max", "max_length", "max_items"):
        yield from _limit(name, getattr(before, name), getattr(after, name), upper=True)


def _limit(
    name: str, was: float | None, now: float | None, *, upper: bool
) -> Iterator[Step]:
    if was == now:
        return
    if now is None:
        yield Step(f"{name} lifted", widens=True)
    elif was is None:
        yield Step(f"{name} {now} set", instead=_STAYS_VALID)
    else:
        widens = now > was if upper else now < was
        says = f"{name} {was} became {now}"
        yield Step(says, widens=widens, instead="" if widens else _STAYS_VALID)


def _shape(name: str, was: str | None, now: str | None) -> Iterator[Step]:
    """A pattern cannot be proved wider than another: any new one counts as narrower."""
    if was == now:
        return
    if now is None:
        yield Step(f"{name} lifted", widens=True)
    else:
        yield Step(f"{name} became {now}", instead=_STAYS_VALID)
