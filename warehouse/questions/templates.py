"""Render a question's SQL from the macro that dbt uses too."""

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from warehouse.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

QUESTIONS = REPOSITORY / "dbt_project" / "macros" / "questions"


def render(macro: str, **parameters: Any) -> str:
    """The SQL of one question, such as `render("ask_funnel", events=…, steps=…)`.

    Raises KeyError for an unknown macro, jinja2.UndefinedError for a missing parameter.
    """
    return str(_macros()[macro](**parameters)).strip()


@cache
def _macros() -> "Mapping[str, Callable[..., str]]":
    """Every macro of the folder, in one namespace as dbt has them."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # it makes SQL, not HTML: values are escaped by the q_ macros
    environment = SandboxedEnvironment(
        undefined=StrictUndefined, extensions=["jinja2.ext.do"]
    )
    text = "\n".join(path.read_text() for path in sorted(QUESTIONS.glob("*.sql")))
    found = vars(environment.from_string(text).module)
    return MappingProxyType(
        {name: value for name, value in found.items() if not name.startswith("_")}
    )
