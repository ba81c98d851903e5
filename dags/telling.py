"""What Airflow tells Alertmanager of tasks that fail and runs past their deadline.

A task that succeeds takes back what was said of it. Without ALERTMANAGER_URL nobody is
told: the task's log and the UI say the same.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from warehouse.alerting import Alert, raise_alert, resolve
from warehouse.errors import GateClosed, QuestlogError, Unavailable
from warehouse.settings import load

_CLOSED, _FAILED, _LATE = "GateClosed", "TaskFailed", "DeadlineMissed"
_RUNBOOKS = {
    _CLOSED: "docs/runbooks/gate-closed.md",
    _FAILED: "docs/runbooks/dag-failed.md",
    _LATE: "docs/runbooks/dag-failed.md",
}


def tell_failure(context: Mapping[str, Any]) -> None:
    """Of a task whose tries are over: what it said, if that is fit for a person."""
    error = context.get("exception")
    name = _CLOSED if isinstance(error, GateClosed) else _FAILED
    # other messages may quote what the task had in hand
    ours = isinstance(error, QuestlogError)
    said = str(error) if ours else f"{type(error).__name__}: its log says more."
    if address := load(os.environ).alertmanager_url:
        raise_alert(address, _of_task(name, context, said), now=datetime.now(UTC))


def tell_success(context: Mapping[str, Any]) -> None:
    """Of a task that may have failed before: what was said of it is over.

    An Alertmanager that is away undoes no success: it forgets the alert in a day.
    """
    address = load(os.environ).alertmanager_url
    for name in (_CLOSED, _FAILED) if address else ():
        try:
            resolve(address, _of_task(name, context, ""), now=datetime.now(UTC))
        except Unavailable:
            return


def tell_late(dag: str) -> None:
    """Of a run that did not finish in time."""
    alert = Alert(
        name=_LATE,
        severity="page",
        labels={"dag": dag},
        summary=f"A run of the DAG {dag} is past its deadline.",
        runbook=_RUNBOOKS[_LATE],
    )
    if address := load(os.environ).alertmanager_url:
        raise_alert(address, alert, now=datetime.now(UTC))


def deadline(dag: str, within: timedelta) -> DeadlineAlert:
    """A run of this DAG is to be over so long after it was queued."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=within,
        callback=SyncCallback(tell_late, kwargs={"dag": dag}),
    )


def _of_task(name: str, context: Mapping[str, Any], said: str) -> Alert:
    task = context["ti"]
    # of mapped tasks which one: that another succeeds takes nothing back
    is_mapped = task.map_index >= 0
    which = {"of": task.rendered_map_index or str(task.map_index)} if is_mapped else {}
    named = " ".join([f"{task.dag_id}.{task.task_id}", *which.values()])
    return Alert(
        name=name,
        severity="page",
        labels={"dag": task.dag_id, "task": task.task_id} | which,
        summary=f"{named} failed: {said}",
        runbook=_RUNBOOKS[name],
    )
