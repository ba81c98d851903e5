"""What is made from the taxonomy, the DDL and the settings says what they say."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from warehouse.generators import from_everything, stale, write
from warehouse.generators.tables import tables
from warehouse.settings import table
from warehouse.taxonomy import EventType, Property, Taxonomy, load

TAXONOMY = load()
FILES = from_everything(TAXONOMY)
SCHEMAS = "taxonomy/generated/json_schema"
EVENTS = sorted(TAXONOMY.events)


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    schema = json.loads(FILES[f"{SCHEMAS}/{name}.json"])
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def an_event(**changed: Any) -> dict[str, Any]:
    return {
        "event_id": "3f0c7a52-8a63-4a1e-9d3c-2f1f0b6f2b11",
        "timestamp": "2026-03-01T10:30:00.000Z",
        "event_name": "rolled",
        "user_id": "ann",
        "properties": {"dice": "1d20", "result": 17},
    } | changed


def test_the_same_input_gives_the_same_bytes() -> None:
    assert from_everything(load()) == FILES


@pytest.mark.parametrize("path", FILES)
def test_every_file_says_in_its_first_line_that_it_is_generated(path: str) -> None:
    first = FILES[path].splitlines()[0]

    assert re.search(r"Generated from .+ by `questlog generate`\. Do not edit\.", first)


@pytest.mark.parametrize("name", EVENTS)
def test_the_examples_of_an_event_are_valid_by_its_schema(name: str) -> None:
    properties = TAXONOMY.events[name].properties.values()
    example = {
        one.name: (*one.enum, *one.examples, True)[0]
        if one.type != "number"
        else one.examples[0]
        for one in properties
    }

    assert list(map(str, validator(name).iter_errors(example))) == []


@pytest.mark.parametrize("name", EVENTS)
def test_a_schema_refuses_what_the_taxonomy_does_not_know(name: str) -> None:
    assert not validator(name).is_valid({"never_planned": 1})


def test_a_schema_keeps_types_limits_and_required_properties() -> None:
    judge = validator("payment_completed").is_valid
    good = {"payment_id": "p", "amount_cents": 499, "currency": "EUR"}

    assert judge(good)
    assert judge(good | {"amount_cents": 0})
    assert not judge(good | {"amount_cents": -1})
    assert not judge(good | {"amount_cents": "499"})
    assert not judge(good | {"amount_cents": 4.99})
    assert not judge(good | {"currency": "euro"})
    assert not judge(good | {"product": "gift"})
    assert judge(good | {"product": None, "plan": None})
    assert not judge(good | {"currency": None})
    assert not judge({"payment_id": "p", "currency": "EUR"})


def test_a_schema_marks_personal_data() -> None:
    schema = json.loads(FILES[f"{SCHEMAS}/user_signed_up.json"])

    marks = {name: one["x-personal"] for name, one in schema["properties"].items()}
    assert marks["email"] == "direct"
    assert marks["plan"] == "none"


def test_the_envelope_wants_a_person_and_takes_null_for_absent() -> None:
    judge = validator("_envelope").is_valid

    assert judge(an_event())
    assert judge(an_event(user_id=None, anonymous_id="device"))
    assert not judge(an_event(user_id=None))
    assert not judge(an_event(user_id=""))
    assert not judge(an_event(event_id="1"))
    assert not judge(an_event(timestamp="2026-03-01T10:30:00"))
    assert not judge(an_event(received_at="2026-03-01T10:30:00Z"))
    assert judge(an_event(context={"unheard_of": 1}))
    assert judge(an_event(context=None, user_properties=None, properties=None))
    assert not judge(an_event(user_properties={"shoe_size": 42}))
    assert not judge(an_event(context={"os": 1}))


def test_the_columns_of_the_ddl_are_read_with_their_comments() -> None:
    events = {one.name: one for one in tables()["raw.events"].columns}

    assert events["occurred_at"].comment == "The client's claim, uncorrected"
    assert events["occurred_at"].type == "DateTime64(3, 'UTC')"
    assert events["properties"].type == "String"
    assert events["tags"].type == "Array(LowCardinality(String))"
    assert all(one.comment for one in events.values())


def test_columns_added_later_are_read_too(tmp_path: Path) -> None:
    created = "create table raw.t\n(\n  a String comment 'It''s, first'\n)\nengine = X"
    (tmp_path / "0001_t.sql").write_text(f"-- One row\n-- per t.\n{created} order by a")
    (tmp_path / "0002_t_b.sql").write_text(
        "alter table raw.t add column if not exists b UInt8 comment 'Second' after a"
    )

    found = tables(tmp_path)["raw.t"]

    assert found.meaning == "One row per t."
    assert [(one.name, one.type, one.comment) for one in found.columns] == [
        ("a", "String", "It's, first"),
        ("b", "UInt8", "Second"),
    ]


def test_dbt_knows_every_raw_table_and_column_of_the_ddl() -> None:
    text = FILES["dbt_project/models/staging/_raw__sources.yml"]
    [source] = yaml.safe_load(text)["sources"]

    described = {
        f"raw.{one['name']}": [column["name"] for column in one["columns"]]
        for one in source["tables"]
    }
    assert described == {
        name: [column.name for column in one.columns]
        for name, one in tables().items()
        if name.startswith("raw.")
    }
    descriptions = [
        column["description"] for one in source["tables"] for column in one["columns"]
    ]
    assert all(descriptions)


def test_there_is_one_doc_block_for_each_word() -> None:
    text = FILES["dbt_project/docs/taxonomy.md"]
    blocks = re.findall(r"{% docs (\w+) %}\n(.+?)\n{% enddocs %}", text, re.DOTALL)

    words = [word for word, _ in blocks]
    assert len(words) == len(set(words))
    assert {*TAXONOMY.envelope, *TAXONOMY.events, *TAXONOMY.traits} <= set(words)
    assert {"known_at", "occurred_at", "amount_cents"} <= set(words)
    assert dict(blocks)["received_at"] == "When the door took it"


def test_no_meaning_can_break_out_of_its_block_or_its_table() -> None:
    word = Property(
        name="odd",
        type="string",
        meaning="A {% enddocs %} and a | bar.",
        personal="none",
    )
    event = EventType(
        name="shown",
        domain="play",
        meaning="It was shown.",
        since="1.0",
        properties={"odd": word},
    )
    files = from_everything(
        Taxonomy(
            events={"shown": event},
            envelope={},
            traits={},
            context={},
            direct_names=frozenset(),
        )
    )

    docs = files["dbt_project/docs/taxonomy.md"]
    assert docs.count("{% enddocs %}") == docs.count("{% docs ")
    assert "A { % enddocs %} and a | bar." in docs
    assert r"A {% enddocs %} and a \| bar." in files["docs/taxonomy.md"]


def test_the_page_tells_every_event_and_every_property() -> None:
    page = FILES["docs/taxonomy.md"]

    for event in TAXONOMY.events.values():
        assert f"\n### {event.name}\n\n{event.meaning}\n" in page
    for _, one in TAXONOMY.every_property():
        assert f"| `{one.name}` |" in page


def test_the_settings_are_told_in_both_files() -> None:
    for row in table():
        name = row.metadata["name"]
        assert f"| `{name}` |" in FILES["docs/settings.md"]
        assert f"\n{name}=" in FILES[".env.example"]


def test_what_is_missing_changed_or_left_over_is_stale_until_written(
    tmp_path: Path,
) -> None:
    files = {"a.md": "a\n", "deep/b.md": "b\n", f"{SCHEMAS}/c.json": "{}\n"}
    write(files, tmp_path)
    (tmp_path / "a.md").write_text("edited\n")
    (tmp_path / "deep" / "b.md").unlink()
    (tmp_path / SCHEMAS / "gone.json").write_text("{}\n")

    found = stale(files, tmp_path)

    assert found == ["a.md", "deep/b.md", f"{SCHEMAS}/gone.json"]
    assert write(files, tmp_path) == found
    assert stale(files, tmp_path) == []
    assert write(files, tmp_path) == []
