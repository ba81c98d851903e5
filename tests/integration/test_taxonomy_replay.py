"""Stored events, judged by a taxonomy that is not in force yet."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from ingestion.imports import import_file
from ingestion.judging import Source
from ingestion.rejudging import rejudge_stored
from warehouse.settings import Settings
from warehouse.taxonomy import Taxonomy, load

TAXONOMY = load()
# a time of its own: the endpoint is shared
NOW = datetime(2019, 5, 5, 12, 0, tzinfo=UTC)


def with_largest_roll(largest: int) -> Taxonomy:
    event = TAXONOMY.events["rolled"]
    words = {
        **event.properties,
        "result": replace(event.properties["result"], max=largest),
    }
    rolled = replace(event, properties=words)
    return replace(TAXONOMY, events={**TAXONOMY.events, "rolled": rolled})


def test_the_events_of_the_last_days_are_read_from_the_warehouse(
    endpoint: Settings, tmp_path: Path
) -> None:
    def roll(result: int, day: int) -> dict[str, object]:
        return {
            "event_id": str(uuid4()),
            "timestamp": f"2019-05-0{day}T09:59:00.000Z",
            "received_at": f"2019-05-0{day}T10:00:00.000Z",
            "event_name": "rolled",
            "user_id": "ann",
            "properties": {"dice": "1d20", "result": result},
            "user_properties": {"email": "ann@example.com"},
        }

    lines = [roll(3, 4), roll(19, 4), roll(20, 5), roll(20, 1)]
    path = tmp_path / "rolls.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    import_file(path, endpoint, now=lambda: NOW, source=Source("rejudged"))

    wide, narrow = (
        rejudge_stored(
            endpoint, old=TAXONOMY, new=with_largest_roll(largest), days=2, now=NOW
        )
        for largest in (20, 18)
    )

    assert (wide.events, wide.refused_events) == (3, 0)
    assert (narrow.events, narrow.refused_events) == (3, 2)
    assert set(narrow.samples["rolled", "out_of_range"]) == {
        lines[1]["event_id"],
        lines[2]["event_id"],
    }
