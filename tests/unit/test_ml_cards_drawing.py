"""Charts as SVG: whole, told in words, and in their place whatever the numbers."""

from math import inf, nan
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.cards.drawing import (
    Axis,
    Band,
    Bar,
    Chart,
    Dot,
    Dots,
    Line,
    axis,
    bars,
    percent,
)

SPACE = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg.replace("<svg ", f'<svg xmlns="{SPACE[1:-1]}" ', 1))  # noqa: S314 -- our own


def an_axis(*values: float) -> Axis:
    return axis("a <thing>", values, form=lambda value: f"{value:g}")


def a_chart(*points: tuple[float, float]) -> Chart:
    dots = [Dot(x=x, y=y, low=y - 1, high=y + 1) for x, y in points]
    return Chart(
        title="A & B",
        description="Both <rise>.",
        x=an_axis(*(x for x, _ in points)),
        y=an_axis(*(y for _, y in points)),
        marks=[
            Band(name="band", between=[(x, y, y) for x, y in points], look="model"),
            Line(name="line", points=points, look="rule"),
            Dots(name="dots", dots=dots, look="model"),
        ],
    )


def test_a_chart_tells_its_title_and_description_to_those_who_hear_it() -> None:
    picture = parsed(a_chart((0, 1), (2, 3)).svg("gain"))

    told = [picture.find(f"{SPACE}title"), picture.find(f"{SPACE}desc")]
    assert picture.get("role") == "img"
    assert picture.get("aria-labelledby") == "gain-title gain-description"
    assert [(one.get("id"), one.text) for one in told if one is not None] == [
        ("gain-title", "A & B"),
        ("gain-description", "Both <rise>."),
    ]


def test_points_lie_where_their_values_say() -> None:
    x, y = an_axis(0, 10), an_axis(0, 5)
    line = Line(name="line", points=[(0, 0), (5, 2.5), (10, 5)], look="model")

    picture = parsed(Chart(title="", description="", x=x, y=y, marks=[line]).svg("a"))

    drawn = picture.find(f"{SPACE}polyline")
    assert drawn is not None
    places = [tuple(map(float, p.split(","))) for p in drawn.get("points", "").split()]
    (left, bottom), (middle, half), (right, top) = places
    assert left < right
    assert bottom > top
    assert middle == pytest.approx((left + right) / 2, abs=0.1)
    assert half == pytest.approx((bottom + top) / 2, abs=0.1)


@pytest.mark.parametrize(
    "points",
    [[], [(0.0, 0.0)], [(1.0, 7.0), (2.0, 7.0)], [(nan, 1.0), (1.0, inf), (2.0, nan)]],
)
def test_a_chart_of_next_to_nothing_is_still_a_chart(
    points: list[tuple[float, float]],
) -> None:
    text = a_chart(*points).svg("a")

    assert parsed(text).tag == f"{SPACE}svg"
    assert "nan" not in text
    assert "inf" not in text


def test_bars_are_as_long_as_their_values_and_leave_out_what_is_not_defined() -> None:
    rows = [
        Bar(name="long", length=4.0, low=3.0, high=4.0),
        Bar(name="short", length=1.0, low=nan, high=nan),
        Bar(name="unknown", length=nan, low=nan, high=nan),
    ]

    picture = parsed(bars("b", "Bars", "Two.", an_axis(0, 4), rows))

    widths = [float(bar.get("width", 0)) for bar in picture.iter(f"{SPACE}rect")]
    assert len(widths) == 2
    assert widths[0] == pytest.approx(4 * widths[1], rel=0.01)


@given(st.lists(st.floats(-1e12, 1e12), max_size=8))
def test_an_axis_holds_its_values_between_few_round_ticks(values: list[float]) -> None:
    found = an_axis(*values)

    slack = 1e-6 * (found.high - found.low)
    assert found.low < found.high
    assert all(found.low - slack <= v <= found.high + slack for v in values)
    assert 2 <= len(found.ticks) <= 9
    assert all(0 <= found.share(value) <= 1 for value in values)


def test_ticks_are_told_as_they_are() -> None:
    shares = axis("share", [0.0, 0.125], form=percent)

    assert [shares.form(tick) for tick in shares.ticks[:3]] == ["0 %", "5 %", "10 %"]
    assert percent(0.025) == "2.5 %"
