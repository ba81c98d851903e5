"""Fit BG/NBD to a crowd of customers beside `lifetimes`, and value them.

`clv_fit_speedup` is CPU time beside CPU time, on the same customers in the same run,
each library from its own start; `clv_fit_gap` is how much likelier ours is: the
log-likelihood of all customers, ours less theirs, both by our formula. `lifetimes` is
installed aside, for this run alone; where that fails the output says so.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.settings import REPOSITORY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ml.lifetime_value.history import History

    Numbers = NDArray[np.float64]

_LIFETIMES = "lifetimes==0.11.3"
_THEIRS = """
import json, sys, time
import numpy as np
from lifetimes import BetaGeoFitter

told = np.load(sys.argv[1])
began, cpu = time.perf_counter(), time.process_time()
fitted = BetaGeoFitter().fit(told["frequency"], told["recency"], told["age"])
took = {"s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu}
found = {name: float(value) for name, value in fitted.params_.items()}
print(json.dumps({**took, "parameters": found}))
"""


def measured(customers: int) -> tuple[dict[str, float], str]:
    """The figures, and what they are compared with."""
    told = crowd(customers, seed=7)
    # what is imported inside functions is not what is measured
    _fitted(crowd(2_000, seed=1))
    ours, parameters = _fitted(told)
    figures = {"customers": float(customers), **ours, **_scored(told)}
    theirs = _lifetimes(told)
    if "why_not" in theirs:
        return figures, str(theirs["why_not"])
    figures |= {
        "clv_fit_lifetimes_s": theirs["s"],
        "clv_fit_lifetimes_cpu_s": theirs["cpu_s"],
        "clv_fit_speedup": theirs["cpu_s"] / ours["clv_fit_cpu_s"],
        "clv_fit_gap": _likelihood(told, parameters)
        - _likelihood(told, theirs["parameters"]),
    }
    return figures, _LIFETIMES


def crowd(customers: int, *, seed: int) -> "History":
    """Customers who buy and leave as BG/NBD says, first seen within a year, by days."""
    import numpy as np

    from ml.lifetime_value.history import History

    chance = np.random.default_rng(seed)
    rate = chance.gamma(0.8, 1 / 6.0, customers)
    leaving = chance.beta(0.7, 3.0, customers)
    age = chance.integers(28, 364, customers) / 7
    repeats, last, now = (np.zeros(customers) for _ in range(3))
    here = np.arange(customers)
    while len(here):
        now[here] += chance.exponential(1 / rate[here])
        here = here[now[here] < age[here]]
        repeats[here] += 1
        last[here] = now[here]
        here = here[chance.random(len(here)) >= leaving[here]]
    return History.of(repeats, np.minimum(np.ceil(last * 7) / 7, age), age)


def _fitted(told: "History") -> tuple[dict[str, float], dict[str, float]]:
    from ml.lifetime_value.bg_nbd import BgNbd

    began, cpu = time.perf_counter(), time.process_time()
    _, how = BgNbd.fit(told)
    took = {
        "clv_fit_s": time.perf_counter() - began,
        "clv_fit_cpu_s": time.process_time() - cpu,
        "clv_fit_starts_agreeing": float(how.starts_agreeing),
    }
    return took, dict(how.parameters)


def _likelihood(told: "History", parameters: dict[str, float]) -> float:
    import numpy as np

    from ml.lifetime_value.bg_nbd import NAMES, BgNbd

    logs = np.log([parameters[name] for name in NAMES])
    return BgNbd.mean_log_likelihood(logs, told)[0] * len(told.age)


def _scored(told: "History") -> dict[str, float]:
    """Everyone's value, its error, range and two sums, as `score` computes them."""
    import numpy as np

    from ml.lifetime_value.contest import Trial
    from ml.lifetime_value.customers import Customers
    from ml.lifetime_value.estimators import CANDIDATES
    from ml.lifetime_value.intervals import Range
    from ml.lifetime_value.subscription_share import Share
    from ml.lifetime_value.uncertainty import standard_errors

    chance = np.random.default_rng(3)
    size = len(told.age)
    everyone = Customers(history=told, mean_value=chance.gamma(3, 400, size))
    model = CANDIDATES["bg_nbd"].fit(everyone, [])
    expected = model.expect(everyone, 4)
    spent = chance.poisson(expected.purchases) * everyone.mean_value
    trial = Trial(
        people=np.arange(size).astype(object),
        customers=everyone,
        spent=spent,
        subscribed=0.0 * spent,
        bought=spent,
        expected={"bg_nbd": expected},
    )
    spread = Range.learn([trial], "bg_nbd")
    share = Share.of_own(everyone, [])
    began, cpu = time.perf_counter(), time.process_time()
    value = model.expect(everyone, 4).value
    standard_errors(model, everyone, 4)
    spread.around(value)
    share.of(everyone)
    return {
        "clv_score_s": time.perf_counter() - began,
        "clv_score_cpu_s": time.process_time() - cpu,
    }


def _lifetimes(told: "History") -> dict[str, Any]:
    """What `lifetimes` took and found; `why_not` where it could not be had."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "customers.npz")
        np.savez(path, frequency=told.frequency, recency=told.recency, age=told.age)
        ended = subprocess.run(  # noqa: S603 our own words
            [
                *(REPOSITORY / ".uv" / "bin" / "uv", "run", "--isolated", "--quiet"),
                *("--no-project", "--python", REPOSITORY / ".uv" / "bin" / "python"),
                *("--with", _LIFETIMES, "python", "-c", _THEIRS, path),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
    if ended.returncode:
        return {"why_not": f"could not be run: {ended.stderr.strip()[-400:]}"}
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found
