"""What the doctor makes of the figures."""

import pytest

from questlog.watch.figures import Figure
from questlog.watch.health import Finding, is_healthy, judged
from warehouse.service_levels import PublishedLimit, ServiceLevels, SourceLimit

HOUR = 3600.0
DAY = 24 * HOUR
NOW = 1000 * DAY

LEVELS = ServiceLevels(
    sources={"raw.events": SourceLimit(warn_after_s=6 * 3600, error_after_s=24 * 3600)},
    published={"marts": PublishedLimit(within_s=3 * 3600, tables={})},
    scores={"churn": int(8 * DAY)},
    latency_p95={"receipt": 5400},
)

WELL = {
    "gate_open": {("marts",): 1.0},
    "gate_stops": {("marts",): 0.0},
    "gate_warnings": {("marts",): 0.0},
    "source_newest_timestamp_seconds": {("raw.events",): NOW - HOUR},
    "published_timestamp_seconds": {("marts.fct_events",): NOW - HOUR},
    "latency_p95_seconds": {("receipt",): 1800.0},
    "build_failed_nodes": {("marts",): 0.0},
    "scores_timestamp_seconds": {("churn",): NOW - 2 * DAY},
    "model_drift": {("churn",): 0.1},
    "audience_failed": {("at_risk", "meta"): 0.0},
    "audience_timestamp_seconds": {("at_risk", "meta"): NOW - DAY},
}
LABELS = {
    **dict.fromkeys(("gate_open", "gate_stops", "gate_warnings"), ("gate",)),
    "source_newest_timestamp_seconds": ("source",),
}


def findings(**changed: dict[tuple[str, ...], float]) -> dict[str, Finding]:
    figures = [
        Figure(name, "", LABELS.get(name, ()), tuple(values.items()))
        for name, values in (WELL | changed).items()
    ]
    return {one.subject: one for one in judged(figures, LEVELS, now=NOW)}


def test_a_warehouse_that_is_well_has_nothing_to_mend() -> None:
    found = findings()

    assert {one.state for one in found.values()} == {"ok"}
    assert {one.remedy for one in found.values()} == {""}
    assert found["marts"].said == "1 tables, the newest 60 min ago"


def test_a_young_warehouse_is_not_sick() -> None:
    found = list(judged([], LEVELS, now=NOW))

    assert is_healthy(found)


@pytest.mark.parametrize(
    ("changed", "subject", "state", "said"),
    [
        (
            {"gate_open": {("marts",): 0.0}, "gate_stops": {("marts",): 2.0}},
            *("gates", "bad", "closed: marts (2 failed)"),
        ),
        (
            {
                "gate_open": {("audiences",): 0.0},
                "gate_stops": {("audiences",): 1.0},
                "gate_part_stops": {
                    ("audiences", "at_risk"): 1.0,
                    ("audiences", "high_value"): 1.0,
                },
            },
            *("gates", "bad", "closed: audiences (1 failed: at_risk, high_value)"),
        ),
        (
            {"gate_warnings": {("marts",): 1.0}},
            *("gates", "look", "all open; marts ask for a look"),
        ),
        (
            {"source_newest_timestamp_seconds": {("raw.events",): NOW - 25 * HOUR}},
            *("sources", "bad", "stale: raw.events 25 h ago"),
        ),
        (
            {"source_newest_timestamp_seconds": {("raw.events",): NOW - 7 * HOUR}},
            *("sources", "look", "stale: raw.events 7 h ago"),
        ),
        (
            {"published_timestamp_seconds": {("marts.fct_events",): NOW - 4 * HOUR}},
            *("marts", "bad", "1 stale, such as marts.fct_events: published 4 h ago"),
        ),
        (
            {"latency_p95_seconds": {("receipt",): 3 * HOUR}},
            *("latency", "look", "p95: 3 h since receipt"),
        ),
        (
            {"build_failed_nodes": {("marts",): 1.0}},
            *("builds", "bad", "the last build of marts failed"),
        ),
        (
            {"scores_timestamp_seconds": {("churn",): NOW - 9 * DAY}},
            *("models", "look", "churn scored 9 days ago"),
        ),
        (
            {"model_drift": {("churn",): 0.3}},
            *("models", "look", "people of churn have drifted"),
        ),
        (
            {"audience_failed": {("at_risk", "meta"): 1.0}},
            *("audiences", "bad", "not sent: at_risk at meta"),
        ),
        (
            {"audience_timestamp_seconds": {("at_risk", "meta"): NOW - 3 * DAY}},
            *("audiences", "look", "1 pushed, the oldest 3 days ago"),
        ),
    ],
)
def test_what_is_not_well_is_said_with_its_runbook(
    changed: dict[str, dict[tuple[str, ...], float]],
    subject: str,
    state: str,
    said: str,
) -> None:
    found = findings(**changed)

    assert (found[subject].state, found[subject].said) == (state, said)
    assert found[subject].remedy.startswith("docs/runbooks/")
    assert [one.subject for one in found.values() if one.state != "ok"] == [subject]
    assert is_healthy(found.values()) == (state == "look")
