"""Which days a model learns from, and the later one it is judged on."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.spine import HORIZON_DAYS, Split, day, latest, own_days, split
from warehouse.errors import BadInput, NotEnoughData

AS_OF = date(2026, 6, 1)


def back(steps: int) -> date:
    return AS_OF - steps * timedelta(days=HORIZON_DAYS)


def test_the_latest_complete_day_is_judged_and_the_earlier_ones_train() -> None:
    found = split([back(1), back(3), back(2)], AS_OF)

    assert (found.training, found.judged) == ((back(3), back(2)), back(1))
    assert found.complete == (back(3), back(2), back(1))


def test_days_whose_outcomes_reach_past_as_of_do_not_count() -> None:
    known = [back(1), back(2), AS_OF, back(-1)]

    found = split(known, AS_OF)

    assert found.complete == (back(2), back(1))


def test_days_left_by_a_run_of_another_date_do_not_count() -> None:
    other = [back(1) - timedelta(days=1), back(2) + timedelta(days=3)]

    assert own_days([back(2), *other, back(1)], AS_OF) == [back(2), back(1)]


def test_one_complete_day_is_not_enough_and_is_named() -> None:
    with pytest.raises(NotEnoughData, match=str(back(1))):
        split([back(1)], AS_OF)


def test_no_complete_day_is_not_enough() -> None:
    with pytest.raises(NotEnoughData, match="none"):
        split([], AS_OF)
    with pytest.raises(NotEnoughData, match="complete outcomes"):
        latest([AS_OF], AS_OF)


def test_a_split_that_leaks_into_the_judged_day_is_caught() -> None:
    with pytest.raises(AssertionError, match="reach into"):
        Split(
            as_of=AS_OF,
            judged=back(1),
            training=(back(2), back(2) + timedelta(days=1)),
            horizon_days=HORIZON_DAYS,
        )


def test_a_split_judged_on_what_is_not_over_is_caught() -> None:
    with pytest.raises(AssertionError, match="end after"):
        Split(
            as_of=AS_OF,
            judged=back(1) + timedelta(days=1),
            training=(back(3),),
            horizon_days=HORIZON_DAYS,
        )


@given(st.sets(st.integers(-60, 400), max_size=40))
def test_no_outcome_window_ever_crosses_a_border(ages: set[int]) -> None:
    days = [AS_OF - timedelta(days=age) for age in ages]

    try:
        found = split(days, AS_OF)
    except NotEnoughData:
        return

    horizon = timedelta(days=HORIZON_DAYS)
    assert all(one + horizon <= found.judged for one in found.training)
    assert found.judged + horizon <= AS_OF


def test_a_date_that_is_none_is_named() -> None:
    with pytest.raises(BadInput, match="yesterday"):
        day("yesterday")
