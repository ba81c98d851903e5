"""The logs of an installation: one for each worker of its ingest service."""

from pathlib import Path
from typing import Final

_FOLDER: Final = "worker-"


def log_folder(log: Path, worker: int) -> Path:
    """The log that a worker writes; that of worker 0 is the folder itself."""
    return log if worker == 0 else log / f"{_FOLDER}{worker}"


def logs(log: Path) -> dict[int, Path]:
    """Every log that lies in a folder by its worker, who may be gone; 0 always.

    One that we may not look into is among them: who opens it hears of it.
    """
    numbers = (
        folder.name.removeprefix(_FOLDER)
        for folder in log.glob(f"{_FOLDER}*")
        if _is_log(folder)
    )
    others = sorted(int(number) for number in numbers if number.isdecimal())
    return {worker: log_folder(log, worker) for worker in (0, *others)}


def _is_log(folder: Path) -> bool:
    try:
        return (folder / "identity").exists()
    except PermissionError:
        return True
