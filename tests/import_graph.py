"""The imports of a package as a graph, read from its source, without those for type checkers."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Graph = dict[str, set[str]]


def graph_of(package: Path) -> Graph:
    """Give the modules of a package with those that each imports, inside functions too.

    That a package is imported before its modules does not count: only what a file says.
    """
    files = {_name_of(path, package.parent): path for path in package.rglob("*.py")}
    return {name: _imports(path, name, set(files)) for name, path in files.items()}


def circle_in(graph: Graph) -> list[str]:
    """Give modules that import each other in a circle; an empty list where none do."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def arrows_between(graph: Graph, package: str) -> set[tuple[str, str]]:
    """Give the pairs of sub-packages of which a module of the first imports one of the second."""
    rooms = {name: _room(name, package) for name in graph}
    arrows = {(rooms[name], rooms[other]) for name, others in graph.items() for other in others}
    return {(one, other) for one, other in arrows if one and other and one != other}


def _room(module: str, package: str) -> str:
    inside = module.removeprefix(f"{package}.")
    return inside.split(".")[0] if inside != module else ""


def _name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path, name: str, modules: set[str]) -> set[str]:
    visitor = _Imports(name if path.name == "__init__.py" else name.rpartition(".")[0])
    visitor.visit(ast.parse(path.read_text()))
    found = set()
    for module, attribute in visitor.found:
        inner = f"{module}.{attribute}"
        found.add(inner if inner in modules else module)
    return (found & modules) - {name}


class _Imports(ast.NodeVisitor):
    """Collects what is imported when a program runs, as pairs of a module and a name in it."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.found: list[tuple[str, str]] = []

    def visit_If(self, node: ast.If) -> None:
        """Leave out what only type checkers read."""
        inside = node.orelse if "TYPE_CHECKING" in ast.unparse(node.test) else [node]
        for statement in inside:
            if statement is node:
                self.generic_visit(node)
            else:
                self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        """Note ``import a.b``."""
        self.found += [(alias.name, "") for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Note ``from a.b import c``, and relative forms of it."""
        above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
        parts = [*above, node.module] if node.level else [node.module]
        module = ".".join(part for part in parts if part)
        self.found += [(module, alias.name) for alias in node.names]

    def visit_Call(self, node: ast.Call) -> None:
        """Note ``import_module("a.b")``."""
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if called in {"import_module", "__import__"} and node.args:
            argument = node.args[0]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                self.found.append((argument.value, ""))
        self.generic_visit(node)
