"""What the keys of an event tell by themselves, remembered: senders use few shapes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import jsonschema_rs

from ingestion.personal import PersonalKeys
from ingestion.schemas import Schemas

MOST_PROPERTIES: Final = 256

_REMEMBERED: Final = 10_000
_LONGEST: Final = 40
_NESTED: Final = frozenset({"object", "array"})

Key = tuple[str, str | None, tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What events of one name, one version and the same keys have in common."""

    event_name: str
    event_version: str
    validator: jsonschema_rs.Validator
    is_personal: bool


class Shapes:
    """Shapes of events that may have nothing wrong about them; bounded in number.

    All their words are planned and none is an object or array: what the validator
    lets pass is flat.
    """

    def __init__(self, schemas: Schemas, personal: PersonalKeys) -> None:
        self._schemas = schemas
        self._personal = personal
        self._known: dict[Key, Shape | None] = {}

    def of(
        self,
        name: str,
        version: str | None,
        properties: Iterable[str],
        context: Iterable[str],
        user_properties: Iterable[str],
    ) -> Shape | None:
        """The shape of an event; None where name, version or keys are objected to."""
        key = name, version, tuple(properties), tuple(context), tuple(user_properties)
        try:
            return self._known[key]
        except KeyError:
            found = self._made(key)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        if sum(map(len, key[2:])) <= _LONGEST:
            self._known[key] = found
        return found

    def _made(self, key: Key) -> Shape | None:
        name, version, *sections = key
        event = self._schemas.taxonomy.resolve(name)
        if event is None or version not in {None, *event.versions}:
            return None
        taxonomy = self._schemas.taxonomy
        planned = (event.properties, taxonomy.context, taxonomy.traits)
        words: list[str] = []
        for section, known in zip(sections, planned, strict=True):
            for word in section:
                if word not in known or known[word].type in _NESTED:
                    return None
                words.append(word)
        if len(words) > MOST_PROPERTIES:
            return None
        return Shape(
            event_name=event.name,
            event_version=version or event.versions[0],
            validator=self._schemas.planned[event.name],
            is_personal=bool(self._personal.personal_keys(words)),
        )
