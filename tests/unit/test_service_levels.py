"""The limits of freshness and latency, read from their file."""

from pathlib import Path

import pytest

from warehouse.errors import BadSetting
from warehouse.service_levels import service_levels

GOOD = """
sources: {raw.events: {warn_after_hours: 6, error_after_hours: 24}}
published: {marts: {within_hours: 3, tables: {fct_payments: {within_hours: 2}}}}
scores: {churn: {within_hours: 192}}
latency: {receipt: {p95_minutes: 90}}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "service_levels.yml"
    file.write_text(text)
    return file


def test_a_table_has_its_own_limit_or_that_of_its_database(tmp_path: Path) -> None:
    levels = service_levels(written(tmp_path, GOOD))

    assert levels.published_within("marts.fct_payments") == 2 * 3600
    assert levels.published_within("marts.dim_people") == 3 * 3600
    assert levels.published_within("features.feat_people") is None
    assert levels.latency_p95 == {"receipt": 90 * 60}


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("warn_after_hours: 6", "warn_after_hours: 36", "the first is to be the short"),
        ("p95_minutes: 90", "p95_minutes: 0", "latency.receipt.p95_minutes is 0"),
        ("p95_minutes: 90", "p99_minutes: 90", "expected p95_minutes"),
        ("within_hours: 192", "within_hours: soon", "scores.churn.within_hours"),
        ("within_hours: 2}}", "hours: 2}}", "published.marts.tables.fct_payments has"),
        ("scores:", "scorse:", "the file has latency, published, scorse, sources"),
    ],
)
def test_a_limit_that_cannot_be_read_is_named(
    tmp_path: Path, good: str, bad: str, said: str
) -> None:
    file = written(tmp_path, GOOD.replace(good, bad))

    with pytest.raises(BadSetting, match=said):
        service_levels(file)


def test_the_shipped_limits_can_be_read() -> None:
    levels = service_levels()

    assert set(levels.sources) == {"raw.events"}
    assert levels.latency_p95["receipt"] <= levels.latency_p95["occurrence"]
