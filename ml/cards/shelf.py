"""Find the cards of trained models, and set them out as pages with an index."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ml.cards import page
from warehouse.durable import put
from warehouse.errors import BadInput
from warehouse.home import Home

FILE = "card.html"
KINDS = {
    "churn": "Who will leave",
    "early_churn": "Which newcomers will not come again",
    "lifetime_value": "What customers will spend",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A card in the registry."""

    path: Path
    model_id: str
    kind: str
    estimator: str
    as_of: str
    is_chosen: bool


def arrange(home: Home) -> Path:
    """Copy every card to the pages, write their index, and return where it is."""
    found = everything(home)
    home.cards.mkdir(parents=True, exist_ok=True)
    for card in found:
        shutil.copyfile(card.path, home.cards / f"{card.model_id}.html")
    index = home.cards / "index.html"
    put(index, _index(found).encode())
    return index


def everything(home: Home) -> list[Found]:
    """All cards: of each kind the latest day first, and the chosen one before others.

    Of models of one day the last trained comes first.
    """
    dated = []
    for path in home.registry.glob(f"*/*/{FILE}"):
        if path.parent.name.startswith("."):
            continue
        said = json.loads((path.parent / "card.json").read_text("utf-8"))["judgement"]
        known = {
            name: said[name] for name in ("model_id", "kind", "estimator", "as_of")
        }
        card = Found(path=path, is_chosen=said["is_chosen"], **known)
        dated.append((path.stat().st_mtime_ns, card))
    dated.sort(key=lambda one: (one[1].as_of, one[1].is_chosen, one[0]), reverse=True)
    return sorted((card for _, card in dated), key=lambda card: card.kind)


def find(home: Home, name: str) -> Path:
    """The card of a model's id, or of the model chosen last of a kind.

    Raises BadInput when there is none.
    """
    kind = name.replace("-", "_")
    for card in everything(home):
        if name == card.model_id or (kind == card.kind and card.is_chosen):
            return card.path
    kind = kind if kind in KINDS else "churn"
    raise BadInput(
        f"No model {name!r} has a card in {home.registry}. Train one with"
        f" `questlog train {kind} --as-of DAY`, or name a kind"
        f" ({', '.join(KINDS)}) or the id of a model."
    )


def _index(found: Sequence[Found]) -> str:
    parts = [
        "<h1>Model cards</h1>",
        page.paragraph(
            "What each model is, how it was judged beside its baseline, and what it is"
            " not for. The latest day comes first."
        ),
    ]
    for kind in dict.fromkeys(card.kind for card in found):
        entries = (_entry(card) for card in found if card.kind == kind)
        parts.append(page.section(KINDS[kind], f"<ul>{''.join(entries)}</ul>"))
    return page.document("Model cards", parts)


def _entry(card: Found) -> str:
    name = f"{card.estimator.replace('_', ' ')}, as of {card.as_of}"
    chosen = ": writes the scores" if card.is_chosen else ""
    return (
        f'<li><a href="{escape(card.model_id)}.html">{escape(name)}</a>{chosen}<br>'
        f"<code>{escape(card.model_id)}</code></li>"
    )
