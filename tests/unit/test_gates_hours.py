"""Hours of a day beside the same hours of the weeks before: clean ones are quiet."""

from collections import defaultdict
from datetime import timedelta

import numpy as np
import pytest

from bench._fault_worlds import END, month
from bench._faults import moment, name_of, system_of
from expectations.hourly import Stretch, unusual_hours

DAYS, TODAY = 84, 83
EVENING = np.array([*[2] * 8, *[4] * 6, 5, 6, 8, 11, 14, 16, 14, 11, 7, 4], float)
PEAK = int(EVENING.argmax())
WEEK = np.array([1.0, 0.9, 0.9, 1.0, 1.3, 1.6, 1.4])
ALL, ROLLED, IOS = 0, 1, 2


def a_world(seed: int, *, people: float = 20.0, mood: float = 0.1) -> np.ndarray:
    """Three series of hours with a season, growth, and moods of days and of hours."""
    chance = np.random.default_rng(seed)
    days = WEEK[np.arange(DAYS) % 7] * np.linspace(1, 1.4, DAYS)
    days = days * chance.lognormal(0, mood / 2, DAYS)
    hours = chance.lognormal(0, mood, (3, DAYS, 24))
    sizes = np.array([1.0, 0.7, 0.25])[:, None, None]
    expected = people * sizes * days[:, None] * EVENING / 10 * hours
    return np.asarray(chance.poisson(expected), float)


def told(counts: np.ndarray, day: int = TODAY) -> list[Stretch]:
    return list(unusual_hours(counts, day))


def hours_of(seed: int) -> np.ndarray:
    """People by hour in a simulated month: of all, of each event, of each platform."""
    clean = month(people=1_000, days=DAYS, seed=seed)
    first = END - timedelta(days=DAYS)
    there: dict[tuple[str, int, int], set[object]] = defaultdict(set)
    for event in (*clean.before, *clean.tail):
        at = moment(event["received_at"])
        who = event.get("user_id") or event.get("anonymous_id")
        for series in ("all", name_of(event), f"os {system_of(event)}"):
            there[series, (at.date() - first).days, at.hour].add(str(who))
    names = sorted({series for series, _, _ in there})
    counts = np.zeros((len(names), DAYS, 24))
    for (series, day, hour), people in there.items():
        counts[names.index(series), day, hour] = len(people)
    return counts


def test_three_clean_months_of_simulated_worlds_have_no_false_alarm() -> None:
    alarms = [
        (seed, day, stretch)
        for seed in (301, 302, 303)
        for counts in (hours_of(seed),)
        for day in range(DAYS - 30, DAYS)
        for stretch in told(counts, day)
    ]

    assert alarms == []


@pytest.mark.parametrize("people", [20.0, 2_000.0])
def test_ten_clean_months_have_one_false_alarm_at_most(people: float) -> None:
    alarms = sum(
        len(told(counts, day))
        for seed in range(10)
        for counts in (a_world(seed, people=people),)
        for day in range(DAYS - 30, DAYS)
    )

    assert alarms <= 1


@pytest.mark.parametrize("series", [ALL, ROLLED])
def test_an_outage_of_the_busiest_hour_is_told_with_what_was_expected(
    series: int,
) -> None:
    counts = a_world(1)
    counts[series, TODAY, PEAK] = 0

    (found,) = told(counts)

    assert (found.finding.row, found.first, found.last) == (series, PEAK, PEAK)
    assert found.finding.observed == 0 < found.finding.low < found.finding.expected


def test_a_platform_that_is_silent_for_some_hours_is_told_by_all_of_them() -> None:
    counts = a_world(2, people=8.0)
    counts[IOS, TODAY, PEAK - 3 : PEAK + 3] = 0

    (found,) = told(counts)

    assert (found.finding.row, found.first, found.last) == (IOS, PEAK - 3, PEAK + 2)


def test_a_rush_of_an_hour_is_told() -> None:
    counts = a_world(3)
    counts[ROLLED, TODAY, 3] *= 12

    (found,) = told(counts)

    assert (found.finding.row, found.first) == (ROLLED, 3)
    assert found.finding.observed > found.finding.high


def test_clocks_that_change_move_all_habits_by_an_hour_and_surprise_nobody() -> None:
    for seed in range(5):
        counts = a_world(seed, people=2_000.0)
        for day in range(DAYS - 3, DAYS):
            for hours in (-1, 1):
                moved = counts.copy()
                moved[:, day] = np.roll(counts[:, day], hours, axis=1)

                assert told(moved, day) == []


def test_an_outage_and_a_holiday_among_the_weeks_before_hide_and_invent_nothing() -> (
    None
):
    counts = a_world(4)
    counts[:, TODAY - 7, PEAK] = 0
    counts[:, TODAY - 21] *= 3
    quiet = told(counts)
    counts[ALL, TODAY, PEAK] = 0

    assert quiet == []
    assert [found.finding.row for found in told(counts)] == [ALL]


def test_a_series_that_began_lately_and_a_young_warehouse_are_not_judged() -> None:
    counts = a_world(5)
    counts[ROLLED, : TODAY - 20] = 0
    counts[:, TODAY, PEAK] = 0

    assert {found.finding.row for found in told(counts)} == {ALL}
    assert told(counts[:, -28:], 27) == []
