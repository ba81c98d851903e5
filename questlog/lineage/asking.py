"""Answer where a column, a table or an audience comes from and where it goes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from activation.made_of import AUDIENCES
from activation.made_of import made_of as made_by_activation
from ml.made_of import made_of as made_by_ml
from warehouse.lineage.artifacts import graph_of_models
from warehouse.lineage.columns import Column
from warehouse.lineage.graph import Graph
from warehouse.settings import Settings

if TYPE_CHECKING:
    from rich.tree import Tree

Step = Callable[[Column], Sequence[Column]]


def whole_graph(settings: Settings) -> Graph:
    """Models by dbt, and what Python writes after them."""
    graph = graph_of_models(settings)
    for made in (*made_by_ml(), *made_by_activation()):
        graph.add(made)
    return graph


@dataclass(frozen=True, slots=True)
class Answer:
    """The lineage of some columns: those of a table or an audience, or just one."""

    asked: str
    columns: tuple[Column, ...]
    graph: Graph

    @property
    def upstream(self) -> list[Column]:
        """Everything the columns come from, in order of their names."""
        before = (self.graph.everything_before(one) for one in self.columns)
        return sorted(set().union(*before))

    @property
    def downstream(self) -> list[Column]:
        """Everything that comes from them."""
        after = (self.graph.everything_after(one) for one in self.columns)
        return sorted(set().union(*after) - set(self.columns))

    @property
    def origins(self) -> list[Column]:
        """Where it ends: what was sent to the door, or stands in a seed."""
        return [one for one in self.upstream if not self._reads(one.table)]

    @property
    def unread(self) -> dict[str, str]:
        """Columns on the way whose sources could not be told, and why."""
        way = [*self.columns, *self.upstream, *self.downstream]
        return {
            str(one): self.graph.tables[one.table].unread[one.name]
            for one in way
            if one.table in self.graph.tables
            and one.name in self.graph.tables[one.table].unread
        }

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "asked": self.asked,
            "columns": [str(one) for one in self.columns],
            "upstream": [str(one) for one in self.upstream],
            "origins": [str(one) for one in self.origins],
            "downstream": [str(one) for one in self.downstream],
            "unread": self.unread,
        }

    def _reads(self, table: str) -> bool:
        made = self.graph.tables.get(table)
        return bool(made and made.reads)


def ask(graph: Graph, words: str) -> Answer:
    """The lineage of what somebody names. Raises BadInput naming what is near."""
    # an audience has a name of its own, and may share it with nothing
    name = f"{AUDIENCES}.{words}"
    found = name if name in graph.tables else graph.find(words)
    if isinstance(found, str):
        return Answer(found, tuple(graph.columns(found)), graph)
    return Answer(str(found[0]), tuple(found), graph)


def drawn(answer: Answer, *, depth: int) -> "Iterable[Tree]":
    """Both directions as trees, each column drawn once; deeper ones are counted."""
    graph = answer.graph
    for title, step in (("comes from", graph.sources), ("goes to", graph.uses)):
        yield _tree(answer, f"{answer.asked} {title}", step, depth)


def _tree(answer: Answer, title: str, step: Step, depth: int) -> "Tree":
    from rich.tree import Tree

    root = Tree(f"[bold]{title}[/]")
    seen: set[Column] = set()
    single = len(answer.columns) == 1
    for column in answer.columns:
        if single:
            _grow(root, column, step, depth, seen)
        elif step(column):
            _grow(root.add(column.name), column, step, depth, seen)
    if not root.children:
        root.add("[dim]nothing[/]")
    return root


def _grow(
    branch: "Tree", column: Column, step: Step, depth: int, seen: set[Column]
) -> None:
    """Add what a column is made of; what was drawn before is only named."""
    following = step(column)
    if column in seen and following:
        branch.add("[dim]as above[/]")
        return
    seen.add(column)
    if depth == 0 and following:
        branch.add(f"[dim]… {len(following)} more; see --depth[/]")
        return
    for one in following:
        _grow(branch.add(str(one)), one, step, depth - 1, seen)
