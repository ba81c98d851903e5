"""Write what models said of themselves and of people into the tables of `ml`."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from ml import promotion
from ml.registry import Judgement
from ml.spine import HORIZON_DAYS
from warehouse.clickhouse import replace_partition, replace_partition_columns, rows
from warehouse.errors import BadInput, NotEnoughData

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_COLUMNS = tuple(field.name for field in fields(Judgement))


def write_judgements(client: "Client", judgements: Sequence[Judgement]) -> str:
    """Put the models of one kind and day into ml.models, in place of earlier ones.

    Returns the id of the one that is to write the scores: the chosen one, unless
    somebody promoted another for that day.
    """
    kinds = {(judged.kind, judged.as_of) for judged in judgements}
    if len(kinds) != 1:
        raise AssertionError(f"Judgements of one kind and day, not of {kinds}.")
    kind, as_of = kinds.pop()
    replace_partition(
        client,
        table="ml.models",
        partition=_partition(kind, as_of),
        columns=[*_COLUMNS, "artifact"],
        values=[
            [*(getattr(judged, name) for name in _COLUMNS), judged.artifact]
            for judged in judgements
        ],
    )
    return chosen(client, kind, as_of)


@contextlib.contextmanager
def refusals_told(
    client: "Client", *, kind: str, table: str, as_of: date
) -> Iterator[None]:
    """Where too little data stops a training, say so in ml.models and pass it on.

    The day's scores in `table` are taken away: they would be another model's.
    """
    try:
        yield
    except NotEnoughData as why:
        told = {
            "kind": kind,
            "as_of": as_of,
            "horizon_days": HORIZON_DAYS,
            "refused_because": str(why),
        }
        replace_partition(
            client,
            table="ml.models",
            partition=_partition(kind, as_of),
            columns=list(told),
            values=[list(told.values())],
        )
        write_scores(client, table=table, as_of=as_of, columns={"person_id": []})
        raise


def judgements(client: "Client", kind: str, as_of: date) -> list[Judgement]:
    """The models of a kind and day: the chosen one first, baselines last."""
    found = rows(
        client,
        f"select {', '.join(_COLUMNS)} from ml.models"
        " where kind = {kind:String} and as_of = {as_of:Date} and model_id != ''"
        " order by is_chosen desc, is_baseline, estimator",
        {"kind": kind, "as_of": as_of},
    )
    return [Judgement(**row) for row in found]


def chosen(client: "Client", kind: str, as_of: date) -> str:
    """The id of the model that writes a day's scores: promoted by hand, or chosen.

    Raises BadInput when none was trained.
    """
    if by_hand := promotion.promoted(client, kind, as_of):
        return by_hand
    for judged in judgements(client, kind, as_of):
        if judged.is_chosen:
            return judged.model_id
    raise BadInput(
        f"No {kind} model was trained as of {as_of}."
        f" Run `questlog train {kind} --as-of {as_of}` first."
    )


def in_use_by(client: "Client", kind: str, as_of: date) -> str | None:
    """The model that writes scores on a day: promoted or chosen last by then."""
    found = rows(
        client,
        "select model_id from ("
        "select model_id, as_of, 0 as by_hand, trained_at as at from ml.models"
        " where kind = {kind:String} and is_chosen and as_of <= {day:Date}"
        " union all select model_id, as_of, 1, decided_at from ml.promotions"
        " where kind = {kind:String} and as_of <= {day:Date}"
        ") order by as_of desc, by_hand desc, at desc limit 1",
        {"kind": kind, "day": as_of},
    )
    return str(found[0]["model_id"]) if found else None


def in_use(client: "Client", kind: str, as_of: date) -> str:
    """The same. Raises BadInput when none was ever trained."""
    found = in_use_by(client, kind, as_of)
    if found is None:
        raise BadInput(
            f"No {kind} model was trained by {as_of}."
            f" Run `questlog train {kind} --as-of {as_of}` first."
        )
    return found


def champion(client: "Client", kind: str, as_of: date) -> str | None:
    """The estimator that wrote the scores last before a day; None when none did.

    What was trained on `as_of` itself does not count: a repeated run sees the same.
    """
    try:
        before = promotion.day_before(client, kind, as_of)
    except BadInput:
        return None
    found = rows(
        client,
        "select estimator from ml.models where model_id = {model:String} limit 1",
        {"model": chosen(client, kind, before)},
    )
    return str(found[0]["estimator"]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What was seen of one day's scores: `values` by subject, of so many people.

    `watch` is drift or outcome.
    """

    kind: str
    watch: str
    as_of: date
    model_id: str
    values: Mapping[str, float]
    people: int


def write_watch(client: "Client", seen: Watched) -> None:
    """Put what was watched of a day's scores in place of what was before."""
    said = [seen.kind, seen.watch, seen.as_of, seen.model_id]
    replace_partition(
        client,
        table="ml.watch",
        partition=f"('{seen.kind}', '{seen.watch}', '{seen.as_of}')",
        columns=["kind", "watch", "as_of", "model_id", "subject", "value", "people"],
        values=[
            [*said, subject, value, seen.people]
            for subject, value in seen.values.items()
        ],
    )


def write_scores(
    client: "Client",
    *,
    table: str,
    as_of: date,
    columns: Mapping[str, Sequence[Any]],
) -> int:
    """Put one day's scores, column by column, in place of earlier ones.

    Returns how many people were scored.
    """
    people = len(columns["person_id"])
    replace_partition_columns(
        client,
        table=table,
        partition=f"'{as_of}'",
        columns={"as_of": [as_of] * people, **columns},
    )
    return people


def _partition(kind: str, as_of: date) -> str:
    return f"('{kind}', '{as_of}')"
