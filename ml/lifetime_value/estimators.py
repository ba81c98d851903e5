"""The ways to tell what customers will spend: models of buying, trees, plain rules."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from ml.lifetime_value import gamma_gamma, two_part
from ml.lifetime_value.bg_nbd import BgNbd
from ml.lifetime_value.correction import PARAMETERS as CORRECTION_PARAMETERS
from ml.lifetime_value.correction import Correction
from ml.lifetime_value.customers import DAYS_A_WEEK, Customers, Seen
from ml.lifetime_value.futures import Buying
from ml.lifetime_value.likelihood import Maximum
from ml.lifetime_value.mbg_nbd import MbgNbd
from ml.lifetime_value.nbd import Nbd
from ml.lifetime_value.pareto_nbd import ParetoNbd
from ml.spine import HORIZON_DAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

MODELS: Mapping[str, type[Buying]] = {
    "bg_nbd": BgNbd,
    "pareto_nbd": ParetoNbd,
    "mbg_nbd": MbgNbd,
    "nbd": Nbd,
}
FALLBACK = "nbd"
TREES, CORRECTED = "two_part", "corrected"
RULE, SAME = "rate_rule", "mean_rule"
BASELINES = (RULE, SAME)
FILE = "parameters.json"
WEEKS = HORIZON_DAYS / DAYS_A_WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is expected of each customer within the horizon.

    `probability_alive` is a chance of buying at all where nobody is thought to leave.
    """

    probability_alive: "Numbers"
    purchases: "Numbers"
    value: "Numbers"


class Fitted(Protocol):
    """A fitted estimator."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader of the fit must be told."""

    @property
    def is_sound(self) -> bool:
        """Whether the fit may be trusted with scores."""

    @property
    def figures(self) -> Mapping[str, float]:
        """Parameters and state of the fit, for ml.models."""

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """What each customer will do in the coming weeks."""

    def files(self) -> dict[str, str]:
        """The model as text by file name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyingModel:
    """A model of how often customers buy, Gamma-Gamma for how much."""

    name: str
    buying: Buying
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
    def is_sound(self) -> bool:
        """Whether the model of how often has one flat top, away from every bound."""
        fit = self.fits[self.name]
        return bool(fit["converged"] and not fit["at_boundary"])

    @property
    def figures(self) -> Mapping[str, float]:
        """Parameters with standard errors, log-likelihoods, and how the search went.

        `converged` and `at_boundary` are 1 where it did.
        """
        found = {
            f"{model}.{name}": value
            for model, fit in self.fits.items()
            for name, value in (
                *fit["parameters"].items(),
                ("log_likelihood", fit["log_likelihood"]),
                ("converged", float(fit["converged"])),
                ("at_boundary", float(fit["at_boundary"])),
            )
        }
        errors = {
            f"{model}.{name}.standard_error": error
            for model, fit in self.fits.items()
            for name, error in fit["standard_errors"].items()
            if error is not None
        }
        return {**found, **errors}

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """Purchases by the one model times the mean value by Gamma-Gamma."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """The two-part model, as an estimator."""

    model: two_part.TwoPart
    notes: Sequence[str] = ()
    is_sound: bool = True

    @property
    def figures(self) -> Mapping[str, float]:
        """The factors beside the trees."""
        return {"smearing": self.model.smearing, "repeats": self.model.repeats}

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """What the trees say of the horizon they learned, brought to these weeks."""
        del weeks  # the trees know one horizon: the one they learned
        told = self.model.tell(customers)
        return Expectation(
            probability_alive=told.chance, purchases=told.purchases, value=told.value
        )

    def files(self) -> dict[str, str]:
        """The trees as text."""
        return self.model.files()


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A model of buying, what it expects of each customer corrected by trees."""

    buying: BuyingModel
    correction: Correction

    @property
    def notes(self) -> Sequence[str]:
        """Which model is corrected, and what a reader of it must be told."""
        return [f"{CORRECTED}: {self.buying.name} is corrected", *self.buying.notes]

    @property
    def is_sound(self) -> bool:
        """Whether the model beneath is."""
        return self.buying.is_sound

    @property
    def figures(self) -> Mapping[str, float]:
        """Those of the model beneath, and the correction's level."""
        return {
            **self.buying.figures,
            "correction.level": self.correction.level,
        }

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """Purchases and value times the factor of each; alive as the model has it."""
        told = self.buying.expect(customers, weeks)
        factor = self.correction.of(customers)
        return Expectation(
            probability_alive=told.probability_alive,
            purchases=told.purchases * factor,
            value=told.value * factor,
        )

    def files(self) -> dict[str, str]:
        """The model and its correction as text by file name."""
        return {**self.buying.files(), **self.correction.files()}


@dataclass(frozen=True, slots=True)
class RateRule:
    """Everyone goes on at their own past rate and mean value; nobody leaves."""

    notes: Sequence[str] = ()
    is_sound: bool = True

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
class MeanRule:
    """Everyone does what the mean customer did: the yardstick of prediction itself."""

    rate: float
    each: float
    notes: Sequence[str] = ()
    is_sound: bool = True

    @classmethod
    def fit(cls, customers: Customers) -> "MeanRule":
        """Repeats of all by the weeks of all, and the mean value."""
        weeks = float(customers.history.age.sum())
        repeats = float(customers.history.frequency.sum())
        return cls(
            rate=repeats / weeks if weeks else 0.0,
            each=float(np.maximum(customers.mean_value, 0.0).mean()),
        )

    @property
    def figures(self) -> Mapping[str, float]:
        """Purchases a week, and what one is worth."""
        return {"rate": self.rate, "each": self.each}

    def expect(self, customers: Customers, weeks: float) -> Expectation:
        """The same of everybody."""
        one = np.ones(len(customers))
        purchases = one * self.rate * weeks
        return Expectation(
            probability_alive=one, purchases=purchases, value=purchases * self.each
        )

    def files(self) -> dict[str, str]:
        """Both means, as JSON."""
        return {FILE: json.dumps(self.figures)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to tell what customers will spend.

    `fit` takes the customers of a day, and earlier days with what followed.
    """

    fit: Callable[[Customers, Sequence[Seen]], Fitted]
    read: Callable[[Mapping[str, str]], Fitted]
    parameters: Mapping[str, object]


_FITTED: WeakKeyDictionary[Customers, dict[str, BuyingModel]] = WeakKeyDictionary()
"""Several candidates and windows ask for the same fits; gone with their customers."""


def _fit_model(name: str, customers: Customers, earlier: Sequence[Seen]) -> BuyingModel:
    del earlier  # the likelihood of the histories needs no outcomes
    known = _FITTED.setdefault(customers, {})
    if name not in known:
        known[name] = _searched(name, customers)
    return known[name]


def _searched(name: str, customers: Customers) -> BuyingModel:
    buying, how_often = MODELS[name].fit(customers.history)
    spending, how_much = gamma_gamma.fit(customers.purchases, customers.mean_value)
    fits = {name: _told(how_often), "gamma_gamma": _told(how_much)}
    return BuyingModel(name=name, buying=buying, spending=spending, fits=fits)


def _fit_corrected(customers: Customers, earlier: Sequence[Seen]) -> Corrected:
    """The first sound model of buying, corrected where it erred on earlier days.

    Raises NotEnoughData where those days teach no correction.
    """
    two_part.enough(earlier)
    buying = _sound(customers)
    expected = [
        _fit_model(buying.name, day.customers, []).expect(day.customers, WEEKS).value
        for day in earlier
    ]
    return Corrected(buying=buying, correction=Correction.fit(earlier, expected))


def _sound(customers: Customers) -> BuyingModel:
    """BG/NBD, or at its boundary what remains there."""
    found = _fit_model("bg_nbd", customers, [])
    return found if found.is_sound else _fit_model(FALLBACK, customers, [])


def _read_corrected(files: Mapping[str, str]) -> Corrected:
    name = next(name for name in json.loads(files[FILE]) if name in MODELS)
    return Corrected(buying=_read_model(name, files), correction=Correction.read(files))


def _told(how: Maximum) -> dict[str, Any]:
    """A fit as JSON can hold it; the covariance row by row, null where unsettled."""
    spread = [[v if np.isfinite(v) else None for v in row] for row in how.covariance]
    return {
        "parameters": dict(how.parameters),
        "standard_errors": how.standard_errors,
        "names": list(how.names),
        "covariance_of_logs": spread,
        "log_likelihood": how.log_likelihood,
        "converged": how.converged,
        "at_boundary": bool(how.at_boundary),
        "starts_agreeing": how.starts_agreeing,
        "notes": how.notes,
    }


def _read_model(name: str, files: Mapping[str, str]) -> BuyingModel:
    fits = json.loads(files[FILE])
    return BuyingModel(
        name=name,
        buying=MODELS[name].read(fits[name]["parameters"]),
        spending=gamma_gamma.read(fits["gamma_gamma"]["parameters"]),
        fits=fits,
    )


def _candidate(name: str) -> Candidate:
    return Candidate(
        fit=partial(_fit_model, name),
        read=partial(_read_model, name),
        parameters={"time_unit": "week"},
    )


CANDIDATES: Mapping[str, Candidate] = {
    **{name: _candidate(name) for name in MODELS},
    TREES: Candidate(
        fit=lambda _, earlier: Trees(model=two_part.TwoPart.fit(earlier)),
        read=lambda files: Trees(model=two_part.TwoPart.read(files)),
        parameters=two_part.PARAMETERS,
    ),
    CORRECTED: Candidate(
        fit=_fit_corrected,
        read=_read_corrected,
        parameters=CORRECTION_PARAMETERS,
    ),
    RULE: Candidate(
        fit=lambda _, __: RateRule(),
        read=lambda _: RateRule(),
        parameters={"time_unit": "week"},
    ),
    SAME: Candidate(
        fit=lambda customers, _: MeanRule.fit(customers),
        read=lambda files: MeanRule(**json.loads(files[FILE])),
        parameters={"time_unit": "week"},
    ),
}
