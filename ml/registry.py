"""Keep trained models: a folder each, in text that outlives a library's version."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from warehouse.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

_ID = re.compile(r"[a-z0-9_]+(-[a-z0-9_]+)+")
_FINGERPRINT = 12
_BUILT_ON = {"early_churn": ("churn",)}
_LIBRARIES = ("questlog", "numpy", "scipy", "pandas", "scikit-learn", "lightgbm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How one model did on the later window; a row of ml.models."""

    model_id: str
    kind: str
    estimator: str
    as_of: date
    horizon_days: int
    is_baseline: bool
    is_chosen: bool
    judged_from: date
    metrics: Mapping[str, float]
    trained_rows: int

    @property
    def artifact(self) -> str:
        """The model's folder, as a path within the registry."""
        return f"{self.kind}/{self.model_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """All that is said of a trained model."""

    judgement: Judgement
    features: tuple[str, ...]
    judged_after_training_on: tuple[date, ...]
    refitted_on: tuple[date, ...]
    data_hash: str
    parameters: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A model found in the registry, ready to be read by its estimator."""

    estimator: str
    horizon_days: int
    files: Mapping[str, str]


def fingerprint(frame: "pd.DataFrame") -> str:
    """A hash of a table's content, whatever the order of its rows."""
    import hashlib

    import numpy as np
    import pandas as pd

    each = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    digest = hashlib.sha256(json.dumps(list(frame.columns)).encode())
    digest.update(np.sort(each).tobytes())
    return digest.hexdigest()


def model_id(
    *,
    kind: str,
    estimator: str,
    as_of: date,
    data_hash: str,
    parameters: Mapping[str, Any],
) -> str:
    """The same data, code and parameters give the same id, on any day and machine."""
    import hashlib

    made_of = json.dumps(
        [kind, estimator, str(as_of), data_hash, code_hash(kind), dict(parameters)]
    )
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:_FINGERPRINT]
    return f"{kind}-{as_of:%Y%m%d}-{estimator}-{digest}"


def save(root: Path, card: Card, files: Mapping[str, str]) -> Path:
    """Write a model's folder whole, replacing one of the same id."""
    folder = root / card.judgement.artifact
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(mkdtemp(prefix=".", dir=folder.parent))
    try:
        written = {**files, "card.json": _as_json(card), "card.md": _as_page(card)}
        for name, text in written.items():
            (aside / name).write_text(text, encoding="utf-8")
        aside.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def find(root: Path, kind: str, model_id: str, as_of: date) -> Kept:
    """The model of an id, to score people as of a day.

    Raises BadInput when there is no such model, or when it has seen later days.
    """
    folder = root / kind / model_id
    command = f"questlog train {kind} --as-of {as_of}"
    if not _ID.fullmatch(model_id) or not (folder / "card.json").is_file():
        raise BadInput(
            f"No {kind} model {model_id!r} in {root}. Train one with `{command}`."
        )
    said = json.loads((folder / "card.json").read_text("utf-8"))["judgement"]
    if date.fromisoformat(said["as_of"]) > as_of:
        raise BadInput(
            f"{model_id} has seen days after {as_of}: its scores would know the"
            f" future. Train one with `{command}`."
        )
    return Kept(
        estimator=said["estimator"],
        horizon_days=said["horizon_days"],
        files={path.name: path.read_text("utf-8") for path in folder.iterdir()},
    )


@cache
def code_hash(kind: str) -> str:
    """A hash of the code that models of a kind are made by.

    That is the room's own files, the kind's folder and those it builds on; cards only
    show. Comments and layout do not count, as they change no model.
    """
    import ast
    import hashlib

    room = Path(__file__).parent
    digest = hashlib.sha256()
    folders = [room / name for name in (kind, *_BUILT_ON.get(kind, ()))]
    made_by = [path for folder in folders for path in folder.rglob("*.py")]
    for path in sorted([*room.glob("*.py"), *made_by]):
        meaning = ast.dump(ast.parse(path.read_text("utf-8")))
        digest.update(path.relative_to(room).as_posix().encode() + b"\0")
        digest.update(meaning.encode() + b"\0")
    return digest.hexdigest()


def hash_of(parameters: Mapping[str, Any]) -> str:
    """A hash of parameters, whatever their order."""
    import hashlib

    return hashlib.sha256(
        json.dumps(dict(parameters), sort_keys=True).encode()
    ).hexdigest()


def versions() -> dict[str, str]:
    """The libraries a model was made with."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "not installed"
    return found


def _as_json(card: Card) -> str:
    said = {
        **asdict(card),
        "code_hash": code_hash(card.judgement.kind),
        "versions": versions(),
    }
    return json.dumps(said, indent=2, sort_keys=True, default=str) + "\n"


def _as_page(card: Card) -> str:
    judged = card.judgement
    metrics = "\n".join(f"| {name} | {v:.4g} |" for name, v in judged.metrics.items())
    notes = "\n".join(f"- {note}" for note in card.notes)
    return f"""# {judged.model_id}

{judged.kind} by {judged.estimator}{" (baseline)" if judged.is_baseline else ""},
as of {judged.as_of}, over {judged.horizon_days} days;
{"chosen" if judged.is_chosen else "not chosen"}.

{notes}

Judged on the outcomes of {judged.judged_from} and the {judged.horizon_days} days from
it, after learning from {_days(card.judged_after_training_on)}. Then fitted again on
{_days(card.refitted_on)}: {judged.trained_rows} rows.

| on the judged window | |
|---|---|
{metrics}

Features: {", ".join(card.features)}.
"""


def _days(days: tuple[date, ...]) -> str:
    return ", ".join(day.isoformat() for day in days)
