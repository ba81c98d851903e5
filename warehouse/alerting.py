"""Tell Alertmanager of what went wrong, and that it is well again.

For what is no figure: a task of Airflow that failed, a run past its deadline. It goes
the way of every other alert, so that silences and receivers hold for both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from warehouse.errors import Unavailable

_PATIENCE_S = 10
# nobody repeats it, as Prometheus does with its own: it stands for a day, or until
# the task succeeds
_STANDS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: `labels` say which it is, the rest what a person reads."""

    name: str
    severity: str
    labels: Mapping[str, str]
    summary: str
    runbook: str


def raise_alert(address: str, alert: Alert, *, now: datetime) -> None:
    """Tell Alertmanager. Raises Unavailable when it does not take the alert."""
    _post(address, alert, begins=now, ends=now + _STANDS)


def resolve(address: str, alert: Alert, *, now: datetime) -> None:
    """Say that it is over; nothing happens where it was never raised."""
    _post(address, alert, begins=now - _STANDS, ends=now)


def _post(address: str, alert: Alert, *, begins: datetime, ends: datetime) -> None:
    import requests

    told = {
        "labels": {
            "alertname": alert.name,
            "severity": alert.severity,
            **alert.labels,
        },
        "annotations": {"summary": alert.summary, "runbook": alert.runbook},
        "startsAt": begins.isoformat(),
        "endsAt": ends.isoformat(),
    }
    url = f"{address.rstrip('/')}/api/v2/alerts"
    try:
        answer = requests.post(url, json=[told], timeout=_PATIENCE_S)
    except requests.RequestException as error:
        raise Unavailable(f"No Alertmanager answers at {address}.") from error
    if not answer.ok:
        raise Unavailable(
            f"Alertmanager at {address} answered {answer.status_code} to"
            f" {alert.name}: {answer.text[:200]}"
        )
