"""Churn by LightGBM: few leaves, and monotone where sense says so."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ml.churn.features import Design

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

TREES, DESIGN = "lightgbm.txt", "design.json"
PARAMETERS: Mapping[str, Any] = {
    "objective": "binary",
    "num_iterations": 200,
    "num_leaves": 7,
    "learning_rate": 0.04,
    "min_data_in_leaf": 40,
    "lambda_l2": 5.0,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "monotone_constraints_method": "intermediate",
    "seed": 20260301,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

_MOST_THREADS = 2
_ROWS_WORTH_A_THREAD = 50_000


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Trees in LightGBM's text format over the columns of a design."""

    design: Design
    trees: str

    @classmethod
    def fit(
        cls,
        people: "pd.DataFrame",
        churned: "Numbers",
        learn: "Callable[[pd.DataFrame], Design]" = Design.learn,
    ) -> Self:
        """Grow a fixed number of small trees; the same rows give the same trees."""
        import lightgbm

        design = learn(people)
        parameters = dict(PARAMETERS)
        rounds = parameters.pop("num_iterations")
        data = lightgbm.Dataset(design.numbers(people), label=churned)
        booster = lightgbm.train(
            {
                **parameters,
                "monotone_constraints": design.monotone,
                "num_threads": _threads(len(people)),
            },
            data,
            num_boost_round=rounds,
        )
        return cls(design, booster.model_to_string())

    def probabilities(self, people: "pd.DataFrame") -> "Numbers":
        """Chance of churn of each person, in (0, 1)."""
        import lightgbm
        import numpy as np

        booster = lightgbm.Booster(model_str=self.trees)
        numbers = self.design.numbers(people)
        found = booster.predict(numbers, num_threads=_threads(len(people)))
        return np.asarray(found, np.float64)

    def contributions(
        self, people: "pd.DataFrame"
    ) -> "dict[str, tuple[Numbers, Numbers]]":
        """By column: each person's value, and its SHAP value in log-odds."""
        import lightgbm
        import numpy as np

        booster = lightgbm.Booster(model_str=self.trees)
        numbers = self.design.numbers(people)
        found = booster.predict(
            numbers, num_threads=_threads(len(people)), pred_contrib=True
        )
        # the last column is what the trees say of everybody
        added = np.asarray(found, np.float64).T[:-1]
        columns = zip(self.design.names, numbers.T, added, strict=True)
        return {name: (values, each) for name, values, each in columns}

    def files(self) -> dict[str, str]:
        """The model as text by file name."""
        said = {"design": self.design.as_json(), "names": self.design.names}
        return {TREES: self.trees, DESIGN: json.dumps(said, indent=1)}

    @classmethod
    def read(cls, files: Mapping[str, str]) -> Self:
        """The model that `files` wrote."""
        said = json.loads(files[DESIGN])
        return cls(Design.read(said), files[TREES])


def _threads(rows: int) -> int:
    """How many threads so many rows are worth: on few, threads wait for each other."""
    return min(1 + rows // _ROWS_WORTH_A_THREAD, _MOST_THREADS)
