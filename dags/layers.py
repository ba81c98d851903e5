"""Layers of the dbt project, one task each: its models in their order, then tests.

One task a layer, not one a model: a task costs seconds of start-up (dbt, Airflow)
and one writer at a time may run, so that 25 of them took minutes where two take
half a minute. The log of the task names each model; a failure names its node.
"""

import os
from typing import Any

from airflow.sdk import Context
from cosmos import ProfileConfig
from cosmos.constants import InvocationMode
from cosmos.operators.local import DbtBuildLocalOperator

from warehouse.transformation import LAYERS, PROJECT, WHICH_TESTS


class BuildLayer(DbtBuildLocalOperator):  # type: ignore[misc]  # it has no types
    """A build that waits for its turn, also for what is built by hand."""

    def execute(self, context: Context, **kwargs: Any) -> None:
        """Build, or leave it to a later try while another process builds."""
        from warehouse.home import Home
        from warehouse.one_build import only_build
        from warehouse.settings import load

        with only_build(Home(load(os.environ).home.resolve())):
            super().execute(context, **kwargs)


def layer(name: str) -> BuildLayer:
    """Build one of the project's layers aside, and test its grain."""
    return BuildLayer(
        task_id=f"build_{name}",
        project_dir=str(PROJECT),
        profile_config=ProfileConfig(
            profile_name="questlog",
            target_name="warehouse",
            profiles_yml_filepath=PROJECT / "profiles.yml",
        ),
        invocation_mode=InvocationMode.DBT_RUNNER,
        select=" ".join(LAYERS[name]),
        install_deps=False,
        emit_datasets=False,
        dbt_cmd_flags=list(WHICH_TESTS[name]),
    )
