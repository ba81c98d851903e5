"""The lineage as a page: a picture of the tables, and of every column its sources."""

import html
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from questlog.lineage.asking import whole_graph
from warehouse.durable import put
from warehouse.home import Home
from warehouse.lineage.graph import Graph, Made
from warehouse.settings import Settings

_LAYERS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("raw and seeds", ("raw", "seeds")),
    ("staging", ("staging",)),
    ("intermediate", ("intermediate",)),
    ("marts", ("marts",)),
    ("features", ("features",)),
    ("judgement", ("ml",)),
    ("audiences", ("audiences", "activation", "ops")),
)
_WIDTH, _HEIGHT, _STEP, _TOP = 190, 20, 235, 34

_STYLE = """
 body { font: 15px/1.5 system-ui, sans-serif; max-width: 110rem; margin: 2rem auto;
        padding: 0 1rem; color: #222; background: #fdfcf9 }
 a { color: #7a3b12 } svg text { font-size: 11px; fill: #222 }
 svg rect { fill: #fff; stroke: #b9a58f } svg .layer { font-weight: 600; fill: #7a3b12 }
 svg path { fill: none; stroke: #d8c9b6 } svg a:hover rect { fill: #f3e7d6 }
 table { border-collapse: collapse; margin: .3rem 0 2rem } small { color: #666 }
 td, th { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0;
          border-bottom: 1px solid #eee } .unread { color: #a33 }
"""


def write(settings: Settings) -> Path:
    """Write the page and return its path; the project is read if it changed."""
    path = Home(settings.home.resolve()).lineage_page / "index.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, page(whole_graph(settings)).encode())
    return path


def page(graph: Graph) -> str:
    """One HTML page that needs nothing beside it."""
    tables = "".join(_table(graph, made) for made in _ordered(graph))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Lineage</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        "<h1>What is made of what</h1><p>From left to right, as events become figures."
        " A table leads to its columns; <code>questlog lineage</code> answers the same"
        f" in a terminal.</p>{_picture(graph)}{tables}</html>\n"
    )


def _columns(graph: Graph) -> Iterator[tuple[str, list[str]]]:
    for title, databases in _LAYERS:
        yield (
            title,
            sorted(t for t in graph.tables if t.partition(".")[0] in databases),
        )


def _ordered(graph: Graph) -> Iterable[Made]:
    return (graph.tables[name] for _, names in _columns(graph) for name in names)


def _picture(graph: Graph) -> str:
    layers = list(_columns(graph))
    places = {
        name: (number * _STEP, _TOP + row * (_HEIGHT + 5))
        for number, (_, names) in enumerate(layers)
        for row, name in enumerate(names)
    }
    height = _TOP + max(len(names) for _, names in layers) * (_HEIGHT + 5)
    edges = "".join(
        _edge(places[source], places[name])
        for name in places
        for source in graph.tables[name].reads
        if source in places
    )
    boxes = "".join(_box(name, place) for name, place in places.items())
    titles = "".join(
        f'<text class="layer" x="{number * _STEP}" y="18">{title}</text>'
        for number, (title, _) in enumerate(layers)
    )
    width = len(layers) * _STEP
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" aria-label="Tables and what they read">{edges}{boxes}{titles}'
        "</svg>"
    )


def _edge(source: tuple[int, int], target: tuple[int, int]) -> str:
    x1, y1 = source[0] + _WIDTH, source[1] + _HEIGHT // 2
    x2, y2 = target[0], target[1] + _HEIGHT // 2
    bend = max(40, abs(x2 - x1) // 2)
    return f'<path d="M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"/>'


def _box(name: str, place: tuple[int, int]) -> str:
    x, y = place
    short = html.escape(name.partition(".")[2])
    return (
        f'<a href="#{html.escape(name)}"><rect x="{x}" y="{y}" rx="3"'
        f' width="{_WIDTH}" height="{_HEIGHT}"/>'
        f'<text x="{x + 6}" y="{y + 14}">{short}</text></a>'
    )


def _table(graph: Graph, made: Made) -> str:
    name = html.escape(made.table)
    cells = ((html.escape(one), _sources(graph, made, one)) for one in made.columns)
    rows = "".join(f"<tr><td>{one}</td><td>{of}</td></tr>" for one, of in cells)
    readers = ", ".join(_link(one, one) for one in graph.readers(made.table))
    return (
        f'<h2 id="{name}">{name}</h2><small>by {html.escape(made.by)};'
        f" read by {readers or 'nobody here'}</small>"
        f"<table><tr><th>column</th><th>made of</th></tr>{rows}</table>"
    )


def _sources(graph: Graph, made: Made, column: str) -> str:
    found = ", ".join(
        _link(one.table, str(one)) if one.table in graph.tables else str(one)
        for one in sorted(made.columns[column])
    )
    why = made.unread.get(column)
    if why:
        found += f' <span class="unread">not told apart: {html.escape(why)}</span>'
    return found


def _link(table: str, text: str) -> str:
    return f'<a href="#{html.escape(table)}">{html.escape(text)}</a>'
