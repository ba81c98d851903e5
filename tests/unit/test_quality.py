"""What producers keep of their contract: properties that moved, and how it is shown."""

from typing import Any

import pandas as pd
import pytest

from expectations.property_quality import Moved, _of_event
from expectations.quality import Quality
from questlog.commands.quality import _print


def cells(*told: tuple[str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(told, columns=["dimension", "category", "now", "before"])


def moved(*told: tuple[str, str, int, int]) -> dict[str, Moved]:
    return {one.name: one for one in _of_event(cells(*told))}


EVERY = (
    ("given amount", "always", 100, 400),
    ("properties", "amount", 100, 400),
)


def test_numbers_are_compared_by_their_order_and_words_by_their_shares() -> None:
    found = moved(
        *EVERY,
        ("properties", "via", 100, 400),
        # half of the amounts are higher
        ("property amount", "5", 50, 400),
        ("property amount", "about 501.19", 50, 0),
        ("property via", "banner", 100, 200),
        ("property via", "settings", 0, 200),
    )

    assert (found["amount"].measure, found["amount"].distance) == ("ks", 0.5)
    assert found["via"].measure == "js"
    assert 0.2 < found["via"].distance < 0.7


def test_a_property_is_filled_by_the_share_of_events_that_have_it() -> None:
    found = moved(*EVERY, ("properties", "plan", 20, 200))

    assert (found["amount"].filled, found["amount"].filled_before) == (1.0, 1.0)
    assert (found["plan"].filled, found["plan"].filled_before) == (0.2, 0.5)


@pytest.mark.parametrize(
    ("now", "before", "is_first_seen", "is_gone_missing"),
    [(1, 0, True, False), (0, 200, False, True), (0, 4, False, False), (9, 9, 0, 0)],
)
def test_a_property_is_new_or_gone_where_it_was_usual(
    now: int, before: int, *, is_first_seen: bool, is_gone_missing: bool
) -> None:
    one = moved(*EVERY, ("properties", "plan", now, before))["plan"]

    assert one.is_first_seen == is_first_seen
    assert one.is_gone_missing == is_gone_missing


def test_of_few_events_no_distance_is_told() -> None:
    found = moved(
        ("properties", "dice", 29, 400),
        ("property dice", "6", 29, 0),
        ("property dice", "1", 0, 400),
    )

    assert (found["dice"].measure, found["dice"].distance) == ("", 0.0)


def a_line(**changed: Any) -> Quality:
    fields: dict[str, Any] = {
        "event_name": "game_session_started",
        "source": "web",
        "tracker": "questlog-js 1.4.0",
        "events": 400,
        "numbered": 98,
        "missing": 2,
    }
    return Quality(**(fields | changed))


def shown(capsys: pytest.CaptureFixture[str], *lines: Quality) -> list[str]:
    _print(lines)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_screen_shows_whole_names_on_eighty_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    lines = shown(
        capsys,
        a_line(late=40, late_p95_s=7300.0, copies=4),
        # of what was refused no tracker is known
        a_line(tracker="", events=0, refused=100, numbered=0, missing=0),
    )

    assert "web questlog-js 1.4.0 400 0.0% 0.0% 10.0% 2 h 1.0% 98.00%" in lines
    assert "game_session_started web 400 20.0% 0.0% 10.0% 2 h 1.0%" in lines


def test_of_properties_the_screen_shows_what_moved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    properties = (
        Moved(name="amount", measure="ks", distance=0.3, filled=1, filled_before=1),
        Moved(name="via", measure="js", distance=0.02, filled=1, filled_before=1),
        Moved(name="plan", filled=0.0, filled_before=0.4, is_gone_missing=True),
    )
    new = (Moved(name="why", filled=1, is_first_seen=True),)

    lines = shown(
        capsys,
        a_line(properties=properties),
        a_line(event_name="petted", events=3, properties=new),
    )

    assert "petted the event itself new" in lines
    assert "game_session_started plan 40.0% 0.0% gone" in lines
    assert "game_session_started amount 0.30 ks 100.0% 100.0%" in lines
    assert not any(" via " in line for line in lines)


def test_days_on_which_nobody_sent_are_told_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown(capsys) == ["Nobody sent anything in these days."]
