"""Advice on definitions that work but will puzzle someone later."""

from typing import Any

import pytest

from warehouse.taxonomy import EventType, Property, Taxonomy, load
from warehouse.taxonomy.advice import advise


def a_property(**changed: Any) -> Property:
    given: dict[str, Any] = {
        "name": "color",
        "type": "string",
        "meaning": "Color the person chose for the item.",
        "personal": "none",
        "max_length": 32,
        "examples": ("red",),
    }
    return Property(**given | changed)


def a_taxonomy(
    *properties: Property,
    name: str = "item_bought",
    meaning: str = "A person bought an item.",
) -> Taxonomy:
    event = EventType(
        name=name,
        domain="shop",
        meaning=meaning,
        since="1.0",
        properties={one.name: one for one in properties},
    )
    return Taxonomy(
        events={name: event},
        envelope={},
        traits={},
        context={},
        direct_names=frozenset(),
    )


def said(*properties: Property, **event: str) -> list[str]:
    return [str(advice) for advice in advise(a_taxonomy(*properties, **event))]


def test_a_clear_definition_needs_no_advice() -> None:
    assert said(a_property()) == []


def test_our_own_taxonomy_needs_no_advice() -> None:
    assert advise(load()) == []


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"name": "data"}, "`data` says little; name what it is about"),
        ({"name": "item_qty"}, "write `qty` out: quantity"),
        ({"meaning": "The color."}, "the meaning only repeats the name"),
        (
            {"meaning": "Chosen shade."},
            "the meaning is very short; say what a newcomer would ask",
        ),
        ({"examples": ()}, "add an example: `examples: [...]`"),
        ({"max_length": None}, "set a `max_length`, so that no one can send a book"),
        (
            {"name": "duration"},
            "say the unit in the name or the meaning, such as seconds",
        ),
        ({"name": "price_cents"}, "money without a `currency` beside it"),
    ],
)
def test_a_definition_that_will_puzzle_someone_gets_advice(
    changed: dict[str, Any], advice: str
) -> None:
    [found] = said(a_property(**changed))

    name = changed.get("name", "color")
    assert found.startswith(f"item_bought.{name}: {advice}")


@pytest.mark.parametrize(
    "name",
    [
        *("email", "mail", "work_email", "email_address", "phone", "phone_number"),
        *("mobile", "surname", "last_name", "full_name", "billing_address", "iban"),
        *("birth_date", "date_of_birth", "passport_number"),
    ],
)
def test_what_names_a_person_should_be_marked_direct(name: str) -> None:
    assert said(a_property(name=name)) == [
        f"item_bought.{name}: looks like it names a person: `personal: direct`?"
    ]
    assert said(a_property(name=name, personal="direct")) == []


@pytest.mark.parametrize(
    "name", ["user_id", "invited_user_id", "ip_address", "user_agent", "latitude"]
)
def test_what_points_to_a_person_should_be_marked_pseudonym(name: str) -> None:
    assert said(a_property(name=name)) == [
        f"item_bought.{name}: looks like it points to a person: `personal: pseudonym`?"
    ]
    assert said(a_property(name=name, personal="pseudonym")) == []


@pytest.mark.parametrize("name", ["email_sent", "item_name", "page_address", "plan"])
def test_a_name_that_only_sounds_personal_is_left_alone(name: str) -> None:
    assert not any("looks like" in one for one in said(a_property(name=name)))


def test_an_event_says_what_happened() -> None:
    [found] = said(name="buy_item")

    assert found == "buy_item: say what happened in the past tense: game_created"


def test_one_name_has_one_type() -> None:
    text, number = a_property(), a_property(type="integer", max_length=None)
    taxonomy = a_taxonomy(text)
    bought = taxonomy.events["item_bought"]
    sold = EventType(
        name="item_sold",
        domain="shop",
        meaning="A person sold an item.",
        since="1.0",
        properties={"color": number},
    )
    both = Taxonomy(
        events={"item_bought": bought, "item_sold": sold},
        envelope={},
        traits={},
        context={},
        direct_names=frozenset(),
    )

    [found] = advise(both)

    assert str(found) == (
        "item_sold.color: integer here, string in item_bought; one name, one type"
    )
