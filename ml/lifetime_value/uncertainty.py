"""How far off an expected value is as the parameters of its model are."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ml.lifetime_value.customers import Customers
from ml.lifetime_value.estimators import BuyingModel, Fitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_STEP = 1e-3


def standard_errors(
    fitted: Fitted, customers: Customers, weeks: float
) -> "Numbers | None":
    """How far off each value is as the parameters are: the delta method, minor units.

    Of the model of how often alone, in its settled parameters; None where there are
    none. One customer's own luck is not in it: that is the interval's.
    """
    if not isinstance(fitted, BuyingModel):
        return None
    fit = fitted.fits[fitted.name]
    spread = np.array(fit["covariance_of_logs"], dtype=np.float64)
    settled = np.flatnonzero(np.isfinite(np.diag(spread)))
    if not len(settled):
        return None
    slopes = np.stack(
        [_slope(fitted, customers, weeks, fit["names"][at]) for at in settled]
    )
    within = spread[np.ix_(settled, settled)]
    variance = np.einsum("in,ij,jn->n", slopes, within, slopes)
    errors: Numbers = np.sqrt(np.maximum(variance, 0.0))
    return errors


def _slope(
    fitted: BuyingModel, customers: Customers, weeks: float, name: str
) -> "Numbers":
    """How the value moves with the logarithm of one parameter."""
    parameters = fitted.fits[fitted.name]["parameters"]
    sides = []
    for step in (_STEP, -_STEP):
        moved = {**parameters, name: parameters[name] * np.exp(step)}
        model = replace(fitted, buying=type(fitted.buying).read(moved))
        sides.append(model.expect(customers, weeks).value)
    slope: Numbers = (sides[0] - sides[1]) / (2 * _STEP)
    return slope
