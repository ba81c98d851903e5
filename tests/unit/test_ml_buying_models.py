"""Pareto/NBD and MBG/NBD against the papers' formulas and plain arithmetic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import gammaln, hyp2f1

from ml.lifetime_value.bg_nbd import BgNbd
from ml.lifetime_value.history import History
from ml.lifetime_value.likelihood import maximise
from ml.lifetime_value.mbg_nbd import MbgNbd
from ml.lifetime_value.pareto_nbd import ParetoNbd

Numbers = NDArray[np.float64]
Model = BgNbd | ParetoNbd

PUBLISHED = ParetoNbd(r=0.5533, alpha=10.5775, s=0.6063, beta=11.6694)
SOME = History.of(
    np.array([0.0, 1, 4, 30, 2]),
    np.array([0.0, 3, 20, 49, 12]),
    np.array([9.0, 3, 40, 50, 150]),
)


def paretos(low: float = 0.2, high: float = 20.0) -> st.SearchStrategy[ParetoNbd]:
    size = st.floats(low, high)
    return st.builds(ParetoNbd, r=size, alpha=size, s=size, beta=size)


def logs_of(model: ParetoNbd) -> Numbers:
    return np.log([model.r, model.alpha, model.s, model.beta])


def by_hypergeometric(model: ParetoNbd, told: History) -> float:
    """Fader and Hardie's equation, as they write it; for few purchases only."""
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    x, last, age = told.frequency[0], told.recency[0], told.age[0]
    larger, second = max(alpha, beta), s + 1 if alpha >= beta else r + x

    def ended(at: float) -> float:
        z = abs(alpha - beta) / (larger + at)
        series = hyp2f1(r + s + x, second, r + s + x + 1, z)
        return float(series / (larger + at) ** (r + s + x))

    alive = (alpha + age) ** -(r + x) * (beta + age) ** -s
    gone = s / (r + s + x) * (ended(last) - ended(age))
    scale = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return float(scale + np.log(alive + gone))


@given(paretos(0.3, 12), st.integers(0, 8), st.floats(0.5, 60), st.floats(0.05, 0.95))
@settings(deadline=None)
def test_the_integral_is_the_papers_difference_of_hypergeometric_functions(
    model: ParetoNbd, repeats: int, age: float, part: float
) -> None:
    last = age * part if repeats else 0.0
    told = History.of(np.array([float(repeats)]), np.array([last]), np.array([age]))

    found, _ = ParetoNbd.mean_log_likelihood(logs_of(model), told)

    assert found == pytest.approx(by_hypergeometric(model, told), rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("repeats", [0.0, 3.0, 200.0, 5000.0])
def test_frequent_buyers_keep_their_digits(repeats: float) -> None:
    told = History.of(np.array([repeats]), np.array([20.0]), np.array([40.0]))
    model = ParetoNbd(r=1.0, alpha=3.0, s=0.7, beta=30.0)

    def at(time: float) -> float:
        bought = -(model.r + repeats) * np.log((model.alpha + time) / 23.0)
        return float(np.exp(bought - (model.s + 1) * np.log(model.beta + time)))

    gone = model.s * quad(at, 20, 40, points=[20 + 5 / (1 + repeats)], limit=200)[0]
    alive = at(40) * (model.beta + 40)
    chance = model.probability_alive(told)[0]

    assert chance == pytest.approx(alive / (alive + gone), rel=1e-6, abs=1e-300)


@given(paretos(0.05, 50))
@settings(deadline=None)
def test_the_gradient_is_the_slope_of_the_likelihood(model: ParetoNbd) -> None:
    logs = logs_of(model)

    _, gradient = ParetoNbd.mean_log_likelihood(logs, SOME)

    plain = [
        ParetoNbd.mean_log_likelihood(logs + step, SOME)[0]
        - ParetoNbd.mean_log_likelihood(logs - step, SOME)[0]
        for step in 1e-5 * np.eye(4)
    ]
    assert gradient == pytest.approx(np.array(plain) / 2e-5, rel=1e-4, abs=1e-6)


@given(paretos(1e-6, 1e6), st.floats(0.5, 200))
@settings(deadline=None, max_examples=150)
def test_even_absurd_parameters_give_sane_answers(
    model: ParetoNbd, weeks: float
) -> None:
    alive = model.probability_alive(SOME)
    found = model.expected_purchases(SOME, weeks)

    most = (model.r + SOME.frequency) * weeks / (model.alpha + SOME.age)
    assert ((alive >= 0) & (alive <= 1)).all()
    assert ((found >= 0) & (found <= most * (1 + 1e-9))).all()


def test_the_chance_to_leave_at_once_is_in_the_likelihood() -> None:
    r, alpha, a, b, age = 0.5, 6.0, 0.9, 1.4, 30.0
    told = History.of(np.zeros(1), np.zeros(1), np.array([age]))

    found, _ = MbgNbd.mean_log_likelihood(np.log([r, alpha, a, b]), told)

    left = beta_function(a + 1, b) / beta_function(a, b)
    stayed = beta_function(a, b + 1) / beta_function(a, b)
    assert found == pytest.approx(np.log(left + stayed * (alpha / (alpha + age)) ** r))


def simulated(model: Model, customers: int, seed: int) -> tuple[History, Numbers]:
    """Customers who behave as the model says, seen 20 to 60 weeks; their next 26."""
    chance = np.random.default_rng(seed)
    ages = chance.uniform(20, 60, customers)
    rates = chance.gamma(model.r, 1 / model.alpha, customers)
    found, later = np.zeros((customers, 2)), np.zeros(customers)
    if isinstance(model, ParetoNbd):
        leaving = chance.gamma(model.s, 1 / model.beta, customers)
        ends, chances = chance.exponential(1 / leaving), np.zeros(customers)
    else:
        ends = np.full(customers, np.inf)
        chances = chance.beta(model.a, model.b, customers)
    for one in range(customers):
        now, first = 0.0, isinstance(model, BgNbd) and model.CHANCES_AT_ONCE == 0
        while first or chance.random() >= chances[one]:
            first = False
            now += chance.exponential(1 / rates[one])
            if now > min(ends[one], ages[one] + 26):
                break
            if now <= ages[one]:
                found[one] = found[one, 0] + 1, now
            else:
                later[one] += 1
    return History.of(found[:, 0], found[:, 1], ages), later


WORLDS = [
    BgNbd(r=0.8, alpha=6.0, a=0.7, b=3.0),
    MbgNbd(r=0.8, alpha=6.0, a=0.7, b=3.0),
    ParetoNbd(r=0.8, alpha=6.0, s=0.7, beta=12.0),
]


@pytest.mark.parametrize("truth", WORLDS, ids=lambda model: type(model).__name__)
def test_the_truth_lies_within_the_standard_errors(truth: Model) -> None:
    told, later = simulated(truth, customers=4000, seed=11)

    found, how = type(truth).fit(told)
    expected = found.expected_purchases(told, 26)

    assert how.is_sound
    assert how.starts_agreeing >= 2
    for name, error in how.standard_errors.items():
        assert error is not None
        assert abs(getattr(found, name) - getattr(truth, name)) < 3.5 * error
    assert expected.sum() == pytest.approx(later.sum(), rel=0.06)


@pytest.mark.parametrize("model", WORLDS, ids=lambda model: type(model).__name__)
def test_drawn_futures_have_the_expected_mean(model: Model) -> None:
    chance = np.random.default_rng(3)
    crowd = History(
        frequency=np.repeat(SOME.frequency, 20_000),
        recency=np.repeat(SOME.recency, 20_000),
        age=np.repeat(SOME.age, 20_000),
        customers=np.ones(100_000),
    )

    drawn = model.draw(crowd, 26, chance).reshape(5, -1)

    noise = drawn.std(axis=1) / np.sqrt(drawn.shape[1])
    assert (
        np.abs(drawn.mean(axis=1) - model.expected_purchases(SOME, 26))
        <= 5 * noise + 1e-9
    ).all()


def test_the_observed_information_is_that_of_a_known_likelihood() -> None:
    def of_a_mean(logs: Numbers) -> tuple[float, Numbers]:
        rate = np.exp(logs[0])
        return float(logs[0] - rate * 2.0), np.array([1 - rate * 2.0])

    how = maximise(of_a_mean, names=("rate",), starts=((1.0,), (9.0,)), weight=400.0)

    assert how.parameters["rate"] == pytest.approx(0.5, rel=1e-5)
    assert how.standard_errors["rate"] == pytest.approx(0.5 / 20, rel=1e-4)
    assert how.starts_agreeing == 2
