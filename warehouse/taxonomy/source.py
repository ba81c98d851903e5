"""Read a YAML file of the taxonomy as plain data, remembering each line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 12


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong in a taxonomy file, and where."""

    file: str
    line: int
    at: str
    says: str

    def __str__(self) -> str:
        """As an editor can jump to it: file:line, path, sentence."""
        return (
            f"{self.file}:{self.line}: {self.at + ': ' if self.at else ''}{self.says}"
        )


@dataclass(slots=True)
class Source:
    """One file as it was read: its data, its lines, and the faults found in it."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def object_to(self, says: str, at: Place = ()) -> None:
        """Note a fault at a place of the file."""
        self.faults.append(
            Fault(self.file, self._line(at), ".".join(map(str, at)), says)
        )

    def _line(self, at: Place) -> int:
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)


def read(path: Path, *, file: str) -> Source:
    """Read one file; what cannot be read becomes a fault, never an exception.

    `file` is the name under which faults are reported. The data of a file with
    broken syntax are empty.
    """
    source = Source(file)
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=_LOADER)
    except FileNotFoundError:
        source.object_to("the file is missing; create it, even if it is empty")
    except UnicodeDecodeError:
        source.object_to("not UTF-8 text; save the file as UTF-8")
    except yaml.YAMLError as error:
        source.faults.append(_syntax_fault(file, error))
    else:
        data = {} if tree is None else _plain(tree, (), source)
        if isinstance(data, dict):
            source.data = data
        else:
            source.object_to("expected names with definitions below them")
    return source


def _syntax_fault(file: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    line = mark.line + 1 if mark else 1
    return Fault(file, line, "", f"no YAML: {problem}; look at indents, colons, quotes")


def _plain(node: yaml.Node, at: Place, source: Source) -> Any:
    source.lines.setdefault(at, node.start_mark.line + 1)
    if len(at) > _DEEPEST:
        source.object_to("nested too deep", at[:3])
        return None
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, at, source))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*at, n), source) for n, one in enumerate(node.value)]
    return _scalar(node, at, source)


def _pairs(
    node: yaml.MappingNode, at: Place, source: Source
) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key is None:
            source.object_to("a name must be a plain word", at)
            continue
        here = (*at, key)
        if key in seen:
            line = key_node.start_mark.line + 1
            path = ".".join(map(str, here))
            source.faults.append(Fault(source.file, line, path, "defined twice"))
            continue
        seen.add(key)
        source.lines[here] = key_node.start_mark.line + 1
        yield key, _plain(value_node, here, source)


def _scalar(node: yaml.Node, at: Place, source: Source) -> Any:
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        source.object_to("a value that cannot be read; write it in quotes", at)
        return None
