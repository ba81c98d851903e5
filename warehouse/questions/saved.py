"""Questions that people keep: data in dbt_project/questions, not models."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
import yaml

from warehouse.errors import BadInput
from warehouse.questions import parameters
from warehouse.questions.registry import question
from warehouse.settings import REPOSITORY

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FOLDER: Final = REPOSITORY / "dbt_project" / "questions"


class Saved(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One saved question."""

    kind: str
    owner: str
    meaning: str
    parameters: dict[str, Any]


def load(folder: Path = FOLDER) -> Mapping[str, Saved]:
    """The saved questions by name, all of which can be asked.

    Raises BadInput naming the file, the question and the key that is wrong.
    """
    found: dict[str, Saved] = {}
    for path in sorted(folder.glob("*.yml")):
        for name, written in _read(path).items():
            place = f"{path.name}: {name}"
            if not isinstance(name, str):
                raise BadInput(f"{place} is no name to YAML; put it in quotes.")
            if name in found:
                raise BadInput(f"{place} is saved in another file too; rename one.")
            found[name] = _saved(written, place)
            _require_askable(found[name], place)
    return MappingProxyType(found)


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no YAML: {error}.") from error
    if not isinstance(tree, yaml.MappingNode):
        raise BadInput(
            f"{path} holds no saved questions. Write names, and under each a kind, an"
            " owner, a meaning and parameters; or remove the file."
        )
    _require_different_keys(tree, path)
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def _require_different_keys(tree: yaml.Node, path: Path) -> None:
    """YAML takes the last of two equal keys, and says nothing of the first."""
    if not isinstance(tree, yaml.MappingNode | yaml.SequenceNode):
        return
    seen = set()
    for part in tree.value:
        key, value = part if isinstance(tree, yaml.MappingNode) else (None, part)
        if key is not None and key.value in seen:
            raise BadInput(
                f"{path.name}, line {key.start_mark.line + 1}: {key.value} is there"
                " twice; rename or remove one."
            )
        if key is not None:
            seen.add(key.value)
        _require_different_keys(value, path)


def _saved(written: object, place: str) -> Saved:
    try:
        return msgspec.convert(_with_days_as_text(written), Saved)
    except msgspec.ValidationError as error:
        # msgspec tells the place as `$.owner`
        told = str(error).replace("`$.", "`")
        raise BadInput(
            f"{place}: {told}. A saved question has a kind, an owner, a meaning and"
            " parameters, and nothing else."
        ) from error


def _with_days_as_text(written: Any) -> Any:
    """YAML takes 2026-03-01 for a date; parameters are texts, as in params.json."""
    if isinstance(written, dict):
        return {name: _with_days_as_text(value) for name, value in written.items()}
    if isinstance(written, list):
        return [_with_days_as_text(value) for value in written]
    return written.isoformat() if isinstance(written, date) else written


def _require_askable(saved: Saved, place: str) -> None:
    """Ask as far as the engine: all parameters are read before it."""
    try:
        asked = question(saved.kind)
        parameters.require_known(saved.kind, asked.parameters, saved.parameters)
        asked.ask(cast("Client", _NoEngine()), "marts.fct_events", saved.parameters)
    except _WouldAsk:
        return
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from error


class _WouldAsk(Exception):
    """Everything was in order up to the engine."""


class _NoEngine:
    """Stands where an engine's client does, and answers nothing."""

    def __getattr__(self, name: str) -> object:
        raise _WouldAsk(name)
