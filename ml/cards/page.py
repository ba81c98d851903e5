"""Lay a card out as one HTML file that needs nothing else and prints well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite

from ml.cards.resampling import Interval

_STYLE = """
:root { color-scheme: light }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; color: #222;
  background: #fdfcf9; max-width: 60rem; margin: 2rem auto 4rem; padding: 0 1rem;
  overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.25; margin-bottom: .2rem }
h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; border-top: 1px solid #ccc;
  padding-top: 1rem }
p, li, dd { max-width: 44rem } .lead { font-size: 1.08rem }
.aside, figcaption { color: #555; font-size: .9rem; text-align: left }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem }
dt { color: #555 } dd { margin: 0 } code { font-size: .88em; word-break: break-all }
.scroll { overflow-x: auto } table { border-collapse: collapse; margin: .8rem 0 }
th, td { padding: .3rem .8rem .3rem 0; text-align: right; vertical-align: top;
  border-bottom: 1px solid #ddd; font-variant-numeric: tabular-nums }
th, td { white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal;
  min-width: 6.5rem }
th { font-weight: 600 } td small { color: #555; display: block }
.figures { display: grid; gap: 1.6rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)) }
figure { margin: 0; break-inside: avoid } figure svg { width: 100%; height: auto;
  background: #fff; border: 1px solid #e4e0d8; border-radius: 4px }
figure h3 { font-size: 1rem; margin: 0 0 .4rem } details { margin-top: .5rem }
summary { cursor: pointer; font-size: .9rem; color: #7a3b12 }
.headline { display: grid; gap: 1rem; margin: 1.2rem 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)) }
.headline li { background: #fff; border: 1px solid #e4e0d8; border-radius: 6px;
  padding: .7rem .9rem; font-size: .9rem; color: #555; max-width: none }
.headline b { display: block; color: #222; font-size: 1.7rem; line-height: 1.2;
  font-weight: 600; font-variant-numeric: tabular-nums }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr }
  dd { margin-bottom: .5rem } th { white-space: normal } }
@media print { body { background: #fff; font-size: 10.5pt; margin: 0; max-width: none }
  h2 { break-after: avoid } tr { break-inside: avoid } summary { display: none }
  .scroll { overflow: visible } }
"""


def document(title: str, parts: Sequence[str]) -> str:
    """The whole file."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """A heading and what follows it."""
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(text: str, style: str = "") -> str:
    """Plain words."""
    mark = f' class="{style}"' if style else ""
    return f"<p{mark}>{_flowing(text)}</p>"


def headline(*said: tuple[str, str]) -> str:
    """A few figures that stand out, each with what it is."""
    each = (f"<li><b>{escape(f)}</b>{_flowing(what)}</li>" for f, what in said)
    return f'<ul class="headline">{"".join(each)}</ul>'


def points(texts: Sequence[str]) -> str:
    """A list of plain words."""
    return f"<ul>{''.join(f'<li>{_flowing(text)}</li>' for text in texts)}</ul>"


def facts(known: Mapping[str, str]) -> str:
    """Names and what they stand for."""
    rows = (f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in known.items())
    return f"<dl>{''.join(rows)}</dl>"


@dataclass(frozen=True, slots=True)
class Noted:
    """A cell with small words below its text."""

    text: str
    note: str


Cell = str | Interval | Noted


def table(headings: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str) -> str:
    """Rows under headings; an interval stands below its figure."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in headings)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return (
        f"{paragraph(caption, 'aside')}"
        f'<div class="scroll"><table aria-label="{escape(caption)}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def figure(title: str, svg: str, caption: str, data: str = "") -> str:
    """A chart under its title, what to see in it, and its figures on demand."""
    more = f"<details><summary>The figures</summary>{data}</details>" if data else ""
    return (
        f"<figure><h3>{escape(title)}</h3>{svg}"
        f"<figcaption>{_flowing(caption)}</figcaption>{more}</figure>"
    )


def figures(*drawn: str) -> str:
    """Charts side by side where there is room."""
    return f'<div class="figures">{"".join(drawn)}</div>'


def number(value: float, digits: int = 3) -> str:
    """A figure with its decimals; says so where it is not defined."""
    text = f"{value:,.{digits}f}" if isfinite(value) else "not defined"
    return text.replace("-", "\N{MINUS SIGN}")


def percent(value: float) -> str:
    """A share as people say it; says so where it is not defined."""
    return f"{100 * value:.0f} %" if isfinite(value) else "not defined"


def between(interval: Interval, digits: int = 3) -> str:
    """An interval's ends."""
    if not isfinite(interval.low):
        return "no interval"
    return f"{number(interval.low, digits)} to {number(interval.high, digits)}"


def _flowing(text: str) -> str:
    """Text that may be broken into lines, but not before a percent sign."""
    return escape(text).replace(" %", "&nbsp;%")


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return escape(cell)
    if isinstance(cell, Noted):
        return f"{escape(cell.text)}<small>{escape(cell.note)}</small>"
    return f"{number(cell.value)}<small>{between(cell)}</small>"
