"""The views that draw Data Docs, with templates that are compiled once.

Great Expectations makes an environment of templates for each kind of page, which takes
longer than most gates: here all of a process, and those forked from it, share what was
compiled.
"""

from great_expectations.render.view.view import (
    DefaultJinjaIndexPageView,
    DefaultJinjaPageView,
)
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    """Compiled templates in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class PageView(DefaultJinjaPageView):
    """A page about a suite or a run of one."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.env.bytecode_cache = _COMPILED


class IndexPageView(DefaultJinjaIndexPageView):
    """The page that leads to all others of a site."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.env.bytecode_cache = _COMPILED


def compile_templates() -> None:
    """Compile all of them, for the processes that will be forked from this one."""
    environment = PageView().env
    for name in environment.list_templates(["j2"]):
        environment.get_template(name)
