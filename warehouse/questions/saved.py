"""Questions that people keep: data in dbt_project/questions, not models."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.registry import question
from warehouse.settings import REPOSITORY

FOLDER: Final = REPOSITORY / "dbt_project" / "questions"


class Saved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One saved question."""

    kind: str
    owner: str
    meaning: str
    parameters: dict[str, Any]


def load(folder: Path = FOLDER) -> Mapping[str, Saved]:
    """The saved questions by name, all of which can be asked.

    Raises BadInput naming the file and the question that cannot.
    """
    found: dict[str, Saved] = {}
    for path in sorted(folder.glob("*.yml")):
        for name, saved in _read(path).items():
            if name in found:
                raise BadInput(f"{path.name}: {name} is saved twice; rename one.")
            _require_askable(saved, f"{path.name}: {name}")
            found[name] = saved
    return MappingProxyType(found)


def _read(path: Path) -> dict[str, Saved]:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=dict[str, Saved])
    except msgspec.DecodeError as error:
        raise BadInput(
            f"{path} holds no saved questions: {error}. Each name has a kind, an owner,"
            " a meaning and parameters."
        ) from error


def _require_askable(saved: Saved, place: str) -> None:
    try:
        form = question(saved.kind).parameters
        parameters.read(saved.kind, form, saved.parameters)
        parameters.require_known(saved.kind, form, saved.parameters)
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from error
