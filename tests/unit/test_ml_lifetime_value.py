"""BG/NBD, Gamma-Gamma and the rule: closed forms against plain, slow arithmetic."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import roots_jacobi
from scipy.stats import gamma as gamma_distribution

from ml.lifetime_value import bg_nbd, gamma_gamma
from ml.lifetime_value.bg_nbd import BgNbd
from ml.lifetime_value.contest import enough
from ml.lifetime_value.customers import FEATURES, Customers, customers
from ml.lifetime_value.estimators import CANDIDATES, CORRECTED, TREES, RateRule
from ml.lifetime_value.gamma_gamma import GammaGamma
from ml.lifetime_value.history import History
from warehouse.errors import NotEnoughData

CDNOW = BgNbd(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259)


def history(frequency: float, recency: float, age: float) -> History:
    return History.of(np.array([frequency]), np.array([recency]), np.array([age]))


def models(low: float = 0.2, high: float = 20.0) -> st.SearchStrategy[BgNbd]:
    size = st.floats(low, high)
    return st.builds(BgNbd, r=size, alpha=size, a=size, b=size)


@st.composite
def histories(draw: st.DrawFn) -> History:
    repeats = draw(st.integers(0, 60))
    age = draw(st.floats(0.2, 150))
    last = draw(st.floats(0.05, 1)) * age if repeats else 0.0
    return history(float(repeats), last, age)


def purchases_by_integral(model: BgNbd, told: History, weeks: float) -> float:
    """The mean over every chance of leaving, one by one, of those alive."""
    repeats, age = told.frequency[0], told.age[0]
    last = model.b + repeats

    # Gauss-Jacobi: nodes where the chance of leaving is Beta(a, last) distributed
    nodes, weights = roots_jacobi(200, last - 1, model.a - 1)
    leaving = (1 + nodes) / 2
    pace = weeks / (model.alpha + age)
    none = -(model.r + repeats) * np.log1p(pace * leaving)
    bought = -np.expm1(none) / leaving
    alive = model.probability_alive(told)[0]
    return float(bought @ weights / weights.sum() * alive)


def simulated(model: BgNbd, customers: int, seed: int) -> History:
    """Customers who buy and leave as the model says, seen for 20 to 60 weeks."""
    generator = np.random.default_rng(seed)
    rates = generator.gamma(model.r, 1 / model.alpha, customers)
    leaving = generator.beta(model.a, model.b, customers)
    ages = generator.uniform(20, 60, customers)
    found = np.zeros((customers, 2))
    for one in range(customers):
        now = generator.exponential(1 / rates[one])
        while now < ages[one]:
            found[one] = found[one, 0] + 1, now
            if generator.random() < leaving[one]:
                break
            now += generator.exponential(1 / rates[one])
    return History.of(found[:, 0], found[:, 1], ages)


@given(models(), histories(), st.floats(0.5, 60))
@settings(deadline=None, max_examples=60)
def test_the_closed_form_is_what_plain_integration_gives(
    model: BgNbd, told: History, weeks: float
) -> None:
    found = model.expected_purchases(told, weeks)[0]

    plain = purchases_by_integral(model, told, weeks)

    assert found == pytest.approx(plain, rel=1e-5)


def test_the_closed_form_is_exact_where_the_field_uses_it() -> None:
    for told in (history(0, 0, 39), history(2, 30.43, 38.86), history(29, 38, 39)):
        found = CDNOW.expected_purchases(told, 39)[0]

        assert found == pytest.approx(purchases_by_integral(CDNOW, told, 39), rel=1e-6)


def test_the_papers_own_customer_is_expected_to_buy_1_226_times() -> None:
    paper = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)

    found = paper.expected_purchases(history(2, 30.43, 38.86), 39)

    assert found[0] == pytest.approx(1.226, abs=1e-3)


@given(models(1e-6, 1e6), histories(), st.floats(0.5, 200))
@settings(deadline=None, max_examples=150)
def test_even_absurd_parameters_give_sane_answers(
    model: BgNbd, told: History, weeks: float
) -> None:
    alive = model.probability_alive(told)[0]
    found = model.expected_purchases(told, weeks)[0]

    most = (model.r + told.frequency[0]) * weeks / (model.alpha + told.age[0])
    assert 0 <= alive <= 1
    assert 0 <= found <= most * (1 + 1e-9)


@given(models(), st.integers(1, 40), st.floats(1, 100), st.floats(0.1, 0.9))
def test_a_customer_last_seen_later_is_likelier_alive(
    model: BgNbd, repeats: int, age: float, part: float
) -> None:
    earlier = model.probability_alive(history(repeats, age * part, age))[0]
    later = model.probability_alive(history(repeats, age, age))[0]

    assert later >= earlier


@given(models(), histories(), st.floats(0.5, 50), st.floats(0.5, 50))
def test_a_longer_horizon_never_means_fewer_purchases(
    model: BgNbd, told: History, weeks: float, more: float
) -> None:
    shorter = model.expected_purchases(told, weeks)[0]
    longer = model.expected_purchases(told, weeks + more)[0]

    assert longer >= shorter * (1 - 1e-9)


@given(models(), histories(), st.floats(0.5, 50))
def test_waiting_without_a_purchase_never_raises_what_is_expected(
    model: BgNbd, told: History, more: float
) -> None:
    waited = replace(told, age=told.age + more)

    before = model.expected_purchases(told, 4)[0]
    after = model.expected_purchases(waited, 4)[0]

    assert after <= before * (1 + 1e-9)


def test_parts_of_the_chance_of_leaving_give_what_the_closed_form_gives() -> None:
    ages = np.array([1.0, 10.0, 100.0])
    told = History.of(np.full(3, 3.0), ages, ages)

    parts = bg_nbd._by_quantiles(CDNOW, 3.0, ages, 4.0)

    assert parts == pytest.approx(bg_nbd._closed_form(CDNOW, told, 4.0), rel=1e-2)


@given(models(0.05, 50))
@settings(deadline=None)
def test_the_gradient_is_the_slope_of_the_likelihood(model: BgNbd) -> None:
    told = History.of(
        np.array([0.0, 1, 4, 30]),
        np.array([0.0, 3, 20, 49]),
        np.array([9.0, 3, 40, 50]),
    )
    logs = np.log([model.r, model.alpha, model.a, model.b])

    _, gradient = BgNbd.mean_log_likelihood(logs, told)

    steps = 1e-5 * np.eye(4)
    plain = [
        BgNbd.mean_log_likelihood(logs + step, told)[0]
        - BgNbd.mean_log_likelihood(logs - step, told)[0]
        for step in steps
    ]
    assert gradient == pytest.approx(np.array(plain) / 2e-5, rel=1e-4, abs=1e-6)


def test_the_likelihood_is_what_plain_integration_over_people_gives() -> None:
    repeats, last, age = 2.0, 12.0, 30.0
    value, _ = BgNbd.mean_log_likelihood(
        np.log([CDNOW.r, CDNOW.alpha, CDNOW.a, CDNOW.b]), history(repeats, last, age)
    )

    def bought(until: float) -> float:
        density = gamma_distribution(CDNOW.r, scale=1 / CDNOW.alpha).pdf
        return float(
            quad(lambda rate: density(rate) * rate**2 * np.exp(-rate * until), 0, 9)[0]
        )

    stayed = beta_function(CDNOW.a, CDNOW.b + 2) / beta_function(CDNOW.a, CDNOW.b)
    left = beta_function(CDNOW.a + 1, CDNOW.b + 1) / beta_function(CDNOW.a, CDNOW.b)
    plain = stayed * bought(age) + left * bought(last)
    assert value == pytest.approx(np.log(plain), rel=1e-6)


def test_the_model_that_made_the_customers_is_found_again() -> None:
    truth = BgNbd(r=0.8, alpha=6.0, a=0.7, b=3.0)

    found, how = BgNbd.fit(simulated(truth, customers=6000, seed=11))

    assert how.converged
    assert not how.notes
    assert found.r / found.alpha == pytest.approx(truth.r / truth.alpha, rel=0.06)
    assert found.a / (found.a + found.b) == pytest.approx(0.7 / 3.7, rel=0.1)


def test_equal_histories_told_once_give_the_same_likelihood() -> None:
    exactly = simulated(CDNOW, customers=400, seed=2)
    told = replace(exactly, recency=np.round(exactly.recency), age=np.ceil(exactly.age))
    logs = np.log([0.3, 5.0, 0.8, 2.5])

    each, slope = BgNbd.mean_log_likelihood(logs, told)
    once, slope_once = BgNbd.mean_log_likelihood(logs, told.grouped())

    assert len(told.grouped().age) < 400
    assert once == pytest.approx(each)
    assert slope_once == pytest.approx(slope)


def test_customers_who_never_leave_are_told_as_a_boundary() -> None:
    steady = History.of(np.arange(10.0, 70), np.full(60, 50.0) - 0.5, np.full(60, 50.0))

    found, how = BgNbd.fit(steady)

    assert how.at_boundary
    assert any("bound" in note for note in how.notes)
    assert np.isfinite(found.expected_purchases(steady, 4)).all()


@given(
    st.lists(st.tuples(st.integers(1, 30), st.floats(0.01, 1e6)), min_size=2),
    st.floats(0.05, 50),
    st.floats(0.05, 50),
    st.floats(0.05, 50),
)
@settings(deadline=None)
def test_the_value_gradient_is_the_slope_of_its_likelihood(
    seen: list[tuple[int, float]], p: float, above: float, v: float
) -> None:
    count = np.array([float(n) for n, _ in seen])
    mean = np.array([value for _, value in seen])
    logs = np.log([p, above, v])

    _, gradient = gamma_gamma.mean_log_likelihood(logs, count, mean)

    plain = [
        gamma_gamma.mean_log_likelihood(logs + step, count, mean)[0]
        - gamma_gamma.mean_log_likelihood(logs - step, count, mean)[0]
        for step in 1e-5 * np.eye(3)
    ]
    assert gradient == pytest.approx(np.array(plain) / 2e-5, rel=1e-3, abs=1e-3)


def test_an_expected_value_lies_between_the_own_mean_and_everybodys() -> None:
    model = GammaGamma(p=6.25, q=3.74, v=15.44)
    everybodys = model.p * model.v / (model.q - 1)
    count, own = np.array([0.0, 1, 5, 500]), np.full(4, 100.0)

    found = model.expected_value(count, own)

    assert found[0] == pytest.approx(everybodys)
    assert (np.diff(found) > 0).all()
    assert found[-1] == pytest.approx(100, rel=0.01)


def test_the_values_unit_changes_nothing_but_the_unit() -> None:
    generator = np.random.default_rng(3)
    count = generator.integers(1, 9, 300).astype(float)
    mean = generator.lognormal(3, 0.7, 300)

    euros, _ = gamma_gamma.fit(count, mean)
    cents, _ = gamma_gamma.fit(count, mean * 100)

    assert cents.expected_value(count, mean * 100) == pytest.approx(
        100 * euros.expected_value(count, mean), rel=1e-3
    )


def some_customers(size: int = 400, seed: int = 5) -> Customers:
    told = simulated(BgNbd(r=0.8, alpha=4.0, a=0.7, b=3.0), size, seed)
    values = np.random.default_rng(seed).lognormal(7, 0.5, size)
    return Customers(history=told, mean_value=values)


@pytest.mark.parametrize("name", sorted({*CANDIDATES} - {TREES, CORRECTED}))
def test_an_estimator_says_the_same_after_it_was_written_and_read(name: str) -> None:
    known = some_customers()
    fitted = CANDIDATES[name].fit(known, [])

    again = CANDIDATES[name].read(fitted.files()).expect(known, 4)

    first = fitted.expect(known, 4)
    assert np.array_equal(again.value, first.value)
    assert np.array_equal(again.probability_alive, first.probability_alive)


def test_the_rule_goes_on_at_the_past_rate() -> None:
    known = Customers(
        history=History.of(
            np.array([0.0, 4, 0]), np.array([0.0, 8, 0]), np.array([10.0, 16, 0])
        ),
        mean_value=np.array([500.0, 1000.0, -20.0]),
    )

    found = RateRule().expect(known, 4)

    assert found.purchases.tolist() == [0, 1, 0]
    assert found.value.tolist() == [0, 1000, 0]


def test_too_few_customers_are_named() -> None:
    with pytest.raises(NotEnoughData, match=r"40 of 50 people who paid needed"):
        enough(some_customers(40), "the day to be judged on")


def test_rows_of_the_warehouse_become_weeks() -> None:
    row = dict(zip(FEATURES, [2.0, 14.0, 28.0, 499.0], strict=True))

    known = customers(pd.DataFrame([row]))

    assert known.history.recency.tolist() == [2]
    assert known.history.age.tolist() == [4]
    assert known.purchases.tolist() == [3]
