"""The local stack's pages: dbt docs, Data Docs and model cards under one roof."""

import html
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.home import Home
from warehouse.served import Measured
from warehouse.settings import Settings

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_SHELVES = {
    "dbt": (
        "dbt docs",
        "Every model, column and event, and what feeds what.",
        "make docs",
    ),
    "lineage": (
        "Lineage",
        "What each column is made of, from the event to the audience.",
        "make docs",
    ),
    "data-docs": (
        "Data Docs",
        "What each gate expected of the data, and what it found.",
        "questlog gate staging --as-of DAY",
    ),
    "cards": (
        "Model cards",
        "What each model is, how good it is beside its baseline, what it is not for.",
        "questlog churn run --as-of DAY",
    ),
}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Questlog</title>
<meta name="viewport" content="width=device-width">
<style>
 body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 4rem auto;
        padding: 0 1rem; color: #222; background: #fdfcf9 }}
 h1 {{ font-size: 1.6rem }} a {{ color: #7a3b12 }} li {{ margin: .8rem 0 }}
 small {{ color: #666; display: block }}
</style>
<h1>Questlog, on this machine</h1><ul>{entries}</ul></html>"""


def pages(settings: Settings) -> Measured:
    """The application: an index, and each folder of pages as static files."""
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, PlainTextResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    home = Home(settings.home.resolve())
    shelves = {
        "dbt": home.dbt_docs,
        "lineage": home.lineage_page,
        "data-docs": home.data_docs,
        "cards": home.cards,
    }
    for folder in shelves.values():
        folder.mkdir(parents=True, exist_ok=True)

    async def index(_: "Request") -> "Response":
        return HTMLResponse(
            _PAGE.format(entries="".join(_entry(n, f) for n, f in shelves.items()))
        )

    async def healthy(_: "Request") -> "Response":
        return PlainTextResponse("ok")

    served = Starlette(
        routes=[
            Route("/", index),
            Route("/healthz", healthy),
            *(
                Mount(f"/{name}", StaticFiles(directory=folder, html=True))
                for name, folder in shelves.items()
            ),
        ]
    )
    return Measured(served, service="pages")


def _entry(name: str, folder: Path) -> str:
    title, meaning, how = _SHELVES[name]
    if (folder / "index.html").exists():
        link = f'<a href="/{name}/">{html.escape(title)}</a>'
    else:
        link = f"{html.escape(title)}: not built yet, run <code>{how}</code>"
    return f"<li>{link}<small>{html.escape(meaning)}</small></li>"
