"""Advice on definitions that work but will puzzle someone later."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from warehouse.taxonomy.values import EventType, Property, Taxonomy

_FEWEST_WORDS = 4
_IRREGULAR_PAST = re.compile(
    "begun|bought|built|chosen|done|drawn|driven|found|forgotten|given|gone|got|held"
    "|hidden|kept|left|lent|lost|made|met|paid|put|read|run|seen|sent|set|shown|shut"
    "|sold|spent|taken|told|thrown|won|written"
)
_VAGUE = re.compile(
    "attribute|data|details|extra|field|flag|id|info|key|meta|misc|name|number|object"
    "|other|param|params|payload|stuff|text|thing|type|value"
)
_SHORT_FORMS = {
    "addr": "address",
    "amt": "amount",
    "btn": "button",
    "cnt": "count",
    "desc": "description",
    "dt": "the date's name",
    "msg": "message",
    "num": "number",
    "pwd": "password",
    "qty": "quantity",
    "sub": "subscription",
    "ts": "the moment's name",
    "usr": "user",
}
_NAMES_A_PERSON = re.compile(
    r"(^|_)(e?mail|phone|mobile|telephone|surname|passport|iban|ssn|birthday|birth_date"
    r"|date_of_birth|dob)($|_(address|number)$)"
    r"|^(first|last|full|given|family|real|legal)_name$"
    r"|^(street|postal|home|billing|shipping)_address$"
)
_POINTS_TO_A_PERSON = re.compile(
    r"^(user|person|player|member|customer|account|device|anonymous)_id$"
    r"|_user_id$|^ip(_address)?$|^user_agent$|^(latitude|longitude)$|^username$|^handle$"
)
_MONEY = re.compile(r"(^|_)(cents|amount|price|revenue|fee|tax|discount)($|_cents$)")
_LENGTH_OF_TIME = re.compile(
    r"(^|_)(duration|elapsed|latency|delay|timeout|time_spent)$"
)
_UNIT = re.compile(
    r"(milli|micro)?seconds?|minutes?|hours?|days?|weeks?|months?|years?"
)


@dataclass(frozen=True, slots=True, order=True)
class Advice:
    """One thing to think about, and where."""

    at: str
    says: str

    def __str__(self) -> str:
        """Path and sentence."""
        return f"{self.at}: {self.says}"


def advise(taxonomy: Taxonomy) -> list[Advice]:
    """All advice on a taxonomy, by place."""
    found = [
        *(one for event in taxonomy.events.values() for one in _on_event(event)),
        *(one for place, word in taxonomy.every_property() for one in _on(place, word)),
        *_on_one_name_two_types(taxonomy),
    ]
    return sorted(found)


def _on_event(event: EventType) -> Iterator[Advice]:
    if not any(map(_is_past, event.name.split("_"))):
        yield Advice(event.name, "say what happened in the past tense: game_created")
    if thin := _thin_meaning(event.name, event.meaning):
        yield Advice(event.name, thin)
    yield from _on_short_forms(event.name, event.name)
    money = [name for name in event.properties if _MONEY.search(name)]
    if money and "currency" not in event.properties:
        at = f"{event.name}.{money[0]}"
        yield Advice(at, "money without a `currency` beside it cannot be added up")


def _is_past(word: str) -> bool:
    return word.endswith("ed") or bool(_IRREGULAR_PAST.fullmatch(word))


def _on(place: str, word: Property) -> Iterator[Advice]:
    at = f"{place}.{word.name}"
    if _VAGUE.fullmatch(word.name):
        yield Advice(at, f"`{word.name}` says little; name what it is about")
    if thin := _thin_meaning(word.name, word.meaning):
        yield Advice(at, thin)
    yield from _on_short_forms(at, word.name)
    if word.type in {"string", "integer", "number"} and not (
        word.enum or word.examples
    ):
        yield Advice(at, "add an example: `examples: [...]`")
    if word.type == "string" and not _bounded(word):
        yield Advice(at, "set a `max_length`, so that no one can send a book")
    yield from _on_personal(at, word)
    if _LENGTH_OF_TIME.search(word.name) and not _UNIT.search(word.meaning):
        yield Advice(at, "say the unit in the name or the meaning, such as seconds")


def _bounded(word: Property) -> bool:
    return bool(word.enum or word.format or word.pattern or word.max_length)


def _on_personal(at: str, word: Property) -> Iterator[Advice]:
    if _NAMES_A_PERSON.search(word.name) and not word.direct and word.type == "string":
        yield Advice(at, "looks like it names a person: `personal: direct`?")
    elif _POINTS_TO_A_PERSON.search(word.name) and word.personal == "none":
        yield Advice(at, "looks like it points to a person: `personal: pseudonym`?")


def _on_short_forms(at: str, name: str) -> Iterator[Advice]:
    for part in name.split("_"):
        if part in _SHORT_FORMS:
            yield Advice(at, f"write `{part}` out: {_SHORT_FORMS[part]}")


def _thin_meaning(name: str, meaning: str) -> str | None:
    words = re.findall(r"[a-z0-9]+", meaning.lower())
    if set(words) - {"the", "a", "an", "of"} <= set(name.split("_")):
        return "the meaning only repeats the name"
    if len(words) < _FEWEST_WORDS:
        return "the meaning is very short; say what a newcomer would ask"
    return None


def _on_one_name_two_types(taxonomy: Taxonomy) -> Iterator[Advice]:
    seen: dict[str, tuple[str, str]] = {}
    for place, word in taxonomy.every_property():
        where, type_name = seen.setdefault(word.name, (place, word.type))
        if type_name != word.type:
            says = f"{word.type} here, {type_name} in {where}; one name, one type"
            yield Advice(f"{place}.{word.name}", says)
