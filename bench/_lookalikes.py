"""How long a million people take to be ranked by how alike they are to a seed."""

import time

import numpy as np

_SEED_SHARE = 0.02
_COLUMNS = 16


def lookalike_s(people: int = 1_000_000) -> float:
    """Seconds of wall clock to judge the three ways and to score everybody."""
    from ml.lookalikes.scoring import rank

    chance = np.random.default_rng(20260301)
    activity = chance.gamma(1.0, 1.0, people)
    values = chance.poisson(activity[:, None] * np.arange(1, _COLUMNS + 1))
    alike = activity * values[:, :4].sum(axis=1) + chance.normal(0, 1, people)
    seed = alike >= np.quantile(alike, 1 - _SEED_SHARE)
    started = time.perf_counter()
    rank(values.astype(np.float64), seed)
    return time.perf_counter() - started
