"""The two ways to tell what customers will spend: a model of buying, and a rule."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ml.lifetime_value import bg_nbd, gamma_gamma
from ml.lifetime_value.customers import Customers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MODEL, RULE = "bg_nbd", "rate_rule"
FILE = "parameters.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is expected of each customer within the horizon."""

    probability_alive: "Numbers"
    purchases: "Numbers"
    value: "Numbers"


class Fitted(Protocol):
    """A fitted estimator."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader of the fit must be told."""

    @property
    def figures(self) -> Mapping[str, float]:
        """Parameters and state of the fit, for ml.models."""

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """What each customer will do in the coming weeks."""

    def files(self) -> dict[str, str]:
        """The model as text by file name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyingModel:
    """BG/NBD for how often, Gamma-Gamma for how much."""

    buying: bg_nbd.BgNbd
    spending: gamma_gamma.GammaGamma
    fits: Mapping[str, Mapping[str, Any]]

    @property
    def notes(self) -> list[str]:
        """Where a search ran to a bound or did not end."""
        return [
            f"{name.replace('_', '-')}: {said}"
            for name, fit in self.fits.items()
            for said in fit["notes"]
        ]

    @property
    def figures(self) -> Mapping[str, float]:
        """Parameters, log-likelihoods, and 1 where a search went well or to a bound."""
        return {
            f"{model}.{name}": value
            for model, fit in self.fits.items()
            for name, value in (
                *fit["parameters"].items(),
                ("log_likelihood", fit["log_likelihood"]),
                ("converged", float(fit["converged"])),
                ("at_boundary", float(fit["at_boundary"])),
            )
        }

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """Purchases by BG/NBD times the mean value by Gamma-Gamma."""
        purchases = self.buying.expected_purchases(customers.history, weeks)
        each = self.spending.expected_value(customers.purchases, customers.mean_value)
        return Expectation(
            probability_alive=self.buying.probability_alive(customers.history),
            purchases=purchases,
            value=purchases * each,
        )

    def files(self) -> dict[str, str]:
        """The parameters and how they were found, as JSON."""
        return {FILE: json.dumps(self.fits, indent=1)}


@dataclass(frozen=True, slots=True)
class RateRule:
    """Everyone goes on at their own past rate and mean value; nobody leaves."""

    @property
    def notes(self) -> Sequence[str]:
        """Nothing: there was no search."""
        return ()

    @property
    def figures(self) -> Mapping[str, float]:
        """It has none."""
        return {}

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """Repeat purchases per week so far, times the weeks, times the mean value."""
        history = customers.history
        aged = history.age > 0
        rate = np.where(aged, history.frequency / np.where(aged, history.age, 1.0), 0.0)
        return Expectation(
            probability_alive=np.ones(len(customers)),
            purchases=rate * weeks,
            value=rate * weeks * np.maximum(customers.mean_value, 0.0),
        )

    def files(self) -> dict[str, str]:
        """An empty set of parameters: the rule is fixed."""
        return {FILE: "{}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to tell what customers will spend."""

    fit: Callable[[Customers], Fitted]
    read: Callable[[Mapping[str, str]], Fitted]
    parameters: Mapping[str, object]


def _fit_model(customers: Customers) -> BuyingModel:
    buying, how_often = bg_nbd.BgNbd.fit(customers.history)
    spending, how_much = gamma_gamma.fit(customers.purchases, customers.mean_value)
    fits = {
        name: {
            "parameters": dict(found.parameters),
            "log_likelihood": found.log_likelihood,
            "converged": found.converged,
            "at_boundary": bool(found.at_boundary),
            "notes": found.notes,
        }
        for name, found in (("bg_nbd", how_often), ("gamma_gamma", how_much))
    }
    return BuyingModel(buying=buying, spending=spending, fits=fits)


def _read_model(files: Mapping[str, str]) -> BuyingModel:
    fits = json.loads(files[FILE])
    return BuyingModel(
        buying=bg_nbd.BgNbd.read(fits["bg_nbd"]["parameters"]),
        spending=gamma_gamma.read(fits["gamma_gamma"]["parameters"]),
        fits=fits,
    )


CANDIDATES: Mapping[str, Candidate] = {
    MODEL: Candidate(
        fit=_fit_model, read=_read_model, parameters={"time_unit": "week"}
    ),
    RULE: Candidate(
        fit=lambda _: RateRule(),
        read=lambda _: RateRule(),
        parameters={"time_unit": "week"},
    ),
}
