"""Draw small charts as SVG: axes, lines, bands, bars and dots, and nothing else.

Numbers that are nan or infinite are left out. The same numbers give the same text.
Colours are Okabe and Ito's, which people with any colour vision tell apart; lines
differ by their dashes and dots by their shape too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, isfinite, log10
from typing import Literal

Points = Sequence[tuple[float, float]]
Look = Literal["model", "rule", "other", "reference"]

_COLOURS = {
    "model": "#0072B2",
    "rule": "#D55E00",
    "other": "#117A5B",
    "reference": "#5F5F5F",
}
_DASHES = {"model": "", "rule": "7 3", "other": "2 3", "reference": "1 4"}
WIDTH, HEIGHT = 440.0, 310.0
_LEFT, _RIGHT, _BOTTOM, _ROW, _LETTER = 58.0, 22.0, 44.0, 17.0, 7.0
_NICE = (1.0, 2.0, 5.0, 10.0)
_TICKS = 5


def percent(value: float) -> str:
    """A share at a tick, with as many digits as it has."""
    return f"{100 * value:.4g} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One direction of a chart; `low` is below `high`."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    form: Callable[[float], str]

    def share(self, value: float) -> float:
        """Where a value is between the ends, held within them."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def axis(
    label: str,
    values: Sequence[float],
    *,
    form: Callable[[float], str],
    from_zero: bool = True,
) -> Axis:
    """An axis that holds all values, with about five round ticks."""
    known = [value for value in values if isfinite(value)] or [0.0]
    low = min([*known, 0.0]) if from_zero else min(known)
    high = max(known)
    if high - low <= 1e-9 * max(abs(high), abs(low), 1.0):
        high = low + max(abs(low), 1.0)
    rough = (high - low) / _TICKS
    unit = 10.0 ** floor(log10(rough))
    step = next(n * unit for n in _NICE if n * unit >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(round(n * step, 12) for n in range(first, last + 1))
    return Axis(label=label, low=ticks[0], high=ticks[-1], ticks=ticks, form=form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through points, in their order."""

    name: str
    points: Points
    look: Look
    stepped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The room between two heights, along x."""

    name: str
    between: Sequence[tuple[float, float, float]]
    look: Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point with the interval of its height."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dots:
    """Points of one kind: round for the model, square for what it is beside."""

    name: str
    dots: Sequence[Dot]
    look: Look


Mark = Line | Band | Dots


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Marks between two axes. `title` and `description` are for those who hear it."""

    title: str
    description: str
    x: Axis
    y: Axis
    marks: Sequence[Mark] = field(default=())

    def svg(self, name: str) -> str:
        """The chart; `name` is unlike that of any other chart of the page."""
        top = 8.0 + _ROW * len(_rows_of_names([mark.name for mark in self.marks]))
        frame = _Frame(self.x, self.y, top)
        drawn = [_MARKS[type(mark)](mark, frame) for mark in self.marks]
        inside = [*_grid(frame), *drawn, *_legend(self.marks)]
        return _svg(name, self.title, self.description, HEIGHT, inside)


@dataclass(frozen=True, slots=True)
class _Frame:
    """From values to places in the picture."""

    x: Axis
    y: Axis
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + self.x.share(x) * (WIDTH - _LEFT - _RIGHT),
            HEIGHT - _BOTTOM - self.y.share(y) * (HEIGHT - _BOTTOM - self.top),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One named length with its interval."""

    name: str
    length: float
    low: float
    high: float
    look: Look = "model"


def bars(name: str, title: str, description: str, axis: Axis, rows: list[Bar]) -> str:
    """Lengths beside their names, from the top down."""
    left = 24 + _LETTER * max((len(row.name) for row in rows), default=0)
    left = min(left, WIDTH * 0.55)
    bottom = 8 + 19.0 * len(rows)

    def at(value: float) -> float:
        return left + axis.share(value) * (WIDTH - left - 28)

    inside = []
    for tick in axis.ticks[:: 2 if len(axis.ticks) > _TICKS else 1]:
        inside.append(_rule(at(tick), 4, at(tick), bottom, "#DDD"))
        inside.append(_text(at(tick), bottom + 16, axis.form(tick), "middle"))
    for number, row in enumerate(rows):
        middle = 17.0 + 19 * number
        inside.append(_text(left - 7, middle + 4, row.name, "end"))
        if not isfinite(row.length):
            continue
        start, end = sorted((at(0.0), at(row.length)))
        inside.append(
            f'<rect x="{start:.1f}" y="{middle - 6:.1f}" width="{end - start:.1f}"'
            f' height="12" fill="{_COLOURS[row.look]}"/>'
        )
        if isfinite(row.low) and isfinite(row.high) and row.low != row.high:
            inside.append(_rule(at(row.low), middle, at(row.high), middle, "#111", 1.6))
    inside.append(_rule(at(0.0), 4, at(0.0), bottom, "#555"))
    middle = (left + WIDTH - 28) / 2
    inside.append(_text(middle, bottom + 34, axis.label, "middle"))
    return _svg(name, title, description, bottom + 42, inside)


def _svg(
    name: str, title: str, description: str, height: float, inside: Sequence[str]
) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img"'
        f' aria-labelledby="{name}-title {name}-description"'
        ' font-family="system-ui, sans-serif" font-size="12.5" fill="#222">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-description">{escape(description)}</desc>'
        f"{''.join(inside)}</svg>"
    )


def _grid(frame: _Frame) -> list[str]:
    left, bottom = frame.at(frame.x.low, frame.y.low)
    right, top = frame.at(frame.x.high, frame.y.high)
    found = []
    for tick in frame.y.ticks:
        _, y = frame.at(frame.x.low, tick)
        found.append(_rule(left, y, right, y, "#DDD"))
        found.append(_text(left - 6, y + 4, frame.y.form(tick), "end"))
    for tick in frame.x.ticks:
        x, _ = frame.at(tick, frame.y.low)
        found.append(_rule(x, bottom, x, bottom + 4, "#555"))
        found.append(_text(x, bottom + 17, frame.x.form(tick), "middle"))
    middle = (top + bottom) / 2
    return [
        *found,
        _rule(left, bottom, right, bottom, "#555"),
        _text((left + right) / 2, bottom + 36, frame.x.label, "middle"),
        (
            f'<text transform="rotate(-90 13 {middle:.1f})" x="13" y="{middle:.1f}"'
            f' text-anchor="middle">{escape(frame.y.label)}</text>'
        ),
    ]


def _line(line: Line, frame: _Frame) -> str:
    places: list[tuple[float, float]] = []
    for x, y in line.points:
        if not (isfinite(x) and isfinite(y)):
            continue
        place = frame.at(x, y)
        if line.stepped and places:
            places.append((place[0], places[-1][1]))
        places.append(place)
    return (
        f'<polyline points="{_places(places)}" fill="none" stroke-width="2"'
        f' stroke="{_COLOURS[line.look]}" stroke-dasharray="{_DASHES[line.look]}"/>'
    )


def _band(band: Band, frame: _Frame) -> str:
    known = [edge for edge in band.between if all(map(isfinite, edge))]
    there = [frame.at(x, high) for x, _, high in known]
    back = [frame.at(x, low) for x, low, _ in reversed(known)]
    return (
        f'<polygon points="{_places([*there, *back])}" stroke="none"'
        f' fill="{_COLOURS[band.look]}" fill-opacity="0.18"/>'
    )


def _dots(dots: Dots, frame: _Frame) -> str:
    drawn = []
    colour = _COLOURS[dots.look]
    for dot in dots.dots:
        if not (isfinite(dot.x) and isfinite(dot.y)):
            continue
        if isfinite(dot.low) and isfinite(dot.high):
            x, low = frame.at(dot.x, dot.low)
            drawn.append(_rule(x, low, x, frame.at(dot.x, dot.high)[1], colour, 1.5))
        drawn.append(_shape(*frame.at(dot.x, dot.y), dots.look))
    return "".join(drawn)


def _shape(x: float, y: float, look: Look) -> str:
    if look == "model":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_COLOURS[look]}"/>'
    return (
        f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"'
        f' fill="#fff" stroke="{_COLOURS[look]}" stroke-width="1.8"/>'
    )


_MARKS: dict[type, Callable[..., str]] = {Line: _line, Band: _band, Dots: _dots}


def _legend(marks: Sequence[Mark]) -> list[str]:
    by_name = {mark.name: mark for mark in marks}
    drawn = []
    for number, row in enumerate(_rows_of_names([mark.name for mark in marks])):
        y = 12.0 + _ROW * number
        x = _LEFT
        for name in row:
            mark = by_name[name]
            drawn.append(_sample(mark, x, y))
            drawn.append(_text(x + 28, y + 4, name, "start"))
            x += _room(name)
    return drawn


def _sample(mark: Mark, x: float, y: float) -> str:
    colour = _COLOURS[mark.look]
    if isinstance(mark, Line):
        return (
            f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x + 23:.1f}" y2="{y:.1f}"'
            f' stroke="{colour}" stroke-width="2"'
            f' stroke-dasharray="{_DASHES[mark.look]}"/>'
        )
    if isinstance(mark, Band):
        return (
            f'<rect x="{x:.1f}" y="{y - 5:.1f}" width="23" height="10"'
            f' fill="{colour}" fill-opacity="0.18"/>'
        )
    return _shape(x + 11, y, mark.look)


def _rows_of_names(names: Sequence[str]) -> list[list[str]]:
    """The names of a legend in as many rows as they need."""
    rows: list[list[str]] = []
    room = 0.0
    for name in dict.fromkeys(names):
        if not rows or room < _room(name):
            rows.append([])
            room = WIDTH - _LEFT
        rows[-1].append(name)
        room -= _room(name)
    return rows


def _room(name: str) -> float:
    return 42 + _LETTER * len(name)


def _places(places: Points) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text {where}>{escape(text)}</text>"


def _rule(  # noqa: PLR0913, PLR0917 -- two places and a stroke
    x: float, y: float, to_x: float, to_y: float, colour: str, width: float = 1.0
) -> str:
    return (
        f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
        f' stroke="{colour}" stroke-width="{width}"/>'
    )
