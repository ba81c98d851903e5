"""The detectors on series of their own: clean ones are quiet, faults are told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from expectations import chances, detecting
from expectations.detecting import Finding
from expectations.past import Changed
from expectations.severities import of_change, of_finding
from expectations.shapes import jensen_shannon, kolmogorov_smirnov
from expectations.spread import Kinds

DAYS, TODAY = 70, 69
PEAK = np.array([1.0, 0.9, 0.9, 1.0, 1.4, 1.7, 1.3])


def a_world(seed: int, *, each_day: float = 1_000.0) -> np.ndarray:
    """Counts of ten categories with a weekly season, growth and spread of their own."""
    chance = np.random.default_rng(seed)
    shares = np.array([0.3, 0.2, 0.15, 0.1, 0.08, 0.07, 0.05, 0.03, 0.015, 0.005])
    season = PEAK[np.arange(DAYS) % 7] * np.linspace(1, 1.3, DAYS)
    mood = chance.gamma(200, 1 / 200, (len(shares), DAYS))
    return chance.poisson(each_day * shares[:, None] * season * mood).astype(float)


def shares_told(counts: np.ndarray, day: int = TODAY) -> list[Finding]:
    totals = np.broadcast_to(counts.sum(axis=0), counts.shape)
    none = np.zeros(len(counts), dtype=bool)
    kinds = Kinds(none, none, np.zeros(len(counts), dtype=np.int64))
    return list(detecting.unusual_shares(counts, totals, day, kinds))


def volumes_told(counts: np.ndarray, day: int = TODAY) -> list[Finding]:
    return list(detecting.unusual_volumes(counts, day))


def test_ten_clean_months_have_one_false_alarm_at_most_a_month() -> None:
    alarms = 0
    for seed in range(10):
        counts = a_world(seed)
        sums = np.vstack([counts, counts.sum(axis=0)])
        for day in range(DAYS - 28, DAYS):
            alarms += len(shares_told(counts, day)) + len(volumes_told(sums, day))

    assert alarms <= 10


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_source_that_is_half_or_wholly_gone_is_told_the_same_day(
    share: float,
) -> None:
    counts = a_world(1)
    counts[2, TODAY] = np.floor(counts[2, TODAY] * (1 - share))

    told = shares_told(counts)

    assert 2 in {finding.row for finding in told}


def test_a_drop_of_thirty_per_cent_of_all_is_told_within_a_week() -> None:
    total = a_world(2).sum(axis=0, keepdims=True)
    total[:, -7:] = np.floor(total[:, -7:] * 0.7)

    assert any(volumes_told(total, day) for day in range(DAYS - 7, DAYS))


def test_an_hour_without_events_is_told() -> None:
    hours = np.repeat(a_world(3, each_day=2_000).sum(axis=0, keepdims=True), 24, axis=0)
    counts = np.random.default_rng(3).poisson(hours / 24).astype(float)
    counts[20, TODAY] = 0

    told = [finding for finding in shares_told(counts) if finding.row == 20]

    assert told
    assert told[0].observed == 0
    assert told[0].low > 0


def test_copies_that_were_two_in_a_hundred_and_are_five_are_told() -> None:
    first = a_world(4).sum(axis=0)
    counts = np.vstack([first, np.round(first * 0.02)])
    counts[1, TODAY] = round(first[TODAY] * 0.05)

    assert 1 in {finding.row for finding in shares_told(counts)}


def test_a_slow_decay_is_told_before_half_is_gone() -> None:
    counts = a_world(5)
    told_at = None
    for place, day in enumerate(range(DAYS - 14, DAYS)):
        counts[1, day] = np.floor(counts[1, day] * 0.94 ** (place + 1))
    for place, day in enumerate(range(DAYS - 14, DAYS)):
        if told_at is None and any(one.row == 1 for one in shares_told(counts, day)):
            told_at = place

    assert told_at is not None
    assert 0.94 ** (told_at + 1) > 0.5


def test_what_never_was_is_told_once_there_are_enough_of_it() -> None:
    counts = np.vstack([a_world(6), np.zeros(DAYS)])
    totals = np.broadcast_to(counts.sum(axis=0), counts.shape)
    groups = np.zeros(len(counts), dtype=np.int64)

    def told(number: int) -> list[Finding]:
        counts[-1, TODAY] = number
        return list(detecting.novelties(counts, totals, groups, TODAY))

    assert told(1) == []
    assert {finding.row for finding in told(30)} == {10}


def test_where_something_new_comes_every_day_news_surprise_nobody() -> None:
    counts = np.vstack([np.full(DAYS, 500.0), np.eye(DAYS) * 8])
    totals = np.broadcast_to(counts.sum(axis=0), counts.shape)
    groups = np.zeros(len(counts), dtype=np.int64)

    assert list(detecting.novelties(counts, totals, groups, TODAY)) == []


def test_a_holiday_among_the_weeks_before_hides_and_invents_nothing() -> None:
    counts = a_world(7)
    counts[:, TODAY - 14] *= 3
    quiet = shares_told(counts) + volumes_told(counts)
    counts[0, TODAY] = 0

    told = volumes_told(counts)

    assert quiet == []
    assert 0 in {finding.row for finding in told}


def test_money_off_by_a_factor_of_a_hundred_is_told_the_same_day() -> None:
    chance = np.random.default_rng(8)
    revenue = chance.lognormal(9, 0.4, (1, DAYS))
    revenue[0, TODAY] *= 100

    assert volumes_told(revenue)


def test_revenue_of_few_payments_strays_as_few_payments_do() -> None:
    alarms, of_money, told_dear = 0, 0, 0
    for seed in range(30):
        chance = np.random.default_rng(seed)
        paid = [chance.lognormal(6.6, 0.9, chance.poisson(9)) for _ in range(DAYS)]
        unit = 2 * float(np.median(np.concatenate(paid)))
        revenue = np.array([[payments.sum() for payments in paid]])
        for day in range(DAYS - 28, DAYS):
            alarms += len(volumes_told(revenue / unit, day))
            of_money += len(volumes_told(revenue, day))
        revenue[0, TODAY] *= 100
        told_dear += bool(volumes_told(revenue / unit))

    assert (alarms, told_dear) == (0, 30)
    assert of_money > 0


def test_a_category_that_hardly_ever_was_is_judged_by_the_spread_of_its_dimension() -> (
    None
):
    chance = np.random.default_rng(12)
    tables = chance.poisson(1.5, (3, DAYS)) * 7.0
    alone = chance.poisson(10.0, (3, DAYS)).astype(float)
    for counts, is_told in ((tables, False), (alone, True)):
        counts[2] = 0
        counts[2, [5, 40]] = 1
        counts[2, -6::2] = 7

        assert bool(shares_told(counts)) is is_told


@pytest.mark.parametrize("factor", [100, 0.01])
def test_numbers_too_few_to_be_judged_one_by_one_are_judged_together(
    factor: float,
) -> None:
    sizes = np.log10([300, 500, 1_000, 1_500, 3_000])
    counts = np.random.default_rng(10).poisson(1.5, (10, DAYS)).astype(float)
    counts[5:] = 0
    groups = np.zeros(10, dtype=np.int64)
    every = np.concatenate([sizes, sizes + np.log10(factor)])

    def told() -> list[Finding]:
        return list(detecting.unusual_levels(counts, every, groups, TODAY))

    assert told() == []
    counts[5:, TODAY], counts[:5, TODAY] = counts[:5, TODAY], 0
    assert {finding.judge for finding in told()} == {"level"}


def test_a_series_without_four_weeks_is_not_judged_by_volume() -> None:
    assert volumes_told(a_world(9) * 0, 20) == []


A_FINDING = Finding(
    row=0, judge="share", days=1, observed=60, expected=30, low=10, high=50, surprise=12
)


@pytest.mark.parametrize(
    ("subject", "changed", "severity"),
    [
        ("payments", {}, "stop"),
        ("payments", {"surprise": 8.0}, "warn"),
        ("payments", {"observed": 40}, "warn"),
        ("events", {}, "warn"),
        ("consents", {"observed": 5}, "stop"),
    ],
)
def test_what_is_grave_moved_by_half_beyond_chance(
    subject: str, changed: dict[str, float], severity: str
) -> None:
    finding = replace(A_FINDING, **changed)  # type: ignore[arg-type]

    assert of_finding((subject, "kind", "refund"), finding) == severity


def test_decisions_that_are_all_alike_stop_and_who_was_asked_only_warns() -> None:
    gone = replace(A_FINDING, observed=0, surprise=6.0)

    assert of_finding(("consents", "advertising", "denied"), gone) == "stop"
    assert of_finding(("consents", "newcomers in DE", "asked"), gone) == "warn"
    assert of_finding(("identity", "events of a person", "from 16"), gone) == "warn"
    assert of_finding(("payments", "currency", "EUR"), gone) == "warn"


def test_the_surprise_of_a_small_part_is_that_of_exact_chance() -> None:
    part, whole = np.array([0.0, 23.0, 5.0]), np.array([80.0, 42.0, 5_000.0])
    share = np.array([0.26, 0.13, 0.001])
    variance = whole * share * (1 - share)

    told = chances.of_parts(part, whole, whole * share, variance)

    assert told[0] == pytest.approx(-binom.logcdf(0, 80, 0.26) / np.log(10), rel=1e-4)
    assert told[1] == pytest.approx(-binom.logsf(22, 42, 0.13) / np.log(10), rel=1e-4)
    assert told[2] < 1


def test_a_past_that_changed_widely_stops() -> None:
    assert of_change(Changed("fct_sessions", "channel", 31, 31)) == "stop"
    assert of_change(Changed("fct_sessions", "channel", 2, 31)) == "warn"


def test_distances_are_none_of_likes_and_one_of_strangers() -> None:
    one, other = pd.Series([1.0, 2.0, 3.0]), pd.Series([7.0, 8.0])
    words, others = pd.Series({"a": 2, "b": 2}), pd.Series({"c": 5})

    assert kolmogorov_smirnov(one, one) == 0
    assert kolmogorov_smirnov(one, other) == 1
    assert jensen_shannon(words, words * 3) == 0
    assert jensen_shannon(words, others) == pytest.approx(1)
    assert jensen_shannon(words, pd.Series({"a": 4})) == pytest.approx(0.3112781)
