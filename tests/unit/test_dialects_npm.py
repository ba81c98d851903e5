"""The trackers that people have from npm, pointed at a real door."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.tracker_door import a_door, served
from warehouse.settings import REPOSITORY

CLIENTS = REPOSITORY / "tests" / "npm"
INSTALLED = CLIENTS / "node_modules" / ".package-lock.json"


@pytest.mark.skipif(
    shutil.which("node") is None or not INSTALLED.exists(),
    reason="no trackers from npm: `make test` installs them where npm is",
)
def test_segments_and_snowplows_trackers_from_npm_arrive(tmp_path: Path) -> None:
    with a_door(tmp_path, real_time=True) as door, served(door) as port:
        done = subprocess.run(
            ["node", "track.mjs", str(port), door.key],
            cwd=CLIENTS,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        rows, refused = door.accepted(), door.refused()

    assert (done.returncode, done.stderr) == (0, "")
    assert refused == []
    assert [(row["event_name"], row["tags"]) for row in rows] == [
        ("person_identified", []),
        ("payment_completed", []),
        ("page_viewed", []),
        ("feature_used", []),
    ]
    identified, paid, viewed, used = rows
    assert identified["anonymous_id"] == "device_1"
    assert paid["properties"]["amount_cents"] == 1999
    assert paid["context"]["tracker"].startswith("@segment/analytics-node/")
    assert viewed["context"]["tracker"].startswith("node-")
    assert used["context"]["as_sent"]["aid"] == "games"
