"""Find groups by behaviour, and say whether they are there or were made up."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]
    Labels = NDArray[np.intp]

SEED = 20260301
KS = range(2, 9)
STABLE = 0.75
"""Hennig (2007): a cluster is there where its mean Jaccard index is at least this."""

_RESAMPLES = 12
_MOST_FITTED = 8_000
_MOST_SEEN = 3_000
_LEAST_IN_A_CLUSTER = 20
_LEAST_SHARE = 0.01
NOISE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How k-means with k clusters did: the least stable cluster's, and the sharpness.

    `stability`: mean Jaccard index over bootstrap samples of the cluster where it is
    smallest, 0 to 1. `silhouette`: -1 to 1.
    """

    k: int
    stability: float
    silhouette: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """What was found. `labels`: one per person, all 0 where no k is stable.

    `tried`: by k. `dense`: HDBSCAN's labels of the people at `sample`, -1 for noise.
    """

    labels: "Labels"
    tried: tuple[Tried, ...]
    chosen: int
    sample: "Labels"
    dense: "Labels"


def find(people: "Numbers") -> Clusters:
    """K-means with the k chosen by stability, then silhouette; HDBSCAN beside it.

    `people`: a row each, columns on one scale. Of the k whose every cluster is stable
    the one of the largest silhouette; one cluster where there is none. Choosing is
    done on at most 8,000 people drawn in a fixed order.
    """
    chance = np.random.default_rng(SEED)
    sample = np.sort(chance.permutation(len(people))[:_MOST_FITTED])
    some = people[sample]
    distinct = len(np.unique(some, axis=0))
    tried = tuple(_try(some, k) for k in KS if k < distinct)
    stable = [each for each in tried if each.stability >= STABLE]
    labels = np.zeros(len(people), np.intp)
    chosen = 1
    if stable:
        chosen = max(stable, key=lambda each: each.silhouette).k
        labels = _in_order(_kmeans(some, chosen).predict(people))
    return Clusters(
        labels=labels,
        tried=tried,
        chosen=chosen,
        sample=sample,
        dense=_dense(some),
    )


def _kmeans(people: "Numbers", k: int, *, starts: int = 3) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=starts, random_state=SEED).fit(people)


def _try(people: "Numbers", k: int) -> Tried:
    from sklearn.metrics import silhouette_score

    whole = _kmeans(people, k).labels_
    seen = slice(None, _MOST_SEEN)
    several = len(np.unique(whole[seen])) > 1
    return Tried(
        k=k,
        stability=float(stability(people, whole, k).min()),
        silhouette=float(silhouette_score(people[seen], whole[seen]))
        if several
        else -1.0,
    )


def stability(people: "Numbers", whole: "Labels", k: int) -> "NDArray[np.float64]":
    """Of each cluster: how alike it is found again, by clustering bootstrap samples.

    The mean over samples of the largest Jaccard index between the cluster and one of
    the sample's clusters, both among the people drawn.
    """
    chance = np.random.default_rng(SEED)
    found = np.zeros((_RESAMPLES, k))
    for again in range(_RESAMPLES):
        drawn = chance.integers(0, len(people), len(people))
        labels = _kmeans(people[drawn], k, starts=1).labels_
        who, first = np.unique(drawn, return_index=True)
        found[again] = _best_matches(whole[who], labels[first], k)
    mean: NDArray[np.float64] = found.mean(axis=0)
    return mean


def _best_matches(one: "Labels", other: "Labels", k: int) -> "NDArray[np.float64]":
    both = np.zeros((k, k))
    np.add.at(both, (one, other), 1)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0) - both
    best: NDArray[np.float64] = (both / np.where(either > 0, either, 1)).max(axis=1)
    return best


def _in_order(labels: "Labels") -> "Labels":
    """The same clusters, the largest numbered 0."""
    sizes = np.bincount(labels)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    return np.asarray(rank[labels], np.intp)


def _dense(people: "Numbers") -> "Labels":
    """HDBSCAN's clusters; everyone is noise where people are too few for one."""
    from sklearn.cluster import HDBSCAN

    least = max(_LEAST_IN_A_CLUSTER, int(_LEAST_SHARE * len(people)))
    if len(people) < 2 * least:
        return np.full(len(people), NOISE, np.intp)
    found = HDBSCAN(min_cluster_size=least, copy=True).fit(people)
    return np.asarray(found.labels_, np.intp)
