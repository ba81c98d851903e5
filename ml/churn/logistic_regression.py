"""Churn by logistic regression on logarithms of counts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ml.churn.features import Design

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FILE = "logistic_regression.json"
PARAMETERS: Mapping[str, Any] = {
    "C": 0.1,
    "max_iter": 200,
    "solver": "newton-cholesky",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticRegression:
    """Coefficients over imputed, log-scaled and standardised columns."""

    design: Design
    median: "Numbers"
    mean: "Numbers"
    scale: "Numbers"
    coefficient: "Numbers"
    intercept: float

    @classmethod
    def fit(
        cls,
        people: "pd.DataFrame",
        churned: "Numbers",
        learn: "Callable[[pd.DataFrame], Design]" = Design.learn,
    ) -> Self:
        """Fit sklearn's pipeline and keep its numbers alone."""
        design = learn(people)
        fitted = pipeline().fit(design.numbers(people), churned)
        imputer, _, scaler, regression = (step for _, step in fitted.steps)
        return cls(
            design=design,
            median=imputer.statistics_,
            mean=scaler.mean_,
            scale=scaler.scale_,
            coefficient=regression.coef_[0],
            intercept=float(regression.intercept_[0]),
        )

    def probabilities(self, people: "pd.DataFrame") -> "Numbers":
        """Chance of churn of each person, in (0, 1)."""
        from scipy.special import expit

        scaled = self._scaled(people)
        probability: Numbers = expit(scaled @ self.coefficient + self.intercept)
        return probability

    def contributions(
        self, people: "pd.DataFrame"
    ) -> "dict[str, tuple[Numbers, Numbers]]":
        """By column: each value, and what it adds beside the mean person's."""
        scaled = self._scaled(people)
        columns = zip(
            self.design.names, scaled.T, (scaled * self.coefficient).T, strict=True
        )
        return {name: (values, added) for name, values, added in columns}

    def _scaled(self, people: "pd.DataFrame") -> "Numbers":
        numbers = self.design.numbers(people)
        filled = np.where(np.isnan(numbers), self.median, numbers)
        scaled: Numbers = (signed_log(filled) - self.mean) / self.scale
        return scaled

    def files(self) -> dict[str, str]:
        """The model as text by file name."""
        said = {
            "design": self.design.as_json(),
            "names": self.design.names,
            "median": self.median.tolist(),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "coefficient": self.coefficient.tolist(),
            "intercept": self.intercept,
        }
        return {FILE: json.dumps(said, indent=1)}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The model that `files` wrote."""
        said = json.loads(files[FILE])
        return cls(
            design=Design.read(said),
            median=np.array(said["median"]),
            mean=np.array(said["mean"]),
            scale=np.array(said["scale"]),
            coefficient=np.array(said["coefficient"]),
            intercept=said["intercept"],
        )


def signed_log(numbers: "Numbers") -> "Numbers":
    """Logarithms that keep zero at zero and the sign of what was negative."""
    logs: Numbers = np.sign(numbers) * np.log1p(np.abs(numbers))
    return logs


def pipeline() -> Any:
    """The sklearn pipeline whose numbers `LogisticRegression` keeps."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression as Regression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        FunctionTransformer(signed_log),
        StandardScaler(),
        Regression(**PARAMETERS),
    )
