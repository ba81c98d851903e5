import json

from warehouse.generators.measured_page import bars, kept, measured_page

RUN = {
    "name": "door",
    "machine": {"cores": 2, "memory_bytes": 8 << 30},
    "figures": {"events_per_second": 900.0, "lost": 0, "wait_s": 3.0, "cpu_us": 7},
    "compared_with": {
        "events_per_second_least": 1_000,
        "lost_most": 0,
        "wait_limit_s": 2,
        "bare_per_second": 5_000.0,
        "rival": "another",
    },
    "on": "2026-11-02",
    "commit": "abc1234",
    "beside": "nothing",
}


def test_bars_are_read_as_benchmarks_write_them() -> None:
    found = {name: (bar.value, bar.least) for name, bar in bars(RUN).items()}

    assert found == {
        "events_per_second": (1_000, True),
        "lost": (0, False),
        "wait_s": (2, False),
    }


def test_a_missed_bar_is_told_on_either_side() -> None:
    page = measured_page(json.dumps(RUN))

    assert "| `events_per_second` | 900 | ≥ 1,000 | **missed** |" in page
    assert "| `wait_s` | 3 | ≤ 2 | **missed** |" in page
    assert "| `lost` | 0 | ≤ 0 | met |" in page
    assert "`cpu_us` 7, `bare_per_second` 5,000" in page


def test_the_newest_run_of_a_name_is_told() -> None:
    newer = RUN | {"on": "2026-11-03", "commit": "def5678"}
    lines = "\n".join(json.dumps(run) for run in (newer, RUN))

    assert kept(lines)["door"]["commit"] == "def5678"
    assert "abc1234" not in measured_page(lines)
