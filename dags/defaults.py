"""What every task of every DAG shares: when to try again, and how writers queue."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowSkipException

from dags.credentials import give_credentials
from dags.telling import tell_failure, tell_success
from warehouse.errors import NotEnoughData

AS_OF = "{{ ds }}"

WRITERS = "warehouse_writers"
"""Pool of one slot: whoever writes to the warehouse waits for it."""

CALLERS = "destination_calls"
"""Pool of two slots: pushes share the rate limits of their destinations."""

TASKS = {
    "pool": WRITERS,
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    "pre_execute": give_credentials,
    "on_failure_callback": tell_failure,
    "on_success_callback": tell_success,
    # a closed gate or bad data stays so: only what was away may come back
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule("warehouse.errors.Unavailable", action=RetryAction.RETRY),
            RetryRule("warehouse.errors.QuestlogError", action=RetryAction.FAIL),
        ]
    ),
}


@contextlib.contextmanager
def skipped_where_data_lack() -> Iterator[None]:
    """Skip a task, with the reason, where there is too little to learn from.

    A young warehouse is no failure: nobody should be paged for it.
    """
    try:
        yield
    except NotEnoughData as why:
        raise AirflowSkipException(str(why)) from why
