"""What is told of a source that brings nothing."""

from typing import Any

from warehouse.freshness import what_is_stale


def a_source(**changed: Any) -> dict[str, Any]:
    return {
        "unique_id": "source.questlog.raw.events",
        "status": "error",
        "max_loaded_at": "2026-03-01T10:30:00.250000+00:00",
        "max_loaded_at_time_ago_in_s": 90_000.4,
        "criteria": {"error_after": {"count": 24, "period": "hour"}},
    } | changed


def test_a_stale_source_is_told_with_its_newest_rows_and_its_limit() -> None:
    told = what_is_stale([a_source()])

    assert "raw.events got its newest rows 25 hours ago" in told
    assert "at 2026-03-01 10:30 UTC; the limit is 24 hours" in told
    assert "docs/runbooks/loader-behind.md" in told


def test_a_source_that_is_only_late_is_not_stale() -> None:
    assert what_is_stale([a_source(status="warn"), a_source(status="pass")]) == ""
