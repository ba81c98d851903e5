"""The conversions DAG, run for real: who paid is told to both platforms, once."""

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from activation.standins.google import running as google_running
from activation.standins.serving import running as graph_running
from questlog.stack.airflow import prepare
from tests.dags.test_audiences_run import kept_by_airflow
from tests.dags.test_models_run import environ_of, run_dag
from tests.integration.test_conversions import AS_OF, NOW, House, make_marts
from warehouse.clickhouse import connect
from warehouse.migrations import migrate
from warehouse.settings import Settings
from warehouse.vault import Secret, open_vault


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_who_paid_is_told_once_to_each_platform_and_airflow_keeps_nobody(
    new_settings: Callable[[], Settings],
    run_endpoint: Callable[[Settings], AbstractContextManager[Any]],
) -> None:
    with graph_running() as graph, google_running() as (endpoint, google):
        settings = replace(new_settings(), lookalike_country="DE")
        with (
            run_endpoint(settings),
            connect(settings) as client,
            pytest.MonkeyPatch.context() as patched,
        ):
            migrate(client)
            make_marts(client)
            with open_vault(settings) as vault:
                vault.tokens([Secret("user:ann", "email", "ann@example.com", NOW)])
            client.insert("marts.dim_people", [["ann", "DE", True]])
            house = House(settings, client, graph, endpoint, google)
            house.pay("ann", "p1")
            prepare(settings, os.environ | environ_of(settings))
            unset, _ = run_dag("conversions", settings, AS_OF)
            for name, value in house.environ().items():
                patched.setenv(name, value)

            first, said = run_dag("conversions", settings, AS_OF)
            # cleared and run again, as whoever triages does
            again, said_again = run_dag("conversions", settings, AS_OF)

            told = house.at_meta()
            ledger = {(row["platform"], row["state"]) for row in house.ledger()}
    assert unset == {"tell": "skipped"}
    assert (first, again) == ({"tell": "success"}, {"tell": "success"}), said[-3000:]
    assert [one["custom_data"]["order_id"] for one in told] == ["p1"]
    assert house.at_google() == {"p1": 4.99}
    assert ledger == {("meta", "sent"), ("google", "sent")}
    digest = hashlib.sha256(b"ann@example.com").hexdigest()
    kept = kept_by_airflow(settings) + said + said_again
    assert [one for one in ("ann@example.com", digest) if one in kept] == []
