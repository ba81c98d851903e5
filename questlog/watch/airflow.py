"""How Airflow's own processes are, as its API says to whoever asks."""

from typing import Any, Final

_PATIENCE_S: Final = 3
_API: Final = "api"


def health(address: str) -> dict[str, bool]:
    """Whether each of its processes is well; the API alone where it does not answer.

    Processes that an installation does not run are left out.
    """
    import requests

    try:
        answer = requests.get(f"{address}/api/v2/monitor/health", timeout=_PATIENCE_S)
        told: dict[str, dict[str, Any]] = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError):
        told = {}
    if not told:
        return {_API: False}
    known = {
        part: one["status"] == "healthy"
        for part, one in told.items()
        if one.get("status") is not None
    }
    return {_API: True} | known
