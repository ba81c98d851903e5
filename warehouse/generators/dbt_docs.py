"""Doc blocks for dbt: one for each word, so that none is explained twice."""

from collections.abc import Iterator

from warehouse.generators.note import note
from warehouse.generators.tables import Table
from warehouse.taxonomy import Taxonomy


def doc_blocks(taxonomy: Taxonomy, events_table: Table) -> str:
    """One block per word: envelope, column of raw.events, event, property, trait.

    A word with several meanings gets one block that lists them with their places.
    """
    meanings: dict[str, dict[str, list[str]]] = {}
    for word, place, meaning in _told(taxonomy, events_table):
        meanings.setdefault(word, {}).setdefault(meaning, []).append(place)
    blocks = [
        f"{{% docs {word} %}}\n{_plain(_text(told))}\n{{% enddocs %}}\n"
        for word, told in sorted(meanings.items())
    ]
    return "\n".join([f"<!-- {note('taxonomy/ and warehouse/ddl')} -->\n", *blocks])


def _told(taxonomy: Taxonomy, events_table: Table) -> Iterator[tuple[str, str, str]]:
    """Each word with the place that uses it and what it means there."""
    columns = {one.name: one.comment for one in events_table.columns}
    envelope = {
        one.name: one.meaning
        for one in taxonomy.envelope.values()
        if not (one.imports_only and one.name in columns)
    }
    for word, meaning in (columns | envelope).items():
        yield word, "every event", meaning
    for event in taxonomy.events.values():
        yield event.name, f"{event.domain} events", event.meaning
    for place, one in taxonomy.every_property():
        if place != "envelope":
            yield one.name, place, one.meaning


def _text(told: dict[str, list[str]]) -> str:
    if len(told) == 1:
        return next(iter(told))
    return "\n".join(
        f"- {', '.join(places)}: {meaning}" for meaning, places in told.items()
    )


def _plain(text: str) -> str:
    """Without anything that Jinja would read."""
    for mark in ("{%", "{{", "{#"):
        text = text.replace(mark, f"{mark[0]} {mark[1]}")
    return text
