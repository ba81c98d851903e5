"""docs/taxonomy.md: what may happen, for people who plan products."""

from collections.abc import Iterable, Mapping

from warehouse.generators.note import note
from warehouse.taxonomy import EventType, Property, Taxonomy

_INTRODUCTION = """
# What may happen

Every event Questlog knows, as defined in `taxonomy/`. To add one or change one, see
[taxonomy-howto.md](taxonomy-howto.md).

**Needed** properties come with every event of their kind. **Personal** says how near a
value is to a person: *no*; *pseudonym*, a value that points to someone we know only by
a number; *direct*, a value that names them. Direct values never lie in the warehouse:
they go to the vault, and a token stands in their place.
"""
_ON_VIOLATION = {
    "quarantine": "An event that breaks this is set aside until it is mended.",
    "tag": "An event that breaks this is accepted, with a note of what broke.",
    "strip": "A property that breaks this is left out; the event is accepted.",
}
_PERSONAL = {"none": "no"}


def taxonomy_page(taxonomy: Taxonomy) -> str:
    """The page: a list of all events, then each domain, then the words around."""
    parts = [
        f"<!-- {note('taxonomy/')} -->",
        _INTRODUCTION.strip(),
        "## All events",
        _overview(taxonomy),
    ]
    for domain in taxonomy.domains:
        parts.append(f"## {_title(domain)}")
        parts += (_event(event) for event in taxonomy.of_domain(domain))
    parts += [
        "## Around every event",
        "The envelope: the same for all events, whatever happened.",
        _table(taxonomy.envelope),
        "## What we may know of a person",
        "Traits, sent in `user_properties`: of the person, and slow to change.",
        _table(taxonomy.traits),
        "## The circumstances",
        "Sent in `context`; none of it is needed.",
        _table(taxonomy.context),
    ]
    return "\n\n".join(parts) + "\n"


def _overview(taxonomy: Taxonomy) -> str:
    rows = [
        (f"[{event.name}](#{event.name})", _title(domain), event.meaning)
        for domain in taxonomy.domains
        for event in taxonomy.of_domain(domain)
    ]
    return _rows(("Event", "Domain", "What happened"), rows)


def _event(event: EventType) -> str:
    lines = [f"### {event.name}", event.meaning]
    if event.replaced_by:
        lines.append(f"Retired: send [{event.replaced_by}](#{event.replaced_by}).")
    elif event.retired_on:
        lines.append(f"Retired on {event.retired_on}.")
    versions = ", ".join(event.versions)
    kept = f" Kept for {event.keep_for_months} months." if event.keep_for_months else ""
    lines.append(f"{_ON_VIOLATION[event.on_violation]} Versions: {versions}.{kept}")
    lines.append(_table(event.properties) if event.properties else "No properties.")
    return "\n\n".join(lines)


def _table(words: Mapping[str, Property]) -> str:
    rows = [
        (
            f"`{one.name}`",
            "yes" if one.required else "",
            _meaning(one),
            _kind(one),
            ", ".join(f"`{_shown(example)}`" for example in one.examples),
            _PERSONAL.get(one.personal, one.personal),
        )
        for one in words.values()
    ]
    return _rows(("Property", "Needed", "Meaning", "Kind", "Example", "Personal"), rows)


def _meaning(one: Property) -> str:
    parts = [one.meaning]
    if one.imports_only:
        parts.append("Only in import files.")
    if one.replaced_by:
        parts.append(f"Retired: send `{one.replaced_by}`.")
    elif one.retired_on:
        parts.append(f"Retired on {one.retired_on}.")
    return " ".join(parts)


def _kind(one: Property) -> str:
    """Type and limits in words, such as `integer, from 0`."""
    if one.enum:
        return "one of " + ", ".join(f"`{choice}`" for choice in one.enum)
    limits = (
        (one.items, "of {}s"),
        (one.format, "as {}"),
        (one.pattern, "like `{}`"),
        (one.min, "from {}"),
        (one.max, "to {}"),
        (one.max_length, "up to {} characters"),
        (one.max_items, "up to {} of them"),
    )
    said = (text.format(limit) for limit, text in limits if limit is not None)
    return ", ".join([one.type, *said])


def _shown(example: object) -> str:
    return str(example).lower() if isinstance(example, bool) else str(example)


def _rows(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a bar or a line break in a cell cannot break it."""
    lines = [head, *rows]
    written = [
        "| "
        + " | ".join(" ".join(cell.replace("|", r"\|").split()) for cell in line)
        + " |"
        for line in lines
    ]
    return "\n".join([written[0], "|" + "---|" * len(list(head)), *written[1:]])


def _title(domain: str) -> str:
    return domain.replace("_", " ").capitalize()
