"""Each change of the taxonomy has its verdict; one let through harms nobody."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.generators.json_schema import object_schema
from warehouse.taxonomy import EventType, Property, Taxonomy
from warehouse.taxonomy.comparison import Calendar, Change, Kind, compare, next_version

TODAY = date(2026, 11, 22)
LONG_AGO, LATELY = date(2025, 11, 22), date(2025, 11, 23)
CALENDAR = Calendar(today=TODAY, released=date(2026, 11, 1))


def a_property(name: str = "result", **changed: Any) -> Property:
    fields: dict[str, Any] = {
        "type": "integer",
        "meaning": "Sum that counted.",
        "personal": "none",
    }
    return Property(name=name, **(fields | changed))


def an_event(*properties: Property, **changed: Any) -> EventType:
    fields: dict[str, Any] = {
        "name": "rolled",
        "domain": "play",
        "meaning": "A person threw dice.",
        "since": "1.0",
    }
    words = {one.name: one for one in properties}
    return EventType(properties=words, **(fields | changed))


def a_taxonomy(*events: EventType, **changed: Any) -> Taxonomy:
    fields: dict[str, Any] = {
        "events": {one.name: one for one in events},
        "envelope": {},
        "traits": {},
        "context": {},
        "direct_names": frozenset(),
    }
    return Taxonomy(**(fields | changed))


ROLLED = an_event(
    a_property(min=0, max=100),
    a_property("dice", type="string", required=True, enum=("1d6", "1d20")),
)
DICE, RESULT = ROLLED.properties["dice"], ROLLED.properties["result"]


def changed(event: EventType = ROLLED, **words: Any) -> Taxonomy:
    return a_taxonomy(replace(event, **words))


def with_words(*words: Property) -> Taxonomy:
    return changed(properties={one.name: one for one in words})


def verdicts(old: Taxonomy, new: Taxonomy) -> list[tuple[str, str, bool]]:
    found = compare(old, new, CALENDAR).changes
    return [(one.at, one.kind.word, one.refused) for one in found]


BASE = a_taxonomy(ROLLED)
NEW_NAME = a_property("bonus", required=False)
GONE_SOON = replace(RESULT, retired_on=LATELY)
GONE_LONG = replace(RESULT, retired_on=LONG_AGO)
TWO_VERSIONS = ("1.0", "1.1")
OLD_VERSION = an_event(versions=TWO_VERSIONS, superseded={"1.0": LONG_AGO})
LATE_VERSION = an_event(versions=TWO_VERSIONS, superseded={"1.0": LATELY})

TWELVE_AND_MORE: list[tuple[str, Taxonomy, Taxonomy, str, str, bool]] = [
    ("a new event", a_taxonomy(), BASE, "rolled", "additive", False),
    ("an event removed", BASE, a_taxonomy(), "rolled", "breaking", True),
    (
        "an event removed a year after it was retired",
        changed(retired_on=LONG_AGO),
        a_taxonomy(),
        "rolled",
        "breaking",
        False,
    ),
    (
        "an event removed a day too soon",
        changed(retired_on=LATELY),
        a_taxonomy(),
        "rolled",
        "breaking",
        True,
    ),
    (
        "an event retired today",
        BASE,
        changed(retired_on=TODAY),
        "rolled",
        "additive",
        False,
    ),
    (
        "an event retired long before it was in force",
        BASE,
        changed(retired_on=LONG_AGO),
        "rolled",
        "breaking",
        True,
    ),
    (
        "an event moved to another domain",
        BASE,
        changed(domain="dice"),
        "rolled",
        "breaking",
        True,
    ),
    (
        "an event reworded",
        BASE,
        changed(meaning="Dice fell."),
        "rolled",
        "patch",
        False,
    ),
    (
        "violations taken more leniently",
        BASE,
        changed(on_violation="tag"),
        "rolled",
        "additive",
        False,
    ),
    (
        "violations taken more strictly",
        changed(on_violation="tag"),
        BASE,
        "rolled",
        "breaking",
        True,
    ),
    (
        "a version dropped a year after it was superseded",
        a_taxonomy(OLD_VERSION),
        changed(OLD_VERSION, versions=("1.1",), superseded={}),
        "rolled",
        "breaking",
        False,
    ),
    (
        "a version dropped too soon",
        a_taxonomy(LATE_VERSION),
        changed(LATE_VERSION, versions=("1.1",), superseded={}),
        "rolled",
        "breaking",
        True,
    ),
    (
        "an optional property added",
        BASE,
        with_words(RESULT, DICE, NEW_NAME),
        "rolled.bonus",
        "additive",
        False,
    ),
    (
        "a required property added",
        BASE,
        with_words(RESULT, DICE, replace(NEW_NAME, required=True)),
        "rolled.bonus",
        "breaking",
        True,
    ),
    (
        "a property removed",
        BASE,
        with_words(DICE),
        "rolled.result",
        "breaking",
        True,
    ),
    (
        "a property removed a year after it was retired",
        with_words(GONE_LONG, DICE),
        with_words(DICE),
        "rolled.result",
        "breaking",
        False,
    ),
    (
        "a property removed too soon",
        with_words(GONE_SOON, DICE),
        with_words(DICE),
        "rolled.result",
        "breaking",
        True,
    ),
]


def of_result(**words: Any) -> Taxonomy:
    return with_words(replace(RESULT, **words), DICE)


def of_dice(**words: Any) -> Taxonomy:
    return with_words(RESULT, replace(DICE, **words))


OF_ONE_PROPERTY = [
    (of_result(type="number"), "breaking", True),
    (of_result(personal="pseudonym"), "breaking", True),
    (of_result(required=True), "breaking", True),
    (of_result(min=1), "breaking", True),
    (of_result(min=-1), "additive", False),
    (of_result(min=None), "additive", False),
    (of_result(max=99), "breaking", True),
    (of_result(max=101), "additive", False),
    (of_result(enum=(1, 2)), "breaking", True),
    (of_result(meaning="Sum."), "patch", False),
    (of_result(examples=(17,)), "patch", False),
    (of_result(retired_on=TODAY), "additive", False),
    (of_dice(enum=("1d6",)), "breaking", True),
    (of_dice(enum=("1d6", "1d20", "1d100")), "additive", False),
    (of_dice(enum=()), "additive", False),
    (of_dice(required=False), "additive", False),
    (of_dice(pattern="^1d"), "breaking", True),
    (of_dice(max_length=9), "breaking", True),
]


@pytest.mark.parametrize(
    ("old", "new", "at", "kind", "refused"),
    [row[1:] for row in TWELVE_AND_MORE],
    ids=[row[0] for row in TWELVE_AND_MORE],
)
def test_each_change_has_its_verdict(
    old: Taxonomy, new: Taxonomy, at: str, kind: str, *, refused: bool
) -> None:
    assert verdicts(old, new) == [(at, kind, refused)]


@pytest.mark.parametrize(("new", "kind", "refused"), OF_ONE_PROPERTY)
def test_each_change_of_a_property_has_its_verdict(
    new: Taxonomy, kind: str, *, refused: bool
) -> None:
    [(_, found_kind, found_refused)] = verdicts(BASE, new)

    assert (found_kind, found_refused) == (kind, refused)


def test_a_retired_day_may_not_be_moved_to_an_earlier_one() -> None:
    old = changed(retired_on=date(2026, 6, 1))

    assert verdicts(old, changed(retired_on=date(2026, 5, 1)))[0][2]
    assert not verdicts(old, changed(retired_on=date(2026, 7, 1)))[0][2]


def test_a_refused_change_says_what_to_do_instead() -> None:
    [found] = compare(BASE, with_words(DICE), CALENDAR).refused

    assert found == Change(
        at="rolled.result",
        says="property removed without retiring it",
        kind=Kind.BREAKING,
        instead="keep it, add `retired_on`, and remove it twelve months after that day",
        event="rolled",
    )


def test_traits_and_context_are_compared_too() -> None:
    old = a_taxonomy(traits={"plan": a_property("plan")})
    new = a_taxonomy(context={"os": a_property("os")})

    assert verdicts(old, new) == [
        ("context.os", "additive", False),
        ("user_properties.plan", "breaking", True),
    ]


def test_the_gravest_change_decides_the_version_to_declare() -> None:
    reworded = replace(ROLLED, meaning="Dice fell.")
    wider = replace(
        reworded, properties={"dice": DICE, "result": replace(RESULT, max=9**9)}
    )

    patch = compare(BASE, a_taxonomy(reworded), CALENDAR)
    additive = compare(BASE, a_taxonomy(wider), CALENDAR)
    declared = compare(
        BASE, a_taxonomy(replace(wider, versions=TWO_VERSIONS)), CALENDAR
    )

    assert (patch.bump, dict(patch.versions)) == (Kind.PATCH, {})
    assert additive.bump is Kind.ADDITIVE
    assert additive.versions == {"rolled": ("1.0", "1.1")}
    assert additive.undeclared == {"rolled"}
    assert declared.undeclared == frozenset()
    assert next_version("1.9", Kind.ADDITIVE) == "1.10"
    assert next_version("1.9", Kind.BREAKING) == "2.0"


def test_a_year_from_a_leap_day_ends_on_the_first_of_march() -> None:
    day = date(2024, 2, 29)

    assert not Calendar(today=date(2025, 2, 28)).a_year_has_passed(day)
    assert Calendar(today=date(2025, 3, 1)).a_year_has_passed(day)


limits = st.none() | st.integers(-3, 6)
sizes = st.none() | st.integers(0, 4)
integers = st.builds(
    a_property,
    required=st.booleans(),
    min=limits,
    max=limits,
    enum=st.sets(st.integers(-3, 6), max_size=3).map(tuple),
)
texts = st.builds(
    a_property,
    type=st.just("string"),
    required=st.booleans(),
    min_length=sizes,
    max_length=sizes,
    enum=st.sets(st.sampled_from(["", "a", "ab", "abc"]), max_size=3).map(tuple),
    pattern=st.sampled_from([None, "^a", "^ab"]),
)
words = integers | texts
values = st.none() | st.integers(-4, 7) | st.text("abc", max_size=5)


def judge_of(word: Property) -> Callable[[dict[str, Any]], bool]:
    schema = object_schema({word.name: word}, closed=True)
    return jsonschema_rs.Draft202012Validator(schema).is_valid


@given(words)
def test_a_taxonomy_compared_with_itself_has_no_changes(word: Property) -> None:
    taxonomy = a_taxonomy(an_event(word))

    assert compare(taxonomy, taxonomy, CALENDAR).bump is None


@given(words, words, st.lists(values, min_size=8, max_size=20))
def test_what_was_valid_stays_valid_under_a_change_that_is_let_through(
    before: Property, after: Property, tried: list[Any]
) -> None:
    old, new = a_taxonomy(an_event(before)), a_taxonomy(an_event(after))
    was_valid, is_valid = judge_of(before), judge_of(after)

    if not compare(old, new, CALENDAR).refused:
        for instance in [{}, *({"result": value} for value in tried)]:
            assert is_valid(instance) or not was_valid(instance)
