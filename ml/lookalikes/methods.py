"""Three ways to say how alike people are to a seed: cosine, Jaccard, a classifier."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]
    Flags = NDArray[np.bool_]
    Method = Callable[[Numbers, Flags], NDArray[np.float64]]

SEED = 20260301
_CHUNK = 100_000
_MOST_COMPARED = 200
_MOST_UNLABELLED = 100_000
_MOST_SEEDS = 50_000
_HELD_SHARE = 5
_TREES: Mapping[str, Any] = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.08,
    "min_data_in_leaf": 20,
    "lambda_l2": 5.0,
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbosity": -1,
}
_ROUNDS = 60


def cosine(people: "Numbers", seed: "Flags") -> "NDArray[np.float64]":
    """The cosine between a person and the seed's mean, from -1 to 1."""
    middle = people[seed].mean(axis=0)
    length = np.linalg.norm(people, axis=1) * np.linalg.norm(middle)
    return np.asarray(people @ middle / np.where(length > 0, length, 1), np.float64)


def jaccard(people: "Numbers", seed: "Flags") -> "NDArray[np.float64]":
    """The mean Jaccard index with at most 200 of the seed, from 0 to 1.

    A person is the set of what they do more than the mean person.
    """
    sets = people > 0
    some = _some(np.flatnonzero(seed), _MOST_COMPARED)
    compared = sets[some].astype(np.float32)
    sizes = compared.sum(axis=1)
    found = np.zeros(len(people))
    for start in range(0, len(people), _CHUNK):
        own = sets[start : start + _CHUNK].astype(np.float32)
        both = own @ compared.T
        either = own.sum(axis=1)[:, None] + sizes - both
        index = both / np.where(either > 0, either, 1)
        found[start : start + _CHUNK] = index.mean(axis=1)
    return found


def positive_unlabelled(people: "Numbers", seed: "Flags") -> "NDArray[np.float64]":
    """The chance of being like the seed, learned from seed and rest alone.

    Elkan and Noto (2008): trees learn who is in the seed; on a fifth of the seed held
    back they say on average c, the chance that one who is alike is in it; what they
    say of others over c, up to 1, is the chance. The rest is a sample.
    """
    import lightgbm

    chosen = _some(np.flatnonzero(seed), _MOST_SEEDS)
    held, taught = chosen[::_HELD_SHARE], np.delete(chosen, slice(None, None, 5))
    rest = _some(np.flatnonzero(~seed), _MOST_UNLABELLED)
    rows = np.concatenate([taught, rest])
    labels = np.repeat([1.0, 0.0], [len(taught), len(rest)])
    data = lightgbm.Dataset(people[rows], label=labels)
    booster = lightgbm.train(dict(_TREES), data, num_boost_round=_ROUNDS)
    said = np.asarray(booster.predict(people, num_threads=2), np.float64)
    return np.minimum(said / max(float(said[held].mean()), 1e-9), 1.0)


METHODS: "Mapping[str, Method]" = {
    "cosine": cosine,
    "jaccard": jaccard,
    "positive_unlabelled": positive_unlabelled,
}


def _some(places: "NDArray[np.intp]", most: int) -> "NDArray[np.intp]":
    """At most so many, drawn in a fixed shuffle."""
    drawn = np.random.default_rng(SEED).permutation(places)
    return drawn[:most]
