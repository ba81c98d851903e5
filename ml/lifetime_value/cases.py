"""Answer the case kind `clv`, also within `rfm_clv`, from a table of purchases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.lifetime_value import gamma_gamma
from ml.lifetime_value.customers import DAYS_A_WEEK, Customers
from ml.lifetime_value.estimators import FALLBACK, MODELS, RULE, RateRule
from ml.lifetime_value.futures import Buying, interval
from ml.lifetime_value.history import History
from ml.lifetime_value.likelihood import Maximum, in_unit
from warehouse.errors import BadInput, NotEnoughData

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_UNITS_A_WEEK: Mapping[str, float] = {
    "week": 1.0,
    "day": DAYS_A_WEEK,
    "month": DAYS_A_WEEK / 30.4375,
}
_ALSO: Mapping[str, str] = {
    "weekly": "week",
    "daily": "day",
    "monthly": "month",
    "w": "week",
    "d": "day",
    "m": "month",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """Customers as known at the end of calibration, and what they did afterwards.

    `repeat_value` is the mean amount of the repeats, nan where there was none.
    """

    people: list[str]
    history: History
    repeat_value: "Numbers"
    bought: "Numbers"
    spent: "Numbers"
    weeks: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    model: Buying
    how: Maximum
    expected: "Numbers"


def answer(
    purchases: "pd.DataFrame",
    *,
    calibration_end: date,
    holdout_end: date,
    time_unit: str = "week",
) -> dict[str, Any]:
    """Fit every model on the calibration period and measure it on the holdout.

    `purchases` has one row a purchase: customer (text), day (a date) and amount. The
    answer is in the shape of cases/README.md, its parameters in `time_unit`, whose
    first word counts: day, week or month. Where nobody bought twice the rule alone
    answers; where no repeat was worth anything, nothing is said of money. Raises
    BadInput when the holdout ends too early or the unit is another, NotEnoughData when
    nobody bought.
    """
    import pandas as pd

    units_a_week = _units_a_week(time_unit)
    dated = purchases.assign(day=pd.to_datetime(purchases["day"]))
    split = _split(dated, calibration_end, holdout_end)
    repeated = bool((split.history.frequency > 0).any())
    fits = {name: _fit(model, split) for name, model in MODELS.items() if repeated}
    worth = _worth(split)
    hows = {name: fit.how for name, fit in fits.items()}
    told = {
        name: in_unit(how, units_a_week, split.history) for name, how in hows.items()
    }
    if worth:
        told["gamma_gamma"] = worth[1]
    rule = RateRule().expect(
        Customers(history=split.history, mean_value=np.ones(len(split.people))),
        split.weeks,
    )
    expectations = {
        **{name: fit.expected for name, fit in fits.items()},
        RULE: rule.purchases,
    }
    chosen, why = _choose(fits, split.bought)
    return {
        **_counts(split),
        "parameters": {
            name: {**how.parameters, "LL": how.log_likelihood}
            for name, how in told.items()
        },
        "standard_errors": {name: how.standard_errors for name, how in told.items()},
        "fits": {name: _told(how) for name, how in told.items()},
        "holdout": {
            name: _measured(split.bought, expected)
            for name, expected in expectations.items()
        },
        "holdout_value": _measured(split.spent, expectations[chosen] * worth[0])
        if worth
        else None,
        "interval": _interval(fits[chosen], split) if chosen in fits else None,
        "chosen": chosen,
        "chosen_because": why,
    }


def _units_a_week(time_unit: str) -> float:
    word = (time_unit.split() or [""])[0].strip("()/,").lower().removesuffix("s")
    word = _ALSO.get(word, word)
    if word not in _UNITS_A_WEEK:
        raise BadInput(
            f"time_unit is {time_unit!r}; its first word must be one of"
            f" {', '.join(_UNITS_A_WEEK)}."
        )
    return _UNITS_A_WEEK[word]


def _split(purchases: "pd.DataFrame", end: date, holdout_end: date) -> _Split:
    """Days of purchase, several purchases on one day told as one."""
    import pandas as pd

    until, last_day = pd.Timestamp(end), pd.Timestamp(holdout_end)
    if last_day <= until:
        raise BadInput(
            f"holdout_end {holdout_end} is not after calibration_end {end};"
            " give a later one."
        )
    days = purchases.groupby(["customer", "day"], as_index=False)["amount"].sum()
    people = days[days["day"] <= until].groupby("customer")["day"]
    first, last, repeats = people.min(), people.max(), people.size() - 1.0
    if repeats.empty:
        raise NotEnoughData(
            f"Nobody bought up to {end}: there is nobody to tell anything of. Choose"
            " a later calibration_end, or check purchase_event."
        )
    known = days["day"] <= until
    again = days[known & (days["day"] > days["customer"].map(first))]
    later = days[~known & (days["day"] <= last_day)].groupby("customer")["amount"]
    return _Split(
        people=[str(customer) for customer in first.index],
        history=History.of(
            repeats.to_numpy(np.float64),
            ((last - first).dt.days / DAYS_A_WEEK).to_numpy(np.float64),
            ((until - first).dt.days / DAYS_A_WEEK).to_numpy(np.float64),
        ),
        repeat_value=_of(again.groupby("customer")["amount"].mean(), first.index),
        bought=np.nan_to_num(_of(later.size(), first.index)),
        spent=np.nan_to_num(_of(later.sum(), first.index)),
        weeks=(last_day - until).days / DAYS_A_WEEK,
    )


def _of(values: "pd.Series[Any]", people: "pd.Index[Any]") -> "Numbers":
    """The values in the order of people; nan for those who have none."""
    return values.reindex(people).to_numpy(dtype=np.float64)


def _fit(model: type[Buying], split: _Split) -> _Fit:
    found, how = model.fit(split.history)
    expected = found.expected_purchases(split.history, split.weeks)
    return _Fit(model=found, how=how, expected=expected)


def _worth(split: _Split) -> "tuple[Numbers, Maximum] | None":
    """What a repeat of each customer is worth; None where none was worth anything."""
    value = np.nan_to_num(split.repeat_value)
    if not (value > 0).any():
        return None
    spending, how = gamma_gamma.fit(split.history.frequency, value)
    return spending.expected_value(split.history.frequency, value), how


def _choose(fits: Mapping[str, _Fit], bought: "Numbers") -> tuple[str, str]:
    """The smallest RMSE in the holdout among sound fits, and how far it is ahead.

    A model at a boundary is no candidate: what it says there, NBD says with fewer
    parameters. Where nobody bought again there are no fits, and the rule says 0.
    """
    if not fits:
        return RULE, (
            "The rate rule alone: nobody bought on a second day up to calibration_end,"
            " so how often they buy cannot be learned. Choose a later one."
        )
    squares = {
        name: (fit.expected - bought) ** 2
        for name, fit in fits.items()
        if fit.how.is_sound
    }
    unsound = [name for name in fits if name not in squares]
    fell = f" Not candidates, as their fits are unsound: {', '.join(unsound)}."
    told = fell if unsound else ""
    if not squares:
        return FALLBACK, f"No fit is sound; {FALLBACK} has the fewest parameters.{told}"
    best, *others = sorted(squares, key=lambda name: float(squares[name].mean()))
    if not others:
        return best, f"{best} is the only sound fit.{told}"
    gaps = squares[others[0]] - squares[best]
    error = float(gaps.std() / np.sqrt(len(gaps))) or 1.0
    return best, (
        f"{best} has the smallest squared error in the holdout,"
        f" {float(gaps.mean()) / error:.1f} standard errors below {others[0]}'s; chosen"
        f" on the holdout, its own figures there are a little flattering.{told}"
    )


def _counts(split: _Split) -> dict[str, int]:
    return {
        "customers": len(split.people),
        "repeat_customers_in_calibration": int((split.history.frequency > 0).sum()),
        "calibration_repeat_transactions": int(split.history.frequency.sum()),
        "holdout_transactions": int(split.bought.sum()),
    }


def _measured(actual: "Numbers", predicted: "Numbers") -> dict[str, float | None]:
    error = predicted - actual
    varied = np.ptp(actual) > 0 and np.ptp(predicted) > 0
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "corr": float(np.corrcoef(actual, predicted)[0, 1]) if varied else None,
        "sum_predicted": float(predicted.sum()),
        "sum_actual": float(actual.sum()),
    }


def _interval(fit: _Fit, split: _Split) -> dict[str, Any]:
    within = interval(fit.model, fit.how, split.history, split.weeks)
    return {
        "level": within.level,
        "total": list(within.total),
        "share_of_customers_inside": within.share_inside(split.bought),
    }


def _told(how: Maximum) -> dict[str, Any]:
    return {
        "converged": how.converged,
        "at_boundary": dict(how.at_boundary),
        "starts_agreeing": how.starts_agreeing,
        "notes": how.notes,
    }
