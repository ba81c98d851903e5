"""What every card says alike: which model this is and how it was made."""

import json
from datetime import date, timedelta

from ml import registry
from ml.cards import page
from ml.registry import Card, Judgement


def identity(card: Card) -> str:
    """The names and hashes by which a model can be told from any other."""
    judged = card.judgement
    return page.facts(
        {
            "model": judged.model_id,
            "kind": f"{judged.kind.replace('_', ' ')} by {judged.estimator}",
            "as of": f"{judged.as_of}: knows nothing of that day or later",
            "horizon": f"{judged.horizon_days} days",
            "judged on outcomes of": window(judged.judged_from, judged.horizon_days),
            "trained on": f"{judged.trained_rows:,} rows, as of "
            + ", ".join(str(day) for day in card.refitted_on),
            "data": card.data_hash,
            "code": registry.code_hash(card.judgement.kind),
            "parameters": registry.hash_of(card.parameters),
        }
    )


def each(text: str) -> list[str]:
    """The paragraphs of a text, which blank lines part."""
    return [" ".join(part.split()) for part in text.strip().split("\n\n")]


def standing(judged: Judgement) -> str:
    """Whether its scores are in use."""
    if judged.is_chosen:
        return "This model writes the scores of its day."
    role = "the baseline" if judged.is_baseline else "a candidate"
    return f"This is {role}; another model writes the scores of its day."


def window(day: date, horizon_days: int) -> str:
    """The days of an outcome window, the last one included."""
    return f"{day} to {day + timedelta(days=horizon_days - 1)}"


def making(card: Card) -> str:
    """Inputs, parameters and libraries."""
    return page.section(
        "How it was made",
        page.paragraph(f"Columns it reads: {', '.join(card.features)}."),
        page.facts(
            {
                name: value if isinstance(value, str) else json.dumps(value)
                for name, value in card.parameters.items()
            }
        ),
        page.paragraph(
            ", ".join(
                f"{name} {number}" for name, number in registry.versions().items()
            )
        ),
        page.paragraph(
            "The same data, code, parameters and libraries give the same model and the"
            " same card. After Mitchell and others, Model Cards for Model Reporting"
            " (2019).",
            "aside",
        ),
    )
