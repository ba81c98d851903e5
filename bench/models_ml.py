"""Judge a million people of twenty million events: features, churn, value, lookalikes.

`features_s`: features and outcomes of every as-of day that 180 days hold, built by the
engine, tests of their grain included; what they are built from is there before.
`churn_train_s`: reading, three rolling windows, every candidate fitted again, cards.
`churn_score_s`: everyone scored by the trees, with reasons. `peak_bytes`
is of the process tree, the engine in it, from features to scores. Lifetime value: see
_value.py. QUESTLOG_BENCH_EVENTS and QUESTLOG_BENCH_CUSTOMERS take other sizes.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import _value
from bench._engine import Engine
from bench._memory import Watch
from bench._stream import DAYS, Stream, bring, rest
from warehouse.clickhouse import connect
from warehouse.errors import TransformationFailed
from warehouse.publishing import publish
from warehouse.transformation import build, run_dbt

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_EVENTS, _CUSTOMERS = 20_000_000, 1_000_000
_EVENTS_A_PERSON = 20
_AS_OF = date(2026, 1, 1) + timedelta(days=DAYS)
_SEED_SHARE = 50
_LIMITS = {
    "features_limit_s": 90.0,
    "churn_train_limit_s": 120.0,
    "churn_score_limit_s": 20.0,
    "clv_score_limit_s": 10.0,
    "clv_fit_speedup_least": 10.0,
    "lookalike_limit_s": 60.0,
    "peak_limit_bytes": float(4 << 30),
}


def run() -> dict[str, Any]:
    """Measure churn and lookalikes through the engine, then lifetime value."""
    events = int(os.environ.get("QUESTLOG_BENCH_EVENTS", _EVENTS))
    customers = int(os.environ.get("QUESTLOG_BENCH_CUSTOMERS", _CUSTOMERS))
    value, beside = _value.measured(customers)
    compared = {"lifetimes": beside}
    try:
        warehoused = _warehoused(
            Stream(events=events, people=events // _EVENTS_A_PERSON)
        )
    except TransformationFailed as why:
        # by an engine of less memory: what lifetime value took is told all the same
        warehoused, compared["features"] = {}, f"could not be built: {why}"
    return {
        "figures": {**warehoused, **value},
        "compared_with": {**compared, **_LIMITS},
    }


def _warehoused(stream: Stream) -> dict[str, float]:
    home = Path(tempfile.mkdtemp(prefix="questlog-bench-"))
    figures: dict[str, float] = {}
    try:
        with Engine(home) as engine, connect(engine.settings) as client:
            _prepare(engine, client, stream)
            with Watch(os.getpid()) as watch:
                with watch.stage("features"), _timed(figures, "features_s"):
                    build(engine.settings, "features", as_of=_AS_OF)
                publish(client, "features")
                with watch.stage("judging"):
                    _judge(engine, client, figures)
            figures["peak_bytes"] = float(watch.peak_bytes)
            figures |= {f"peak_{k}_bytes": float(v) for k, v in watch.peaks.items()}
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return figures


def _prepare(engine: Engine, client: "Client", stream: Stream) -> None:
    """The events, and what features are built from."""
    bring(client, stream, first=0, count=stream.events)
    rest(client)
    run_dbt(
        engine.settings,
        [
            *("build", "--select", "path:seeds", "+path:models/features"),
            *("--exclude", "path:models/features", "resource_type:test"),
            *("--exclude-resource-type", "unit_test"),
        ],
        variables={"as_of": ""},
    )
    rest(client)


def _judge(engine: Engine, client: "Client", figures: dict[str, float]) -> None:
    from ml import records
    from ml.churn import training
    from ml.lookalikes import warehoused as lookalikes

    with _timed(figures, "churn_train_s"):
        training.train(client, engine.settings, _AS_OF)
    # trees, whichever was chosen: nothing of these people can be told
    trees = next(
        judged.model_id
        for judged in records.judgements(client, training.KIND, _AS_OF)
        if judged.estimator == "lightgbm"
    )
    with _timed(figures, "churn_score_s"):
        scored = training.score(client, engine.settings, trees, _AS_OF)
    figures["people_scored"] = float(scored)
    client.command(
        "insert into activation.audience_members (as_of, audience, person_id)"
        " select as_of, 'seed', person_id from features.feat_people"
        " where as_of = {day:Date} and sipHash64(person_id) % {share:UInt8} = 0",
        parameters={"day": _AS_OF, "share": _SEED_SHARE},
    )
    with _timed(figures, "lookalike_s"):
        lookalikes.score(client, "seed", _AS_OF)


@contextmanager
def _timed(figures: dict[str, float], name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    figures[name] = time.monotonic() - began
    print(f"{name}: {figures[name]:.1f}", flush=True)
