"""What every task of every DAG shares: when to try again, and how writers queue."""

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

AS_OF = "{{ ds }}"

WRITERS = "warehouse_writers"
"""Pool of one slot: whoever writes to the warehouse waits for it."""

TASKS = {
    "pool": WRITERS,
    "retries": 2,
    "retry_delay": timedelta(minutes=1),
    # a closed gate or bad data stays so: only what was away may come back
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule("warehouse.errors.Unavailable", action=RetryAction.RETRY),
            RetryRule("warehouse.errors.QuestlogError", action=RetryAction.FAIL),
        ]
    ),
}
