"""A generated file in the tree is what its generator makes today."""

import subprocess
import sys

from warehouse.generators import from_everything, stale
from warehouse.settings import REPOSITORY
from warehouse.taxonomy import load


def test_no_generated_file_is_stale() -> None:
    found = stale(from_everything(load()))

    assert found == [], "run `questlog generate` and commit"


def test_the_taxonomy_and_its_generators_are_light_to_import() -> None:
    heavy = ("airflow", "chdb", "clickhouse_connect", "dbt", "numpy", "pandas")
    light = "warehouse.taxonomy, warehouse.taxonomy.advice, warehouse.generators"
    code = f"import sys, {light}; print(*set({heavy}) & set(sys.modules))"

    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert out.strip() == ""
