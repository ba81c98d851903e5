"""What is wrong with event definitions is said all at once, with file and line."""

import textwrap
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.errors import BadTaxonomy
from warehouse.taxonomy import TAXONOMY, faults, load

GOOD = """
item_bought:
  meaning: A person bought an item in the shop.
  since: "1.0"
  properties:
    price_cents:
      type: integer
      personal: none
      min: 0
      meaning: Price paid, in cents.
"""


def a_taxonomy(folder: Path, **domains: str) -> Path:
    (folder / "taxonomy" / "events").mkdir(parents=True)
    for word in ("envelope", "traits", "context"):
        (folder / "taxonomy" / f"{word}.yml").write_text("")
    for domain, text in domains.items():
        path = folder / "taxonomy" / "events" / f"{domain}.yml"
        path.write_text(textwrap.dedent(text))
    return folder / "taxonomy"


def a_property(text: str) -> str:
    """An event on lines 1 to 5 whose property `size` starts on line 6."""
    head = "shown:\n  meaning: A page was shown.\n  since: '1.0'\n\n  properties:\n"
    return head + textwrap.indent("size:\n" + textwrap.indent(text, "  "), "    ")


def said(folder: Path) -> list[str]:
    return [str(fault) for fault in faults(folder)]


def test_good_definitions_are_read_whole(tmp_path: Path) -> None:
    taxonomy = load(a_taxonomy(tmp_path, shop=GOOD))

    event = taxonomy.events["item_bought"]
    assert (event.domain, event.since, event.versions) == ("shop", "1.0", ("1.0",))
    assert event.on_violation == "quarantine"
    assert event.properties["price_cents"].min == 0
    assert event.required == ()


def test_an_event_is_found_bare_and_behind_its_own_domain_only(tmp_path: Path) -> None:
    taxonomy = load(a_taxonomy(tmp_path, shop=GOOD))

    event = taxonomy.events["item_bought"]
    assert taxonomy.resolve("item_bought") is event
    assert taxonomy.resolve("shop.item_bought") is event
    assert taxonomy.resolve("billing.item_bought") is None
    assert taxonomy.resolve("shop.") is None
    assert taxonomy.resolve("shop.shop.item_bought") is None


def test_all_faults_are_told_at_once_with_file_line_and_path(tmp_path: Path) -> None:
    folder = a_taxonomy(
        tmp_path,
        shop="""\
            ItemBought:
              meaning: A person bought an item.
              since: 1.0
              properties:
                price:
                  typ: integer
                  personal: secret
            """,
        play="rolled: {since: '1.0'}\n",
    )

    with pytest.raises(BadTaxonomy) as caught:
        load(folder)

    assert (
        str(caught.value).splitlines()
        == textwrap.dedent(
            """\
        The taxonomy has 7 faults:
          taxonomy/events/play.yml:1: rolled: `meaning` is missing; \
say in a sentence what it is
          taxonomy/events/shop.yml:1: ItemBought: not snake_case; \
write it like game_created
          taxonomy/events/shop.yml:3: ItemBought.since: expected a version in quotes, \
like "1.0"
          taxonomy/events/shop.yml:5: ItemBought.properties.price: `meaning` is \
missing; say in a sentence what it is
          taxonomy/events/shop.yml:5: ItemBought.properties.price: `type` is missing; \
say string, integer, number, boolean or array
          taxonomy/events/shop.yml:6: ItemBought.properties.price.typ: unknown key; \
did you mean `type`?
          taxonomy/events/shop.yml:7: ItemBought.properties.price.personal: expected \
none, pseudonym or direct, got 'secret'
        """
        ).splitlines()
    )


@pytest.mark.parametrize(
    ("definition", "fault"),
    [
        ("type: integer\nmin: 5\nmax: 2", "min: greater than `max` (2)"),
        ("type: integer\nmin: 0.5", "min: expected a whole number, got 0.5"),
        ("type: string\nmin: 0", "min: means nothing for type string"),
        (
            "type: string\nenum: []",
            "enum: expected a list with at least one value",
        ),
        (
            "type: string\nenum: [yes, no]",
            "enum: True is no string; write it in quotes",
        ),
        ("type: string\nenum: [a, a]", "enum: a value stands here twice"),
        (
            "type: string\nmin_length: 3\nmax_length: 2",
            "min_length: greater than `max_length` (2)",
        ),
        (
            "type: string\nmax_length: -1",
            "max_length: expected a whole number from 0, got -1",
        ),
        (
            "type: string\npattern: '['",
            "pattern: no regular expression: unterminated character set at position 0",
        ),
        (
            "type: string\nformat: mail",
            "format: expected uuid, date, date-time, email or uri, got 'mail'",
        ),
        ("type: integer\nmax: 3\nexamples: [4]", "examples.0: breaks its own `max`"),
        (
            "type: string\nexamples: [2026-03-01]",
            "examples.0: datetime.date(2026, 3, 1) is no string; write it in quotes",
        ),
        (
            "type: boolean\nrequired: maybe",
            "required: expected true or false",
        ),
        ("type: object", "type: expected string, integer, number, boolean or array"),
        ("type: string\nimports_only: true", "imports_only: unknown key"),
        ("type: string\nretired_on: soon", "retired_on: expected a day like"),
        ("type: string\nreplaced_by: width", "replaced_by: 'width' is not defined"),
        ("type: string\ntype: integer", "type: defined twice"),
    ],
)
def test_a_property_that_breaks_a_rule_is_named(
    tmp_path: Path, definition: str, fault: str
) -> None:
    text = a_property(f"meaning: How large it was.\npersonal: none\n{definition}\n")

    [found] = said(a_taxonomy(tmp_path, shop=text))

    _, line, path_and_says = found.split(":", 2)
    assert int(line) > 6
    assert path_and_says.startswith(f" shown.properties.size.{fault}")


def test_a_retired_event_carries_its_days(tmp_path: Path) -> None:
    days = """\
      versions: ["1.0", "1.1"]
      superseded: {"1.0": "2026-03-01"}
      retired_on: 2026-04-01
    """
    folder = a_taxonomy(
        tmp_path, shop=GOOD + textwrap.indent(textwrap.dedent(days), "  ")
    )

    event = load(folder).events["item_bought"]

    assert event.superseded == {"1.0": date(2026, 3, 1)}
    assert event.retired_on == date(2026, 4, 1)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('superseded: {"1.0": "2026-03-01"}', "not one of `versions`, or the newest"),
        ('superseded: {"0.9": "2026-03-01"}', "not one of `versions`"),
        ("superseded: [1.0]", "expected versions with days"),
        ("retired_on: 5", "expected a day like"),
    ],
)
def test_a_day_that_says_nothing_is_a_fault(
    tmp_path: Path, line: str, fault: str
) -> None:
    [found] = said(a_taxonomy(tmp_path, shop=f"{GOOD}  {line}\n"))

    assert fault in found


def test_personal_has_no_default(tmp_path: Path) -> None:
    text = a_property("type: string\nmeaning: How large it was.\n")

    [found] = said(a_taxonomy(tmp_path, shop=text))

    assert found == (
        "taxonomy/events/shop.yml:6: shown.properties.size:"
        " `personal` is missing; say none, pseudonym or direct"
    )


def test_a_direct_identifier_is_a_string(tmp_path: Path) -> None:
    text = a_property("type: integer\nmeaning: A number.\npersonal: direct\n")

    [found] = said(a_taxonomy(tmp_path, shop=text))

    assert found.endswith("size.type: a direct identifier must be a string")


def test_a_name_that_is_direct_somewhere_is_direct_everywhere(tmp_path: Path) -> None:
    direct = a_property("type: string\nmeaning: A name.\npersonal: direct\n")
    open_one = direct.replace("shown", "seen").replace("direct", "none")

    [found] = said(a_taxonomy(tmp_path, shop=direct, play=open_one))

    assert found.endswith(
        "seen.properties.size.personal:"
        " size is direct in taxonomy/events/shop.yml: say direct here as well"
    )


def test_one_name_is_one_event_across_all_domains(tmp_path: Path) -> None:
    [found] = said(a_taxonomy(tmp_path, shop=GOOD, market=GOOD))

    assert found == (
        "taxonomy/events/shop.yml:2: item_bought:"
        " already defined in taxonomy/events/market.yml; one name, one event"
    )


def test_broken_yaml_names_its_line_and_spares_the_other_files(tmp_path: Path) -> None:
    folder = a_taxonomy(tmp_path, shop="item_bought:\n  meaning: A: B\n", play="x: 1\n")

    found = said(folder)

    assert found[0].startswith("taxonomy/events/play.yml:1: x: expected a definition")
    assert found[1] == (
        "taxonomy/events/shop.yml:2: no YAML: mapping values are not allowed"
        " in this context; look at indents, colons, quotes"
    )


def test_missing_files_and_an_empty_folder_are_faults(tmp_path: Path) -> None:
    folder = a_taxonomy(tmp_path)
    (folder / "traits.yml").unlink()

    assert said(folder) == [
        "taxonomy/events:1: no event is defined here; add a file like billing.yml",
        "taxonomy/traits.yml:1: the file is missing; create it, even if it is empty",
    ]


def test_a_file_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    folder = a_taxonomy(tmp_path, shop=GOOD)
    (folder / "events" / "shop.yml").write_bytes(b"\xff\xfe")

    assert said(folder) == [
        "taxonomy/events/shop.yml:1: not UTF-8 text; save the file as UTF-8"
    ]


def test_an_alias_that_holds_itself_is_a_fault_not_a_crash(tmp_path: Path) -> None:
    folder = a_taxonomy(tmp_path, shop="shown: &loop\n  properties: *loop\n")

    assert any("nested too deep" in fault for fault in said(folder))


JUNK = st.sampled_from(
    [None, True, 0, -1, 2.5, "", "x", [], {}, [[]], [{}], {"type": []}, float("nan")]
)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_whatever_stands_in_a_definition_is_judged_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    definitions = yaml.safe_load((TAXONOMY / "events" / "account.yml").read_text())
    event = definitions[data.draw(st.sampled_from(sorted(definitions)))]
    name = data.draw(st.sampled_from(sorted(event["properties"])))
    targets = [definitions, event, event["properties"], event["properties"][name]]
    target = data.draw(st.sampled_from(targets))
    keys = ["replaced_by", "versions", "enum", "min", "items", "pattern", "examples"]
    target[data.draw(st.sampled_from([*sorted(target), *keys]))] = data.draw(JUNK)
    folder = a_taxonomy(
        tmp_path_factory.mktemp("fuzzed"), account=yaml.safe_dump(definitions)
    )

    if faults(folder):
        with pytest.raises(BadTaxonomy):
            load(folder)
    else:
        load(folder)


@settings(deadline=None, max_examples=60)
@given(where=st.floats(0, 1), what=st.text(max_size=3), cut=st.integers(0, 30))
def test_a_mistyped_file_is_judged_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, where: float, what: str, cut: int
) -> None:
    text = (TAXONOMY / "events" / "privacy.yml").read_text()
    at = round(where * len(text))
    folder = a_taxonomy(tmp_path_factory.mktemp("mistyped"), privacy=GOOD)
    mistyped = (text[:at] + what + text[at + cut :]).encode("utf-8", "replace")
    (folder / "events" / "privacy.yml").write_bytes(mistyped)

    faults(folder)


def test_our_own_taxonomy_has_no_faults() -> None:
    assert faults() == []


def test_direct_names_are_gathered_from_events_and_traits() -> None:
    of_a_person = {"email", "phone", "first_name", "last_name", "date_of_birth"}
    assert load().direct_names == of_a_person | {"city", "region", "postcode"}


def test_every_direct_property_of_ours_says_so_in_its_type() -> None:
    direct = [one for _, one in load().every_property() if one.direct]

    assert {one.type for one in direct} == {"string"}
    assert len(direct) == 12
