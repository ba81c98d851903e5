"""Judges OpenLineage events by the specification's facts; also by its own client."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs

_FACTS = json.loads(Path(__file__).with_name("openlineage_facts.json").read_text())
_VALIDATOR = jsonschema_rs.Draft202012Validator(_FACTS, validate_formats=True)


def faults(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event, by its place."""
    return [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in _VALIDATOR.iter_errors(event)
    ]


def written(file: Path) -> list[dict[str, Any]]:
    """The events of a file."""
    return [json.loads(line) for line in file.read_text().splitlines()]
