"""Layers of the dbt project as task groups, one task a model with its tests."""

import os
from pathlib import Path

from cosmos import (
    DbtTaskGroup,
    ExecutionConfig,
    ProfileConfig,
    ProjectConfig,
    RenderConfig,
)
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior

from warehouse.errors import TransformationFailed
from warehouse.home import Home
from warehouse.settings import load
from warehouse.transformation import LAYERS, PROJECT, WHICH_TESTS


def layer(name: str) -> DbtTaskGroup:
    """The models of one of the project's layers, in their order, tests included.

    Raises TransformationFailed while the project was never parsed.
    """
    return DbtTaskGroup(
        group_id=name,
        project_config=ProjectConfig(
            dbt_project_path=PROJECT,
            manifest_path=_manifest(),
            install_dbt_deps=False,
        ),
        profile_config=ProfileConfig(
            profile_name="questlog",
            target_name="warehouse",
            profiles_yml_filepath=PROJECT / "profiles.yml",
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.LOCAL,
            invocation_mode=InvocationMode.DBT_RUNNER,
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            test_behavior=TestBehavior.BUILD,
            select=list(LAYERS[name]),
            emit_datasets=False,
        ),
        operator_args={"dbt_cmd_flags": list(WHICH_TESTS)},
    )


def _manifest() -> Path:
    manifest = Home(load(os.environ).home.resolve()).dbt_target / "manifest.json"
    if not manifest.exists():
        raise TransformationFailed(
            f"{manifest} is missing, so the models are not known;"
            " make it with `questlog dbt parse`."
        )
    return manifest
