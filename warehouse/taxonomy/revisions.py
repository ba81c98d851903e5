"""The taxonomy as it was: at a revision of git, or in another folder."""

import io
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from warehouse.errors import BadInput
from warehouse.settings import REPOSITORY
from warehouse.taxonomy import load
from warehouse.taxonomy.values import Taxonomy


@dataclass(frozen=True, slots=True)
class Released:
    """A taxonomy and the day it was written; None where nothing says which."""

    taxonomy: Taxonomy
    on: date | None


def released(revision: str, repository: Path = REPOSITORY) -> Released:
    """The taxonomy of a folder, or of `taxonomy/` at a revision of git.

    Raises BadInput when it is neither, BadTaxonomy when it has faults.
    """
    folder = Path(revision)
    if (folder / "events").is_dir():
        return Released(load(folder), None)
    return _at(revision, repository)


def _at(revision: str, repository: Path) -> Released:
    named = f"{revision}^{{commit}}"
    commit = _git(repository, "rev-parse", "--verify", "--end-of-options", named)
    if commit is None:
        raise BadInput(
            f"{revision!r} is neither a folder with events/ nor a revision of git in"
            f" {repository}; name a tag, a branch or a commit, such as main or HEAD~1."
        )
    known = commit.decode().strip()
    archive = _git(repository, "archive", "--format=tar", known, "taxonomy")
    day = _git(repository, "show", "-s", "--format=%cs", known)
    if archive is None or day is None:
        raise BadInput(f"There is no folder taxonomy/ at {revision!r}; name another.")
    with tempfile.TemporaryDirectory(prefix="questlog-taxonomy-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(folder, filter="data")
        taxonomy = load(Path(folder) / "taxonomy")
    return Released(taxonomy, date.fromisoformat(day.decode().strip()))


def _git(repository: Path, *words: str) -> bytes | None:
    """What git prints; None when it says no. Raises BadInput when it is missing."""
    try:
        done = subprocess.run(  # noqa: S603  words of ours, and a checked revision
            ["git", "-C", str(repository), *words],  # noqa: S607  the user's own git
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise BadInput("git is not installed; compare with a folder.") from error
    return done.stdout if done.returncode == 0 else None
