"""Read a table of customers with a column that says who left."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from warehouse.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_SAID_YES = frozenset({"1", "1.0", "yes", "true", "y", "t"})
_SAID_NO = frozenset({"0", "0.0", "no", "false", "n", "f"})
_MOST_LEVELS = 30


def yes_or_no(said: "pd.Series[str]", where: str) -> "Numbers":
    """1 for yes, true and 1, 0 for no, false and 0. Raises BadInput for others."""
    told = said.astype(str).str.strip().str.lower()
    if not told.isin(_SAID_YES | _SAID_NO).all():
        raise BadInput(f"{where} holds something else than yes and no, or 1 and 0.")
    return np.asarray(told.isin(_SAID_YES), np.float64)


def read(path: Path, target: str) -> "tuple[pd.DataFrame, Numbers]":
    """Features of a CSV's rows as numbers, and who left, from the column `target`.

    A column of as many texts as rows is an id and is left out; other texts become one
    column of 0 and 1 a level. A folder stands for the one CSV in it. Raises BadInput
    when the file or the column is absent.
    """
    import pandas as pd

    if path.is_dir():
        found = sorted(path.glob("*.csv"))
        if len(found) != 1:
            raise BadInput(f"{path} holds {len(found)} CSV files. Name one of them.")
        path = found[0]
    if not path.is_file():
        raise BadInput(f"There is no {path}. Name a CSV of customers.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if target not in table.columns:
        raise BadInput(
            f"{path} has no column {target!r}; there are: {', '.join(table.columns)}."
            " Name the one that says who left with --target."
        )
    left = yes_or_no(table[target], f"{path}: column {target!r}")
    columns: dict[str, Numbers] = {}
    for name in table.columns.drop(target):
        texts = table[name].str.strip()
        numbers = pd.to_numeric(texts, errors="coerce")
        if numbers[texts != ""].notna().all():
            columns[str(name)] = numbers.to_numpy(np.float64)
        elif texts.nunique() <= _MOST_LEVELS:
            levels = sorted(texts.unique())
            columns |= {
                f"{name} is {level}": (texts == level).to_numpy(np.float64)
                for level in levels
            }
    return pd.DataFrame(columns), left
