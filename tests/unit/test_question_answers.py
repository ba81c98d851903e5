"""How questions read moments, and how answers are compared with what is expected."""

import pytest

from questlog.cases.comparison import compare
from warehouse.questions.moments import last_millisecond


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-02", 2 * 86_400_000 - 1),
        ("1970-01-01T23:59:59Z", 86_400_000 - 1),
        ("1970-01-01T23:59:59.500Z", 86_400_000 - 500),
    ],
)
def test_an_inclusive_end_is_the_last_millisecond_it_names(
    text: str, milliseconds: int
) -> None:
    assert last_millisecond(text, "date_to") == milliseconds


def test_sessions_agree_in_any_order_however_their_moments_are_written() -> None:
    expected = {
        "sessions": [
            {"session_id": "b", "start": "2026-03-01 10:00:00", "page_views": None},
            {"session_id": "a", "start": "2026-03-01T11:00:00Z", "page_views": 2},
        ]
    }
    answer = {
        "sessions": [
            {"page_views": 2, "session_id": "a", "start": "2026-03-01T11:00:00.400Z"},
            {"page_views": 9, "session_id": "b", "start": "2026-03-01T10:00:00.000Z"},
        ]
    }

    assert compare(expected, answer).differences == []


def test_a_moment_that_is_over_a_second_away_is_a_difference() -> None:
    compared = compare(
        {"sessions": [{"start": "2026-03-01T10:00:00Z"}]},
        {"sessions": [{"start": "2026-03-01T10:00:01.001Z"}]},
    )

    assert len(compared.differences) == 1


def test_paths_agree_in_any_order() -> None:
    expected = {
        "after": [{"path": ["a", "b"], "users": 1}, {"path": ["a"], "users": 1}]
    }
    answer = {"after": [{"users": 1, "path": ["a"]}, {"users": 1, "path": ["a", "b"]}]}

    assert compare(expected, answer).differences == []


def test_fitted_parameters_may_differ_by_the_cases_tolerance() -> None:
    expected = {
        "customers": 100,
        "parameters": {"bg_nbd": {"r": 0.2426, "LL": -9582.4}},
        "tolerance": {"parameters": 0.01, "LL": 0.1},
    }
    near = {"bg_nbd": {"r": 0.2440, "LL": -9582.45}}
    far = {"bg_nbd": {"r": 0.2460, "LL": -9582.6}}

    assert not compare(expected, {"customers": 100, "parameters": near}).differences
    assert (
        len(compare(expected, {"customers": 101, "parameters": far}).differences) == 3
    )
